//! The edits that release what an outcome ships.

use serde::{Deserialize, Serialize};

use trialbook_model::VariantKey;

/// The edit of a flag's file that serves a treatment to those it was tested on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The treatment.
    pub variant: VariantKey,
    /// The flag's file, relative to the book's folder.
    pub file: String,
    /// Where the lines go.
    pub place: ReleasePlace,
    /// The lines, indented as they stand in the file.
    pub lines: String,
    /// The file has another layout, so that it has to be formatted before the lines fit.
    pub unformatted: bool,
}

/// Where the lines of an edit go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "kebab-case")]
pub enum ReleasePlace {
    /// They replace the flag's `default`.
    Default,
    /// They follow the last of the flag's rules.
    AfterLastRule,
    /// They follow a key of the file.
    AfterKey {
        /// Which.
        key: String,
    },
}
