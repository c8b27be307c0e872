//! `*.segment.yaml`.

use super::audience::Audience;
use super::leaf::Text;
use super::mapping::mapping;

mapping! {
    /// A named audience. The file's stem is its key.
    struct SegmentFile: "a segment" {
        /// What it stands for, in prose.
        "description" required description: Text,
        /// Who answers for it.
        "owner" optional owner: Text,
        /// Who is in it.
        "audience" required audience: Audience,
    }
}
