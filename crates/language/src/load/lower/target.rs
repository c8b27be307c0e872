//! Targets and the warehouse.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::sink::Sink;
use super::source::relative_path;
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::syntax::Emptiness;
use crate::load::syntax::book::{BookFile, Engine, TargetSyntax};
use trialbook_model::span::{Span, Spanned};
use trialbook_model::{
    Connection, Duration, Evaluator, Target, TargetKey, TargetType, Warehouse, WarehouseLimits,
};

/// Lowers the targets; one with problems is `None`.
pub(super) fn targets(file: &BookFile, sink: &mut Sink<'_>) -> BTreeMap<TargetKey, Option<Target>> {
    let Some(section) = &file.targets else { return BTreeMap::new() };
    let entries = &section.value.0;
    primary(section.span, entries, sink);
    let only = entries.len() == 1;
    let mut targets = BTreeMap::new();
    let mut places = BTreeMap::<Place, Span>::new();
    for (key, syntax) in entries {
        let target = syntax.as_ref().and_then(|syntax| target(&key.value, &syntax.value, only, sink));
        for place in target.iter().flat_map(|target| Place::all(&target.connection)) {
            if let Some(first) = places.insert(place, key.span) {
                let message =
                    format!("`{}` is at the place of another target: each would undo the other", key.value);
                let finding = sink.finding(rules::BAD_TARGET, key.span, message);
                let finding = finding.related(sink.file(), first, "the other");
                sink.push(finding.help("give each target a place of its own"));
            }
        }
        targets.insert(key.value.clone(), target);
    }
    targets
}

/// What a target's writes replace.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Store(String),
    Environment(String, String, String),
}

impl Place {
    /// Returns where a target's flags are, and where its applies are written down if that is elsewhere.
    fn all(connection: &Connection) -> Vec<Self> {
        match connection {
            Connection::Flagd { store, .. } => vec![Self::Store(store.clone())],
            Connection::Unleash { url, project, environment, journal, .. } => vec![
                Self::Environment(url.trim_end_matches('/').into(), project.clone(), environment.clone()),
                Self::Store(journal.clone()),
            ],
        }
    }
}

/// Reports targets of which not exactly one is primary.
fn primary(
    section: Span,
    entries: &[(Spanned<TargetKey>, Option<Spanned<TargetSyntax>>)],
    sink: &mut Sink<'_>,
) {
    let declared = |syntax: &Option<Spanned<TargetSyntax>>| {
        syntax
            .as_ref()
            .and_then(|syntax| syntax.value.primary.as_ref())
            .map(|primary| (primary.value, primary.span))
    };
    if let [(key, syntax)] = entries {
        if let Some((false, span)) = declared(syntax) {
            let message = format!("no target is primary: `{}` is the only one", key.value);
            sink.error(rules::BAD_TARGET, span, message, "take `primary` out, or write `primary: true`");
        }
        return;
    }
    let mut primaries =
        entries.iter().filter_map(|(_, syntax)| declared(syntax).filter(|(primary, _)| *primary));
    let Some((_, first)) = primaries.next() else {
        // One that could not be read might be it.
        if !entries.is_empty() && entries.iter().all(|(_, syntax)| syntax.is_some()) {
            let help = "write `primary: true` at the one that your users are served from";
            sink.error(rules::BAD_TARGET, section, "none of the targets is primary", help);
        }
        return;
    };
    for (_, span) in primaries {
        let finding = sink.finding(rules::BAD_TARGET, span, "a second primary target");
        let finding = finding.related(sink.file(), first, "the first");
        sink.push(
            finding.help("launches, exposures and analysis belong to one: take the other `primary` out"),
        );
    }
}

fn target(key: &TargetKey, syntax: &TargetSyntax, only: bool, sink: &mut Sink<'_>) -> Option<Target> {
    let primary = syntax.primary.as_ref().map_or(only, |primary| primary.value);
    let experiments = syntax.experiments.as_ref().is_none_or(|experiments| experiments.value);
    if let Some(given) = &syntax.experiments
        && !experiments
        && primary
    {
        let message = format!("`{key}` is the primary target, and experiments belong to that one");
        sink.error(
            rules::BAD_TARGET,
            given.span,
            message,
            "take `experiments` out, or make another target primary",
        );
    }
    let connection = match syntax.kind.as_ref()?.value {
        TargetType::Flagd => flagd(syntax, sink),
        TargetType::Unleash => unleash(syntax, sink),
    };
    Some(Target { key: key.clone(), connection: connection?, primary, experiments })
}

/// Returns the evaluators of a target, or `usual` where none are given.
fn evaluators(
    syntax: &TargetSyntax,
    kind: TargetType,
    usual: Evaluator,
    sink: &mut Sink<'_>,
) -> Vec<Evaluator> {
    let Some(list) = &syntax.evaluators else { return vec![usual] };
    let mut evaluators = Vec::new();
    if list.value.1 == Emptiness::Empty {
        let message = "a target has at least one evaluator";
        let help = format!("name what serves from it, such as `[{}]`", usual.as_str());
        sink.error(rules::BAD_TARGET, list.span, message, help);
    }
    for evaluator in &list.value.0 {
        let name = evaluator.value.as_str();
        if evaluators.contains(&evaluator.value) {
            let message = format!("`{name}` is given twice");
            sink.error(rules::DUPLICATE_KEY, evaluator.span, message, "keep one of them");
        } else if evaluator.value.reads() != kind {
            let message = format!("`{name}` does not read targets of type `{}`", kind.as_str());
            let help = format!("name what serves from it, such as `{}`", usual.as_str());
            sink.error(rules::BAD_TARGET, evaluator.span, message, help);
        } else {
            evaluators.push(evaluator.value);
        }
    }
    evaluators
}

fn flagd(syntax: &TargetSyntax, sink: &mut Sink<'_>) -> Option<Connection> {
    let evaluators = evaluators(syntax, TargetType::Flagd, Evaluator::Javascript4, sink);
    let store = syntax.store.as_ref()?;
    let text = &store.value.0;
    match text.split_once("://") {
        Some(("file", path)) => relative_path(path, "the store", rules::BAD_TARGET, store.span, sink),
        Some(("s3" | "gs" | "az", place)) => object(text, place, store.span, sink),
        Some(("git", place)) => branch(text, place, store.span, sink),
        _ => sink.error(
            rules::BAD_TARGET,
            store.span,
            format!("`{text}` is not a store such as `file://live/production.json`, `s3://bucket/production.json` or `git://origin/live/production.json`"),
            match text.split_once("://") {
                Some(("http" | "https", _)) => "a web server cannot be written: name the store that it serves from".into(),
                _ => Advice::from(format!("write `file://{}`", text.trim_start_matches('/'))),
            },
        ),
    }
    Some(Connection::Flagd { store: text.clone(), evaluators })
}

/// Reports a place in an object store that is no bucket and name.
fn object(text: &str, place: &str, span: Span, sink: &mut Sink<'_>) {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if place.split('/').count() < 2 || !place.split('/').all(plain) {
        let message = if place.contains(['@', '?']) {
            "a store is a bucket and a name: no user, password or option".to_owned()
        } else {
            format!("`{text}` is not a bucket and a name in it")
        };
        let help = "write such as `s3://bucket/flags/production.json`; credentials come from the environment";
        sink.error(rules::BAD_TARGET, span, message, help);
    }
}

/// Reports a place on a git branch that is no remote, branch and file. What git might read as an option or as another
/// transport is none.
fn branch(text: &str, place: &str, span: Span, sink: &mut Sink<'_>) {
    let plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            && !part.is_empty()
            && !part.starts_with(['-', '.'])
            && !part.ends_with('.')
            && !part.contains("..")
    };
    let parts: Vec<&str> = place.split('/').collect();
    let locked = parts.get(1).is_some_and(|branch| branch.ends_with(".lock"));
    if parts.len() < 3 || locked || !parts.iter().all(|part| plain(part)) {
        let message = format!("`{text}` is not a remote of the repository, a branch and a file on it");
        let help = "write such as `git://origin/live/production.json`: the remote's name, a branch that holds nothing but \
                    flag files, and a path";
        sink.error(rules::BAD_TARGET, span, message, help);
    }
}

fn unleash(syntax: &TargetSyntax, sink: &mut Sink<'_>) -> Option<Connection> {
    if let Some(url) = &syntax.url
        && let Some(problem) = unfit(&url.value.0)
    {
        let help = "write such as `https://unleash.acme.test`; plain `http://` only to this machine";
        sink.error(rules::BAD_TARGET, url.span, problem, help);
    }
    for (what, name) in [("project", &syntax.project), ("environment", &syntax.environment)] {
        if let Some(name) = name
            && !name
                .value
                .0
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
        {
            let message = format!("`{}` is not the name of an Unleash {what}", name.value.0);
            let help = format!(
                "write the {what}'s id as it stands in Unleash's addresses: letters, digits, `-`, `_`, `.`, `~`"
            );
            sink.error(rules::BAD_TARGET, name.span, message, help);
        }
    }
    if let Some(variable) = &syntax.token_env {
        variable_name(
            variable.value.0.as_str(),
            "token_env",
            "UNLEASH_",
            "UNLEASH_TOKEN",
            variable.span,
            sink,
        );
    }
    if let Some(journal) = &syntax.journal {
        let text = &journal.value.0;
        match text.split_once("://") {
            Some(("file", path)) => relative_path(path, "the journal", rules::BAD_TARGET, journal.span, sink),
            Some(("s3" | "gs" | "az", place)) => object(text, place, journal.span, sink),
            _ => {
                let message = format!(
                    "`{text}` is not a place for a journal such as `s3://bucket/unleash-production` or `file://live/unleash`"
                );
                let help = "name a place that every machine which applies can write, such as a bucket";
                sink.error(rules::BAD_TARGET, journal.span, message, help);
            }
        }
    }
    let evaluators = evaluators(syntax, TargetType::Unleash, Evaluator::UnleashNode6, sink);
    let text = |field: &Option<Spanned<crate::load::syntax::Text>>| Some(field.as_ref()?.value.0.clone());
    Some(Connection::Unleash {
        url: text(&syntax.url)?,
        project: text(&syntax.project)?,
        environment: text(&syntax.environment)?,
        token_env: text(&syntax.token_env)?,
        journal: text(&syntax.journal)?,
        evaluators,
    })
}

/// Reports what is no name of an environment variable. What is there may be a secret, so it is not repeated.
///
/// Whoever writes a book chooses the server that gets the variable's value, so only variables that are meant for such a server can
/// be named: no token of the runner, no key of a cloud.
fn variable_name(text: &str, key: &str, prefix: &str, example: &str, span: Span, sink: &mut Sink<'_>) {
    const LONGEST: usize = 100;
    let name = text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !name {
        let message =
            format!("`{key}` is the name of an environment variable in upper case, such as `{example}`");
        let help = "never write the secret itself into the book; one that was written here is known to all who can \
                    read the repository: revoke it";
        sink.error(rules::BAD_TARGET, span, message, help);
    } else if ![prefix, "TRIALBOOK_"].iter().any(|prefix| text.starts_with(prefix)) {
        let message = format!("`{key}` names a variable that does not begin with `{prefix}` or `TRIALBOOK_`");
        let help = format!(
            "rename it, for example to `{example}`: its value is sent to the server that the book names, so a book cannot \
             name the variables of other programs"
        );
        sink.error(rules::BAD_TARGET, span, message, help);
    }
}

/// Reports what is wrong with the address of a server that is sent a token.
fn unfit(url: &str) -> Option<String> {
    let (secure, rest) = match url.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        _ => return Some(format!("`{url}` is not an address that begins with `https://`")),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if rest.contains('@') {
        return Some("an address holds no user and no password".into());
    }
    if rest.contains(['?', '#', '\\']) || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some(format!("`{url}` has more than a host and a path"));
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Some(format!("`{url}` names no host"));
    }
    let this_machine =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    (!secure && !this_machine).then(|| format!("`{url}` is not encrypted, and the token is sent to it"))
}

/// The outer `None`: it is given and wrong. The inner: it is not given.
pub(super) fn warehouse(file: &BookFile, sink: &mut Sink<'_>) -> Option<Option<Warehouse>> {
    let Some(syntax) = &file.warehouse else { return Some(None) };
    let syntax = &syntax.value;
    if let Some(database) = &syntax.database {
        relative_path(&database.value.0, "the database", rules::BAD_TARGET, database.span, sink);
    }
    if let Some(variable) = &syntax.uri_env {
        variable_name(&variable.value.0, "uri_env", "WAREHOUSE_", "WAREHOUSE_URI", variable.span, sink);
    }
    if let Some(timeout) = syntax.timeout.as_ref().filter(|timeout| timeout.value == Duration::ZERO) {
        let help = "write `10m`, or leave it out: that is the default";
        sink.error(rules::BAD_DURATION, timeout.span, "no query is answered within no time", help);
    }
    if let Some(threads) = syntax.threads.as_ref().filter(|threads| threads.value == 0) {
        let help = "write `1` or more, or leave it out: then it is one for each core";
        sink.error(rules::BAD_NUMBER, threads.span, "no query is answered by no thread", help);
    }
    let limits = WarehouseLimits {
        timeout: syntax.timeout.as_ref().map(|timeout| timeout.value),
        memory_mib: syntax.memory.as_ref().map(|memory| memory.value.0),
        threads: syntax.threads.as_ref().map(|threads| threads.value),
        spill_mib: syntax.spill.as_ref().map(|spill| spill.value.0),
    };
    Some(Some(match syntax.engine.as_ref()?.value {
        Engine::Duckdb => Warehouse::Duckdb {
            database: syntax.database.as_ref().map(|database| database.value.0.clone()),
            limits,
        },
        Engine::Postgres => Warehouse::Postgres { uri_env: syntax.uri_env.as_ref()?.value.0.clone(), limits },
        Engine::Server(engine) => {
            Warehouse::Server { engine, uri_env: syntax.uri_env.as_ref()?.value.0.clone(), limits }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_encrypted_or_to_this_machine() {
        for url in [
            "https://unleash.acme.test",
            "https://unleash.acme.test:4242/api",
            "http://localhost:4242",
            "http://127.0.0.1:4242/",
            "http://[::1]:4242",
        ] {
            assert_eq!(unfit(url), None, "{url}");
        }
        for url in [
            "http://unleash.acme.test",
            "http://localhost.acme.test",
            "http://127.0.0.1.acme.test",
            "http://[::2]:4242",
            "unleash.acme.test",
            "ftp://localhost",
            "https://",
            "https://:4242",
            "https://user:word@unleash.acme.test",
            "http://localhost@acme.test",
            "https://unleash.acme.test?token=x",
            "https://unleash.acme.test/#x",
            "https://unleash.acme.test:port",
            "http://localhost\\@acme.test",
        ] {
            assert!(unfit(url).is_some(), "{url}");
        }
    }
}
