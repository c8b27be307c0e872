//! One expected value of a case, and how it is read. Nothing here panics on what a folder holds.

use std::path::Path;

use serde_json::Value;
use trialbook_stats::{Better, Interval, Probability};

/// What is wrong with a case; an answer that does not match is one too.
pub type Check = Result<(), String>;

/// An expected value with the input that it belongs to.
pub struct Case<'a> {
    pub folder: &'a Path,
    pub input: Value,
    pub expected: &'a Value,
    id: &'a Value,
}

impl<'a> Case<'a> {
    /// With a cap, the moments of the capped values are among the outputs of one of the expected values.
    pub fn new(folder: &'a Path, case: &'a Value, expected: &'a Value) -> Self {
        let mut input = case["input"].clone();
        let capped = list(&case["expected"]).iter().find(|one| !one["outputs"]["control"].is_null());
        if let (false, Some(capped)) = (input["cap"].is_null(), capped) {
            for arm in ["control", "treatment"] {
                input[arm] = capped["outputs"][arm].clone();
            }
        }
        Self { folder, input, expected, id: &case["id"] }
    }

    /// The same expected value for another input.
    pub fn with(&self, input: Value) -> Self {
        Self { folder: self.folder, input, expected: self.expected, id: self.id }
    }

    pub fn convention(&self) -> &str {
        self.expected["convention"].as_str().unwrap_or("")
    }

    pub fn package(&self) -> &str {
        self.expected["source"]["package"].as_str().unwrap_or("")
    }

    pub fn name(&self) -> String {
        format!("{} {} {}", self.id, self.convention(), self.package())
    }

    pub fn outputs(&self) -> &Value {
        &self.expected["outputs"]
    }

    pub fn is_undefined(&self) -> bool {
        self.outputs()["defined"] == false
    }

    pub fn has(&self, name: &str) -> bool {
        !self.input[name].is_null()
    }

    pub fn number(&self, name: &str) -> Result<f64, String> {
        number(&self.input[name])
    }

    pub fn text(&self, name: &str) -> Result<&str, String> {
        text(&self.input[name])
    }

    pub fn probability(&self, name: &str) -> Result<Probability, String> {
        probability(&self.input[name])
    }

    /// Compares named results with the outputs; what is not in the outputs is not compared, but something must be.
    pub fn compare(&self, got: &[(&str, f64)]) -> Check {
        self.compare_with(self.outputs(), got)
    }

    /// Compares with a part of the outputs, at the tolerance of the whole.
    pub fn compare_with(&self, outputs: &Value, got: &[(&str, f64)]) -> Check {
        let (relative, absolute) = (number(&self.expected["rel_tol"])?, number(&self.expected["abs_tol"])?);
        let mut compared = 0;
        for (name, got) in got.iter().filter(|(name, _)| !outputs[*name].is_null()) {
            let want = number(&outputs[*name])?;
            compared += 1;
            let close = *got == want || (got - want).abs() <= relative * got.abs().max(want.abs()) + absolute;
            if !close {
                return Err(format!("{name} is {got:e}, expected {want:e}"));
            }
        }
        if compared == 0 { Err(format!("nothing to compare in {outputs}")) } else { Ok(()) }
    }

    /// Compares a list of numbers, all of it.
    pub fn compare_list(&self, name: &str, got: &[f64]) -> Check {
        let want = list(&self.outputs()[name]);
        if want.len() != got.len() {
            return Err(format!("{name} has {} values, expected {}", got.len(), want.len()));
        }
        for (at, (got, want)) in got.iter().zip(want).enumerate() {
            let one = serde_json::json!({ name: want });
            self.compare_with(&one, &[(name, *got)]).map_err(|problem| format!("{}: {problem}", at + 1))?;
        }
        Ok(())
    }

    /// Whether the test of a case is one-sided, and upwards.
    fn alternative(&self) -> Option<Better> {
        match self.input["alternative"].as_str() {
            Some("greater") => Some(Better::Higher),
            Some("less") => Some(Better::Lower),
            _ => None,
        }
    }

    /// The two-sided level whose interval has the bounds of a case: a one-sided bound at alpha is an end of the
    /// two-sided interval at twice that.
    pub fn two_sided_level(&self) -> Result<Probability, String> {
        let alpha = self.number("alpha")?;
        let doubled = if self.alternative().is_some() { 2.0 * alpha } else { alpha };
        Probability::new(doubled).map_err(describe)
    }

    pub fn bounds(&self, interval: Interval) -> (f64, f64) {
        match self.alternative() {
            Some(Better::Higher) => (interval.lower, f64::INFINITY),
            Some(Better::Lower) => (f64::NEG_INFINITY, interval.upper),
            None => (interval.lower, interval.upper),
        }
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("a string expected, not {value}"))
}

/// A number, or one of the three that JSON cannot write.
pub fn number(value: &Value) -> Result<f64, String> {
    let number = match value.as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some("NaN") => Some(f64::NAN),
        Some(digits) => digits.parse().ok(),
        None => value.as_f64(),
    };
    number.ok_or_else(|| format!("a number expected, not {value}"))
}

pub fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    list(value).iter().map(number).collect()
}

/// A count; from 2^53 on a string.
pub fn count(value: &Value) -> Result<u64, String> {
    let count = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    count.ok_or_else(|| format!("a count expected, not {value}"))
}

pub fn probability(value: &Value) -> Result<Probability, String> {
    Probability::new(number(value)?).map_err(describe)
}

pub fn better(value: &Value) -> Result<Better, String> {
    match text(value)? {
        "increase" => Ok(Better::Higher),
        "decrease" => Ok(Better::Lower),
        other => Err(format!("no direction: {other}")),
    }
}

pub fn describe(error: impl std::fmt::Display) -> String {
    error.to_string()
}
