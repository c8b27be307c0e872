//! What the checks of the data found, in words.

use crate::app::check_data::{DataReport, ExperimentData};
use crate::report::blocks::{Align, Block, Inline, Page, Table};
use crate::report::calendar::Calendar;
use crate::report::number::{count, counted};
use trialbook_analysis::QualityStatus;

use super::evidence;

/// Describes what the checks of the data found: what is wrong with each experiment, and how far the sources reach. Dates
/// are those of an IANA time zone, the book's. The checks that passed are shown with the details.
pub fn data_page(report: &DataReport, timezone: &str) -> Page {
    let calendar = Calendar::new(timezone);
    let mut page = Page::default();
    let found = format!(
        " before {}: {}, {}",
        calendar.instant(report.as_of),
        counted(report.failed, "check failed", "checks failed"),
        counted(report.warnings, "warning", "warnings")
    );
    page.push(Block::Heading(vec!["Data of ".into(), Inline::strong(report.book.as_str()), found.into()]));
    for data in &report.experiments {
        let wrong = |status| status != QualityStatus::Pass;
        page.push(Block::Subheading(vec![Inline::code(data.experiment.as_str())]));
        let shown: Vec<_> = data.checks.iter().filter(|check| wrong(check.status)).collect();
        if shown.is_empty() {
            let passed = counted(data.checks.len() as u64, "check", "checks");
            page.push(Block::Paragraph(vec![format!("All {passed} passed.").into()]));
        } else {
            page.push(Block::Table(evidence::table(shown, &calendar)));
        }
        let passed: Vec<_> = data.checks.iter().filter(|check| !wrong(check.status)).collect();
        if !passed.is_empty() {
            page.push(Block::Details {
                summary: format!("Checks that passed ({})", count(passed.len() as u64)),
                blocks: vec![Block::Table(evidence::table(passed, &calendar))],
            });
        }
        if !data.sources.is_empty() {
            page.push(Block::Table(sources(data, &calendar)));
        }
    }
    page
}

fn sources(data: &ExperimentData, calendar: &Calendar) -> Table {
    let mut table = Table::new([
        ("source", Align::Left),
        ("rows", Align::Right),
        ("without unit", Align::Right),
        ("without time", Align::Right),
        ("units", Align::Right),
        ("exposed", Align::Right),
        ("reaches", Align::Left),
    ]);
    let known = |n: Option<u64>| n.map_or("–".to_owned(), count);
    for source in &data.sources {
        table.push(vec![
            vec![source.source.to_string().into()],
            vec![count(source.rows).into()],
            vec![count(source.without_unit).into()],
            vec![count(source.without_time).into()],
            vec![known(source.units).into()],
            vec![known(source.exposed_units).into()],
            vec![source.until.map_or("nothing".to_owned(), |until| calendar.instant(until)).into()],
        ]);
    }
    table
}
