//! Why a unit was served a variant, for people.

use super::blocks::{Block, Inline, Line, Page, Tone};
use super::calendar::Calendar;
use super::number::{counted, shortened};
use crate::app::status::LaunchRecord;
use crate::app::why::{Cause, Enrolments, Explained, Given, Passed, PassedBecause, Period, Served};
use trialbook_history::Described;
use trialbook_model::BUCKETS;
use trialbook_model::resolve::Reason;

/// The most that is listed of what passed a unit by, and of commits with errors.
const NAMED: usize = 10;

/// Words an explanation.
pub fn document(explained: &Explained) -> Page {
    let telling =
        Telling { calendar: Calendar::new(&explained.timezone), repository: explained.repository.as_deref() };
    let mut page = Page::default();
    page.push(Block::Heading(telling.heading(explained)));
    if let Some(answer) = &explained.answer {
        page.push(Block::Paragraph(telling.cause(answer)));
        if let Given::Variant(served) = &answer.given {
            page.blocks.extend(telling.decided(served, explained));
        }
    }
    page.push(Block::Subheading(vec![
        format!("Changes from then until {}", telling.calendar.instant(explained.until)).into(),
    ]));
    if explained.changes.is_empty() {
        page.push(Block::Paragraph(vec!["None: the unit was served the same all the time.".into()]));
    } else {
        page.push(Block::List(explained.changes.iter().map(|period| telling.change(period)).collect()));
    }
    page.blocks.extend(telling.reservations(explained));
    page
}

/// Words the experiments of a unit.
pub fn enrolments(enrolments: &Enrolments) -> Page {
    let calendar = Calendar::new(&enrolments.timezone);
    let many = enrolments.experiments.len() as u64;
    let mut page = Page::default();
    page.push(Block::Heading(vec![
        Inline::code(shortened(&enrolments.unit, 100)),
        format!(
            " is in {} on {}",
            counted(many, "experiment", "experiments"),
            calendar.instant(enrolments.at)
        )
        .into(),
    ]));
    let items = enrolments.experiments.iter().map(|one| {
        let mut line = vec![
            Inline::code(one.experiment.as_str()),
            ": ".into(),
            Inline::strong(one.variant.as_str()),
            " of ".into(),
            Inline::code(one.flag.as_str()),
        ];
        if let Some(bucket) = one.bucket {
            line.push(format!(", bucket {bucket}").into());
        }
        line.push(format!(" · {} · {}", shortened(&one.title, 80), one.owner).into());
        line.extend(not_launched(&one.launch, enrolments.at, &calendar));
        line
    });
    page.push(Block::List(items.collect()));
    page
}

/// What words need beside the values.
struct Telling<'a> {
    calendar: Calendar,
    repository: Option<&'a str>,
}

impl Telling<'_> {
    fn heading(&self, explained: &Explained) -> Line {
        let unit = Inline::code(shortened(&explained.unit, 100));
        let flag = Inline::code(explained.flag.as_str());
        let then = self.calendar.instant(explained.at);
        match explained.answer.as_ref().map(|answer| &answer.given) {
            Some(Given::Variant(served)) => vec![
                unit,
                " was served ".into(),
                Inline::strong(served.variant.as_str()),
                " of ".into(),
                flag,
                format!(" on {then}").into(),
            ],
            Some(Given::NoFlag) => {
                vec![
                    unit,
                    " was served nothing: ".into(),
                    flag,
                    format!(" was not in the book on {then}").into(),
                ]
            }
            None => vec![
                "Unknown what ".into(),
                unit,
                " was served of ".into(),
                flag,
                format!(": the history of the book does not reach back to {then}").into(),
            ],
        }
    }

    /// Words what brought an answer.
    fn cause(&self, period: &Period) -> Line {
        let since =
            period.since.map_or(String::new(), |since| format!("since {}, ", self.calendar.instant(since)));
        match &period.cause {
            Cause::Files => vec!["By the files as they are: the book is not in a git repository.".into()],
            Cause::Commit(commit) => {
                let mut line = vec![format!("So it is {since}by ").into()];
                line.extend(self.commit(commit));
                line
            }
            Cause::Schedule { book } => {
                let mut line = vec![format!("So it is {since}by a date in the book of ").into()];
                line.extend(self.commit(book));
                line
            }
        }
    }

    /// Words what decided.
    fn decided(&self, served: &Served, explained: &Explained) -> Vec<Block> {
        let mut line = self.reason(served);
        if let Some(written) = &served.written {
            line.push(". Last written by ".into());
            line.extend(self.commit(written));
        }
        line.push(".".into());
        if let Some(launch) = &served.launch {
            line.extend(self.launch(launch));
            line.extend(not_launched(launch, explained.at, &self.calendar));
        }
        let mut blocks = vec![Block::Paragraph(line)];
        if !served.passed.is_empty() {
            let mut items: Vec<Line> =
                served.passed.iter().take(NAMED).map(|passed| self.passed(passed)).collect();
            let more = served.passed.len().saturating_sub(NAMED);
            if more > 0 {
                items.push(vec![format!("and {more} more").into()]);
            }
            blocks.push(Block::Paragraph(vec!["Asked before that:".into()]));
            blocks.push(Block::List(items));
        }
        blocks
    }

    /// Words what decided, without a full stop.
    fn reason(&self, served: &Served) -> Line {
        let source = || Inline::code(served.source.clone().unwrap_or_default());
        let bucket = served.bucket.map_or(String::new(), |bucket| format!(", bucket {bucket} of {BUCKETS}"));
        match served.reason {
            Reason::Rule => vec![format!("Rule {} of the flag matches", served.rule.unwrap_or(1)).into()],
            Reason::Experiment => {
                vec!["Experiment ".into(), source(), format!(" has the unit{bucket}").into()]
            }
            Reason::Rollout => {
                vec!["Rollout ".into(), source(), format!(" has come to the unit{bucket}").into()]
            }
            Reason::Holdout => {
                vec!["Holdout ".into(), source(), format!(" keeps the unit out{bucket}").into()]
            }
            Reason::Override => vec!["An override of ".into(), source(), " names the unit".into()],
            Reason::Default => vec!["Nothing else applies, so it is the default".into()],
            Reason::Disabled => vec!["The flag is switched off, so it is the default".into()],
            Reason::NoUnit => vec!["The context names no unit, so it is the default".into()],
        }
    }

    fn launch(&self, launch: &LaunchRecord) -> Line {
        match launch {
            LaunchRecord::Recorded { commit, at } => vec![
                format!(" Launched {} from commit ", self.calendar.instant(*at)).into(),
                Inline::code(commit.chars().take(7).collect::<String>()),
                ".".into(),
            ],
            LaunchRecord::Unreadable { reason } => vec![format!(" Its launch is unknown: {reason}.").into()],
            LaunchRecord::None | LaunchRecord::NoRepository => Vec::new(),
        }
    }

    fn passed(&self, passed: &Passed) -> Line {
        let mut line: Line = match passed.kind {
            "rule" => vec![format!("rule {}", passed.source).into()],
            kind => vec![format!("{kind} ").into(), Inline::code(passed.source.as_str())],
        };
        line.push(
            match passed.why {
                PassedBecause::Audience => ": the unit is not in its audience".to_owned(),
                PassedBecause::Bucket { bucket, has } => {
                    format!(": the unit's bucket {bucket} is not among its {has} of {BUCKETS}")
                }
                PassedBecause::NotStarted { at } => format!(": begins {}", self.calendar.instant(at)),
                PassedBecause::Over => ": over".to_owned(),
                PassedBecause::NoBucket => ": no buckets at that time".to_owned(),
            }
            .into(),
        );
        line
    }

    /// Words a later change.
    fn change(&self, period: &Period) -> Line {
        let since = period.since.map_or(String::new(), |since| self.calendar.instant(since));
        let mut line: Line = vec![format!("{since}: ").into()];
        match &period.given {
            Given::NoFlag => line.push("the flag is gone".into()),
            Given::Variant(served) => {
                line.push(Inline::strong(served.variant.as_str()));
                line.push(" — ".into());
                line.extend(self.reason(served));
            }
        }
        match &period.cause {
            Cause::Commit(commit) => {
                line.push(", by ".into());
                line.extend(self.commit(commit));
            }
            Cause::Schedule { .. } => line.push(", by its date".into()),
            Cause::Files => {}
        }
        line
    }

    /// Words a commit, with its pull request.
    fn commit(&self, commit: &Described) -> Line {
        let id = commit.commit.as_str();
        let short: String = id.chars().take(7).collect();
        let base = self.repository.map(|repository| format!("https://github.com/{repository}"));
        let mut line: Line = vec![match &base {
            Some(base) => Inline::Link { text: short, url: format!("{base}/commit/{id}") },
            None => Inline::code(short),
        }];
        line.push(format!(" “{}” ({})", shortened(&commit.subject, 80), commit.author).into());
        if let (Some(number), Some(base)) = (commit.pull_request, &base) {
            line.push(", ".into());
            line.push(Inline::Link { text: format!("#{number}"), url: format!("{base}/pull/{number}") });
        }
        line
    }

    /// Words what the answer does not take into account.
    fn reservations(&self, explained: &Explained) -> Vec<Block> {
        let mut blocks = Vec::new();
        if !explained.broken.is_empty() {
            let names = explained.broken.iter().take(NAMED).map(|commit| commit.commit.short());
            let names = names.collect::<Vec<_>>().join(", ");
            blocks.push(Block::Paragraph(vec![Inline::Toned(
                Tone::Caution,
                format!(
                    "The book has errors at {} ({names}): nothing is applied from them.",
                    counted(explained.broken.len() as u64, "commit", "commits")
                ),
            )]));
        }
        if !explained.complete {
            blocks.push(Block::Paragraph(vec![Inline::Toned(
                Tone::Caution,
                "The history is cut off: older changes are not known here. `git fetch --unshallow` brings a shallow clone's.".into(),
            )]));
        }
        if explained.unknown_approvals {
            blocks.push(Block::Paragraph(vec![Inline::Toned(
                Tone::Caution,
                "A rollout of this flag has guardrails: git does not record its approvals, so only its first step is assumed.".into(),
            )]));
        }
        if explained.uncommitted {
            blocks.push(Block::Paragraph(vec![Inline::Toned(
                Tone::Caution,
                "The book has edits that are not committed; they are not part of this.".into(),
            )]));
        }
        blocks.push(Block::Small(vec![
            "A commit counts from when it reached the main line; what is served follows the apply after it."
                .into(),
        ]));
        blocks
    }
}

/// Warns where an experiment was not launched yet, as far as git knows.
fn not_launched(launch: &LaunchRecord, then: jiff::Timestamp, calendar: &Calendar) -> Line {
    match launch {
        LaunchRecord::Recorded { at, .. } if *at > then => vec![Inline::Toned(
            Tone::Caution,
            format!(" Before {} it was not launched, so the default was served.", calendar.instant(*at)),
        )],
        LaunchRecord::None => {
            vec![Inline::Toned(Tone::Caution, " No launch is recorded in this clone.".into())]
        }
        LaunchRecord::Recorded { .. } | LaunchRecord::Unreadable { .. } | LaunchRecord::NoRepository => {
            Vec::new()
        }
    }
}
