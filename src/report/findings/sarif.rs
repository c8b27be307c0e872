//! SARIF 2.1.0 (OASIS, errata 01): results with their rules, places, fixes and fingerprints.

use serde_json::{Map, Value, json};

use trialbook_model::diagnostic::{Diagnostic, Fix, Label, Severity, SharedTraffic};
use trialbook_model::span::{SourceFile, Span};

use super::json::escape_hidden;
use super::{Findings, RulePage, severity, visible};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What the paths are relative to, as GitHub names it.
const ROOT: &str = "%SRCROOT%";

/// Returns one log, indented.
pub(super) fn render(run: &Findings<'_>) -> String {
    let fingerprints =
        run.fingerprints.iter().map(|print| Some(print.as_str())).chain(std::iter::repeat(None));
    let results: Vec<Value> =
        run.findings.iter().zip(fingerprints).map(|(finding, print)| result(run, finding, print)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": run.rules.iter().map(descriptor).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "trialbook/lint/"},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
            "results": results,
            "properties": {"files": run.files, "suppressed": run.suppressed, "known": run.known},
        }],
    });
    escape_hidden(&format!("{log:#}\n"))
}

fn descriptor(rule: &RulePage) -> Value {
    json!({
        "id": rule.name,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "helpUri": rule.url(),
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": severity(rule.severity)},
        "properties": {
            "tags": ["experiments"],
            "precision": "very-high",
            "problem.severity": match rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
        },
    })
}

fn result(run: &Findings<'_>, finding: &Diagnostic, fingerprint: Option<&str>) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": severity(finding.severity),
        "message": {"text": text(finding)},
        "locations": [location(run, &finding.primary, None)],
    });
    let Value::Object(fields) = &mut result else { return result };
    if let Some(index) = run.rules.iter().position(|rule| rule.name == finding.rule) {
        fields.insert("ruleIndex".into(), index.into());
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().zip(1..).map(|(label, id)| location(run, label, Some(id)));
        fields.insert("relatedLocations".into(), related.collect());
    }
    if let Some(fingerprint) = fingerprint {
        fields.insert("partialFingerprints".into(), json!({"trialbook/v1": fingerprint}));
    }
    if let Some(fix) = &finding.fix {
        fields.insert("fixes".into(), json!([fixed(run, fix)]));
    }
    let properties = properties(finding);
    if !properties.is_empty() {
        fields.insert("properties".into(), properties.into());
    }
    result
}

/// The message, the facts and the advice, a line each.
fn text(finding: &Diagnostic) -> String {
    let mut lines = vec![plain(&finding.message)];
    lines.extend((!finding.primary.text.is_empty()).then(|| plain(&finding.primary.text)));
    lines.extend(finding.notes.iter().map(|note| plain(note)));
    lines.extend(finding.help.iter().map(|help| format!("help: {}", plain(help))));
    lines.join("\n")
}

/// Text in which nothing is a link: `[text](address)` is one in a plain message of SARIF (§3.11.6).
fn plain(text: &str) -> String {
    visible(text).replace("](", "] (")
}

fn location(run: &Findings<'_>, label: &Label, id: Option<usize>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": artifact(run, &label.file),
            "region": region(&label.file, label.span),
        },
    });
    if let Value::Object(fields) = &mut location {
        if let Some(id) = id {
            fields.insert("id".into(), id.into());
        }
        if !label.text.is_empty() {
            fields.insert("message".into(), json!({"text": plain(&label.text)}));
        }
    }
    location
}

fn artifact(run: &Findings<'_>, file: &SourceFile) -> Value {
    json!({"uri": uri(&run.located(file.path())), "uriBaseId": ROOT})
}

/// Returns a path as a relative reference (RFC 3986): what is not a letter, a digit or one of `-._~/` is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn region(file: &SourceFile, span: Span) -> Value {
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": start.offset,
        "byteLength": end.offset - start.offset,
    })
}

fn fixed(run: &Findings<'_>, fix: &Fix) -> Value {
    let mut changes: Vec<(&SourceFile, Vec<Value>)> = Vec::new();
    for edit in &fix.edits {
        let replacement = json!({
            "deletedRegion": region(&edit.file, edit.span),
            "insertedContent": {"text": edit.text},
        });
        match changes.iter_mut().find(|(file, _)| file.path() == edit.file.path()) {
            Some((_, replacements)) => replacements.push(replacement),
            None => changes.push((&edit.file, vec![replacement])),
        }
    }
    let change = |(file, replacements): (&SourceFile, Vec<Value>)| json!({"artifactLocation": artifact(run, file), "replacements": replacements});
    json!({
        "description": {"text": plain(&fix.title)},
        "artifactChanges": changes.into_iter().map(change).collect::<Vec<_>>(),
    })
}

fn properties(finding: &Diagnostic) -> Map<String, Value> {
    let mut properties = Map::new();
    if let Some(witness) = &finding.witness {
        properties.insert("witness".into(), json!(witness));
    }
    if let Some(SharedTraffic { share, basis }) = finding.overlap {
        properties.insert("overlap".into(), json!({"share": share, "basis": basis}));
    }
    if let Some(fix) = &finding.fix {
        properties.insert("fixApplicability".into(), json!(fix.applicability));
    }
    properties
}
