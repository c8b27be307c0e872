//! Digests of plain data, the same whatever the order of its fields.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(String);

impl Digest {
    /// Returns the digest of bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }

    /// Returns the digest of a value's canonical JSON.
    ///
    /// # Errors
    ///
    /// Only where the value cannot be JSON: a map with keys that are not text.
    pub fn of<T: Serialize>(value: &T) -> serde_json::Result<Self> {
        Ok(Self::of_bytes(canonical_json(value)?.as_bytes()))
    }

    /// Returns `sha256:` and the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first seven digits, for people.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("sha256:").and_then(|hex| hex.get(..7)).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns JSON without spaces and with object keys in byte order.
///
/// # Errors
///
/// As [`serde_json::to_value`].
pub fn canonical_json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    serde_json::to_string(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_the_order_of_fields() {
        let a: serde_json::Value =
            serde_json::from_str(r#"{"a": {"x": 1, "y": [2, 3]}, "b": 1.5}"#).expect("JSON");
        let b: serde_json::Value =
            serde_json::from_str(r#"{"b": 1.5, "a": {"y": [2, 3], "x": 1}}"#).expect("JSON");
        assert_eq!(Digest::of(&a).expect("JSON"), Digest::of(&b).expect("JSON"));
        assert_eq!(canonical_json(&b).expect("JSON"), r#"{"a":{"x":1,"y":[2,3]},"b":1.5}"#);
    }
}
