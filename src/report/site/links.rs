//! Where each page is, relative to the folder of the site.

use trialbook_model::{Digest, Kind};

/// The longest name of a file that is made of a text; longer ones end in a digest.
const LONGEST: usize = 120;

/// A group of experiments that has a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Team,
    Surface,
    Layer,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Team, Self::Surface, Self::Layer];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Surface => "surface",
            Self::Layer => "layer",
        }
    }

    /// Returns the page that has a calendar of all groups.
    pub(super) const fn calendar(self) -> &'static str {
        match self {
            Self::Team => "index.html",
            Self::Surface => "calendar-surfaces.html",
            Self::Layer => "calendar-layers.html",
        }
    }
}

/// Returns the page of a part, without its ending.
pub(super) fn stem(kind: Kind, key: &str) -> String {
    // The key of a flag keeps its capitals: two that differ in them only are refused where a book is read.
    format!("{kind}/{}", name(key, kind == Kind::Flag))
}

/// Returns the page of a part.
pub(super) fn part(kind: Kind, key: &str) -> String {
    format!("{}.html", stem(kind, key))
}

/// Returns the page of a group, without its ending.
pub(super) fn group_stem(group: Group, text: &str) -> String {
    // A layer's page is that of the part.
    format!("{}/{}", group.as_str(), name(text, false))
}

/// Returns the page of a group.
pub(super) fn group(group: Group, text: &str) -> String {
    format!("{}.html", group_stem(group, text))
}

/// Returns a text as the name of a file, one that no other text has: letters, digits, `-` and `.` stay, each byte of anything else is
/// `_` and two digits.
fn name(text: &str, capitals: bool) -> String {
    let mut name = String::with_capacity(text.len());
    for (place, byte) in text.bytes().enumerate() {
        let stays = byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || (capitals && byte.is_ascii_uppercase())
            || byte == b'-'
            || (byte == b'.' && place > 0);
        if stays {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("_{byte:02x}"));
        }
    }
    if name.len() > LONGEST {
        let digest = Digest::of(&text).map(|digest| digest.short().to_owned()).unwrap_or_default();
        name.truncate(LONGEST);
        name = format!("{name}__{digest}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder_and_no_two_texts_share_one() {
        let texts =
            ["a", "A", "../a", "a/b", "a_b", "a_5fb", ".", "..", "", "å", "a b", "<script>", "a\nb", "a%2Fb"];
        let names: std::collections::BTreeSet<_> =
            texts.iter().map(|text| group(Group::Team, text).to_lowercase()).collect();
        assert_eq!(names.len(), texts.len(), "{names:?}");
        for name in names {
            let inside = name.strip_prefix("team/").expect("a team's page");
            assert!(!inside.contains('/') && !inside.starts_with('.') || inside == ".html", "{name}");
        }
        let [long, longer] = ["x".repeat(400), "x".repeat(401)].map(|text| group(Group::Team, &text));
        assert!(long.len() < 200 && long != longer, "{long}");
    }
}
