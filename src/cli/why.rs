//! `trialbook why`: why a unit was served a variant.

use serde::Serialize;
use serde_json::{Map, Value};

use super::sink::{self, Text};
use super::{At, Exit, Failure, Session, contexts, failed};
use crate::app::why::{self, Asked};
use crate::report::blocks::Page;
use crate::report::{self, markdown, terminal};
use trialbook_model::Book;
use trialbook_model::targeting::Context;

/// Show why a unit was served a variant: what decided, since which commit and pull request, and every change since
///
/// The answer comes from the history of the book: the commits of the main line, the dates in the files, and the launch refs
/// (`git fetch origin '+refs/trialbook/*:refs/trialbook/*'`). It is the answer of the primary target. Pass attributes of the unit
/// that audiences use with `--context`, as for `trialbook evaluate`; the answer assumes that they did not change over
/// time. With `--experiments`, all experiments of the unit are listed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The unit's id
    #[arg(value_name = "UNIT")]
    unit: String,
    /// The flag
    #[arg(value_name = "FLAG", required_unless_present = "experiments", conflicts_with = "experiments")]
    flag: Option<String>,
    /// The attributes of the unit, as a JSON object
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// The time that the question is about; when left out, the current time
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// List changes up to this time; when left out, up to the current time
    #[arg(long, value_name = "TIME", conflicts_with = "experiments")]
    until: Option<At>,
    /// List all experiments that the unit is in
    #[arg(long)]
    experiments: bool,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: super::report::Format,
}

/// Explains what is served.
///
/// # Errors
///
/// Where the book has errors or never had the flag, the context cannot be read, or git cannot be read.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let context = context(args, book)?;
    let asked = Asked {
        unit: &args.unit,
        context: &context,
        at: opened.instant(args.at),
        until: opened.instant(args.until),
    };
    let failed = |error| failed::of(&error, &opened);
    let Some(flag) = &args.flag else {
        let found = why::enrolments(&opened.root, book, &asked).map_err(failed)?;
        show(&found, || report::why::enrolments(&found), args, session)?;
        return Ok(Exit::Done);
    };
    let explained = why::explain(&opened.root, &opened.loaded, book, flag, &asked).map_err(failed)?;
    show(&explained, || report::why::document(&explained), args, session)?;
    Ok(Exit::Done)
}

/// Reads the context, and holds the unit's id in it against the one that is named.
fn context(args: &Args, book: &Book) -> Result<Map<String, Value>, Failure> {
    let context = match &args.context {
        Some(text) => contexts::read(text.as_bytes(), "--context")?.unwrap_or_default(),
        None => Map::new(),
    };
    let entity = match &args.flag {
        Some(flag) => book.flags.get(flag.as_str()).and_then(|flag| book.entities.get(&flag.entity)),
        None => None,
    };
    let field = entity.and_then(|entity| entity.context.as_ref());
    let field = field.map_or(Context::TARGETING_KEY, |attribute| attribute.as_str());
    match context.get(field) {
        Some(other) if other.as_str() != Some(&args.unit) => Err(Failure::new(
            Exit::Usage,
            format!("`{field}` of --context names another unit than `{}`", sink::inline(&args.unit)),
        )
        .help(format!("leave `{field}` out of --context: UNIT is it"))),
        _ => Ok(context),
    }
}

fn show<T: Serialize>(
    value: &T,
    page: impl Fn() -> Page,
    args: &Args,
    session: &Session,
) -> Result<(), Failure> {
    use super::report::Format;
    match args.format {
        Format::Terminal => {
            let text = terminal::render(&page(), super::report::settings(session.verbose()));
            sink::print(Text::Styled(&text))?;
        }
        Format::Markdown => sink::print(Text::Plain(&markdown::render(&page())))?,
        Format::Json => {
            let text = serde_json::to_string_pretty(value).map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(Text::Json(&format!("{text}\n")))?;
        }
    }
    Ok(())
}
