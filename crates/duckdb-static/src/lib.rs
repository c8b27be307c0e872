//! DuckDB, compiled from source and linked into the program, as an ADBC driver.
//!
//! It is empty without the feature `bundled`, which the feature `duckdb-static` of `trialbook` switches on. This is the
//! one place of the workspace that names a foreign function.
#![cfg(feature = "bundled")]

use std::ffi::{c_int, c_void};

use adbc_core::error::{AdbcStatusCode, Result};
use adbc_core::options::AdbcVersion;
use adbc_driver_manager::ManagedDriver;
use adbc_ffi::{FFI_AdbcDriverInitFunc, FFI_AdbcError};
// Links the library; nothing of it is named.
use libduckdb_sys as _;

#[allow(unsafe_code)]
unsafe extern "C" {
    /// Fills a driver's table of functions. Its shape is ADBC's `AdbcDriverInitFunc`; DuckDB defines it in
    /// `src/common/adbc/adbc.cpp`.
    fn duckdb_adbc_init(version: c_int, driver: *mut c_void, error: *mut FFI_AdbcError) -> AdbcStatusCode;
}

/// Returns the linked driver.
///
/// # Errors
///
/// Where the driver does not know this version of ADBC.
pub fn driver() -> Result<ManagedDriver> {
    let init: FFI_AdbcDriverInitFunc = duckdb_adbc_init;
    ManagedDriver::load_static(&init, AdbcVersion::V110)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_linked_engine_is_an_adbc_driver() {
        assert!(super::driver().is_ok());
    }
}
