//! Findings for people: what is wrong, the proof, the places, and what to do. miette draws them.

mod window;

use std::error::Error;
use std::fmt;

use miette::{
    Diagnostic as Report, GraphicalReportHandler, GraphicalTheme, LabeledSpan, ThemeCharacters, ThemeStyles,
};

use trialbook_model::diagnostic::{Diagnostic, Label, Severity};

use super::{Findings, severity, visible};
use window::{Marked, Window};

/// The width of lines where no terminal has one, and the most that is read with ease.
const WIDTH: usize = 120;
/// The least width that a drawing needs.
const NARROWEST: usize = 40;

/// Returns every finding with its places, and a line that sums the run up. With ANSI colours.
pub(super) fn render(run: &Findings<'_>) -> String {
    let mut out = String::new();
    let width = run.width.unwrap_or(WIDTH).clamp(NARROWEST, WIDTH);
    let handler = handler(width);
    for finding in run.findings {
        let shown = Shown::new(run, finding, width);
        let styled = handler.clone().with_theme(theme(finding.severity, shown.window.rank()));
        // Writing to a String cannot fail, and a window holds every place of its labels.
        if styled.render_report(&mut out, &shown).is_err() {
            out.push_str(&shown.message);
        }
        out.push('\n');
    }
    out.push_str(&run.summary());
    out.push('\n');
    out
}

/// Keys and paths are never broken at their hyphens.
fn handler(width: usize) -> GraphicalReportHandler {
    GraphicalReportHandler::new()
        .with_links(false)
        .with_urls(true)
        .with_width(width)
        .with_context_lines(0)
        .with_break_words(false)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .with_show_related_as_nested(true)
}

/// The colours of a terminal's own palette. Places are coloured in the order of the file: the one of this rank, the finding's own,
/// has the colour of its severity.
fn theme(severity: Severity, rank: usize) -> GraphicalTheme {
    let mut styles = ThemeStyles::ansi();
    styles.error = styles.error.bold();
    styles.warning = styles.warning.bold();
    styles.help = styles.help.bold();
    styles.link = ThemeStyles::ansi().linum;
    let of_finding = match severity {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
    };
    styles.highlights = vec![styles.advice; rank];
    styles.highlights.push(of_finding);
    // They are used in a cycle, which few findings are long enough to come to the end of.
    styles.highlights.resize(rank + 20, styles.advice);
    GraphicalTheme { characters: ThemeCharacters::unicode(), styles }
}

/// A finding as miette draws it, every text on one line and with nothing hidden.
#[derive(Debug)]
struct Shown {
    severity: Severity,
    code: String,
    url: Option<String>,
    message: String,
    facts: Option<Fact>,
    help: Option<String>,
    window: Window,
    elsewhere: Vec<Elsewhere>,
}

/// A fact that supports a finding, and the next one.
#[derive(Debug)]
struct Fact {
    text: String,
    next: Option<Box<Fact>>,
}

/// The places of a finding in another file.
#[derive(Debug)]
struct Elsewhere {
    message: String,
    window: Window,
}

impl Shown {
    fn new(run: &Findings<'_>, finding: &Diagnostic, width: usize) -> Self {
        let page = run.rules.iter().find(|rule| rule.name == finding.rule);
        let next = |next: Option<Fact>, note: &String| {
            Some(Fact { text: visible(note).into_owned(), next: next.map(Box::new) })
        };
        let (own, others): (Vec<&Label>, Vec<&Label>) =
            finding.related.iter().partition(|label| label.file.path() == finding.primary.file.path());
        let own = std::iter::once(Marked::of(&finding.primary)).chain(own.into_iter().map(Marked::of));
        let mut by_file: Vec<Vec<&Label>> = Vec::new();
        for label in others {
            match by_file.iter_mut().find(|labels| labels[0].file.path() == label.file.path()) {
                Some(labels) => labels.push(label),
                None => by_file.push(vec![label]),
            }
        }
        Self {
            severity: finding.severity,
            code: format!("{}[{}]", severity(finding.severity), finding.rule),
            url: page.map(super::RulePage::url),
            message: visible(&finding.message).into_owned(),
            facts: finding.notes.iter().rev().fold(None, next),
            help: finding.help.as_deref().map(|help| visible(help).into_owned()),
            window: Window::new(run.path(finding.primary.file.path()), own.collect(), width),
            elsewhere: by_file.iter().filter_map(|labels| Elsewhere::new(run, labels, width)).collect(),
        }
    }
}

impl Elsewhere {
    fn new(run: &Findings<'_>, labels: &[&Label], width: usize) -> Option<Self> {
        let first = labels.first()?;
        let message =
            if first.text.is_empty() { "here too".into() } else { visible(&first.text).into_owned() };
        let mut marked: Vec<Marked<'_>> = labels.iter().copied().map(Marked::of).collect();
        // What is to be seen at the first place stands above it.
        marked.iter_mut().take(1).for_each(|first| first.text = "");
        Some(Self { message, window: Window::new(run.path(first.file.path()), marked, width) })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.facts.as_ref().map(|fact| fact as &(dyn Error + 'static))
    }
}

impl Report for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.url.as_ref().map(|url| Box::new(url) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.window)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.window.labels()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Report> + 'a>> {
        Some(Box::new(self.elsewhere.iter().map(|elsewhere| elsewhere as &dyn Report)))
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Elsewhere {}

impl Report for Elsewhere {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.window)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.window.labels()))
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fact {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.next.as_deref().map(|fact| fact as &(dyn Error + 'static))
    }
}
