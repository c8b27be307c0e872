//! Flags: typed variants, a default, ordered rules.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EntityKey, FlagKey, HoldoutKey, Predicate, SurfaceKey, TargetKey, VariantKey};

/// The type of a flag's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// A finite number.
    Number,
    /// A JSON object.
    Object,
}

impl ValueType {
    /// Returns the word that a book uses for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Number => "number",
            Self::Object => "object",
        }
    }

    /// Tells whether a value has this type.
    pub fn admits(self, value: &serde_json::Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
        }
    }
}

/// A rule of a flag: who matches is served this variant, whatever comes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Who.
    pub when: Predicate,
    /// What they are served.
    pub serve: VariantKey,
}

/// What one target serves differently. What is left out is as everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Override {
    /// Whether anything but the default is served.
    pub enabled: Option<bool>,
    /// What is served where nothing else decides.
    pub default: Option<VariantKey>,
    /// The rules, all of them.
    pub rules: Option<Vec<Rule>>,
}

/// A flag. Rules are tried in order, then its experiments and its rollouts by key, then the default is served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Its key.
    pub key: FlagKey,
    /// What it decides, in prose.
    pub description: String,
    /// Who answers for it.
    pub owner: String,
    /// Where in the product it is seen.
    pub surfaces: Vec<SurfaceKey>,
    /// The unit that its experiments randomise.
    pub entity: EntityKey,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// The JSON Schema to which every value is held; only of a flag whose values are objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<serde_json::Value>,
    /// Its variants; every value has the flag's type.
    pub variants: BTreeMap<VariantKey, serde_json::Value>,
    /// What is served where nothing else decides.
    pub default: VariantKey,
    /// Tried in order; the first match wins.
    pub rules: Vec<Rule>,
    /// `false`: everybody gets the default at once.
    pub enabled: bool,
    /// Archived: no longer served.
    pub archived: bool,
    /// What a target serves differently, by target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<TargetKey, Override>,
    /// What the units of a holdout are served: the default as of the holdout's start, where it has changed since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holdouts: BTreeMap<HoldoutKey, VariantKey>,
    /// When it should be gone.
    pub expires: Option<Timestamp>,
}

impl Flag {
    /// Returns the flag as a target serves it: what the target overrides is put in, and nothing is left to override.
    pub fn in_target(&self, target: &TargetKey) -> Cow<'_, Self> {
        if self.overrides.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut flag = self.clone();
        if let Some(differently) = std::mem::take(&mut flag.overrides).remove(target) {
            flag.enabled = differently.enabled.unwrap_or(flag.enabled);
            flag.default = differently.default.unwrap_or(flag.default);
            flag.rules = differently.rules.unwrap_or(flag.rules);
        }
        Cow::Owned(flag)
    }
}
