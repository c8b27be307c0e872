//! What is downloaded for each platform, and the hashes that it must have.

/// A prebuilt library in an npm package.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The operating system, as `std::env::consts::OS` has it.
    pub(super) os: &'static str,
    /// The processor, as `std::env::consts::ARCH` has it.
    pub(super) arch: &'static str,
    /// The publisher's name of the platform.
    pub platform: &'static str,
    /// The package's version, which is not the engine's.
    pub(super) version: &'static str,
    /// The SHA-256 of the package.
    pub tarball: &'static str,
    /// The library's path in the package.
    pub(super) member: &'static str,
    /// The SHA-256 of the library.
    pub library: &'static str,
}

impl Package {
    /// Returns the package's name and version as npm wants them.
    pub fn specifier(&self) -> String {
        format!("@duckdb/node-bindings-{}@{}", self.platform, self.version)
    }

    /// Returns where the public registry has it.
    pub fn url(&self) -> String {
        let name = format!("node-bindings-{}", self.platform);
        format!("https://registry.npmjs.org/@duckdb/{name}/-/{name}-{}.tgz", self.version)
    }
}

/// DuckDB 1.5.6, packed by its makers for Node (hashed 2026-11-27).
pub(super) const DUCKDB: &[Package] = &[
    Package {
        os: "linux",
        arch: "x86_64",
        platform: "linux-x64",
        version: "1.5.6-r.1",
        tarball: "1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff",
        member: "package/libduckdb.so",
        library: "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633",
    },
    Package {
        os: "linux",
        arch: "aarch64",
        platform: "linux-arm64",
        version: "1.5.6-r.1",
        tarball: "3a45a6305b3235a781ed9de25aa795a3862acd042782d1f864e1bdb656de212b",
        member: "package/libduckdb.so",
        library: "23686593dba4ec22c6e581bb1c843b3964e84c4bc4d0063d8b4daddd2e20e30a",
    },
    Package {
        os: "macos",
        arch: "aarch64",
        platform: "darwin-arm64",
        version: "1.5.6-r.1",
        tarball: "6ca33c2c6566246d6a452e24194f004010dd860d5b2764c7143ff255555862ca",
        member: "package/libduckdb.dylib",
        library: "75a519cb914ae36ca22cff0995a8a2e8c9a46990b8c0a479514f741a0d93f344",
    },
    Package {
        os: "macos",
        arch: "x86_64",
        platform: "darwin-x64",
        version: "1.5.6-r.1",
        tarball: "1004f6a9ec624612e8d30e25010070e7e3aac23fc807146a470c5a4f6f6e38e0",
        member: "package/libduckdb.dylib",
        // One file for both processors.
        library: "75a519cb914ae36ca22cff0995a8a2e8c9a46990b8c0a479514f741a0d93f344",
    },
    Package {
        os: "windows",
        arch: "x86_64",
        platform: "win32-x64",
        version: "1.5.6-r.1",
        tarball: "03873bb6dbef0aa30ba28d12dc6afa63769641823bb64bb425894218442f3e9c",
        member: "package/duckdb.dll",
        library: "7e90bdef028d57b45490d6f53530e3c012a5d9abdc4c6723449200663dc84ed0",
    },
];
