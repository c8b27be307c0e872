//! Cutting a document to a length: least needed first, its head never.

use super::{Part, Shape, units};

/// The longest sentence that stands for the rows left out of one table or list, with the line before it.
const NOTE: usize = 48;

/// Cuts written blocks to so many UTF-16 units: what is folded goes first, from the end; then rows of the longest tables
/// and lists; then whole blocks, from the end. Headings and alerts stay
/// as long as anything else is left; the first heading stays always.
pub(super) fn cut(parts: &mut Vec<Part>, limit: usize) {
    while length(parts) > limit {
        let Some(last) = parts.iter().rposition(|part| part.shape == Shape::Folded) else { break };
        parts.remove(last);
    }
    if length(parts) > limit {
        cut_rows(parts, limit);
    }
    while length(parts) > limit {
        let droppable = |part: &Part| part.shape != Shape::Head;
        // Where only heads are left, the lower ones go: the first names the subject.
        let last =
            parts.iter().rposition(droppable).or_else(|| parts.len().checked_sub(1)).filter(|at| *at > 0);
        let Some(last) = last else { break };
        parts.remove(last);
    }
}

/// Leaves so many rows of each table and list that all fit, the same room for each.
fn cut_rows(parts: &mut [Part], limit: usize) {
    let lengths: Vec<usize> =
        parts.iter().filter(|part| matches!(part.shape, Shape::Rows { .. })).map(|part| part.units).collect();
    let others = length(parts) - lengths.iter().sum::<usize>();
    let room = share(limit.saturating_sub(others), lengths);
    for part in parts {
        let Shape::Rows { head, .. } = part.shape else { continue };
        if part.units <= room {
            continue;
        }
        let lines: Vec<&str> = part.text.lines().collect();
        let mut used = NOTE;
        let fits = |line: &&&str| {
            used += units(line) + 1;
            used <= room
        };
        let kept = lines.iter().take_while(fits).count();
        let left = lines.len() - kept.max(head);
        let what = if left == 1 { "row is" } else { "rows are" };
        // Without a row, a table's head is empty.
        let shown = if kept > head {
            lines.get(..kept).unwrap_or_default().join("\n") + "\n\n"
        } else {
            String::new()
        };
        *part = Part::new(format!("{shown}… {left} more {what} left out."), Shape::Other);
    }
}

/// Returns how many UTF-16 units the parts take when they are joined.
fn length(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.units + 2).sum::<usize>().saturating_sub(1)
}

/// Returns the most that each may take where together they may take `room`.
fn share(room: usize, mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    let (mut room, mut left) = (room, lengths.len());
    for length in lengths {
        let each = room / left.max(1);
        if length > each {
            return each;
        }
        room -= length;
        left -= 1;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use proptest::prelude::*;

    fn pointer() -> Line {
        vec!["This is not all: ".into(), Inline::code("trialbook plan"), " shows the rest.".into()]
    }

    fn rows(n: usize) -> Table {
        let mut table = Table::new([("flag", Align::Left), ("what changes", Align::Left)]);
        for n in 0..n {
            table.push(vec![vec![Inline::code(format!("flag-{n}"))], vec![format!("change {n}").into()]]);
        }
        table
    }

    #[test]
    fn a_long_table_is_cut_between_rows_and_the_head_stays_whole() {
        let mut document = Page::default();
        document.push(Block::Heading(vec!["Plan: 9,000 to add".into()]));
        document.push(Block::Alert(vec!["Cannot be applied.".into()]));
        document.push(Block::Table(rows(9_000)));
        document.push(Block::Paragraph(vec!["3 flags unchanged.".into()]));
        document.push(Block::List((0..9_000).map(|n| vec![format!("drift {n}").into()]).collect()));
        let text = for_pull_request(&document, &pointer());
        assert!(units(&text) <= LONGEST_BODY - HEADROOM && units(&text) > LONGEST_BODY - HEADROOM - 1_000);
        assert!(text.starts_with("### Plan: 9,000 to add\n\n> [!CAUTION]\n> Cannot be applied.\n\n| flag |"));
        let row = |text: &str| text.starts_with("| `flag-") && text.ends_with(" |");
        let shown = text.lines().filter(|line| row(line)).count();
        assert!(
            text.contains(&format!(
                "\n\n… {} more rows are left out.\n\n3 flags unchanged.\n",
                9_000 - shown
            ))
        );
        assert!(shown > 500 && text.lines().filter(|line| line.starts_with("- drift ")).count() > 500);
        assert!(
            text.ends_with("more rows are left out.\n\nThis is not all: `trialbook plan` shows the rest.\n")
        );
    }

    #[test]
    fn an_endless_name_cuts_itself_and_nothing_else() {
        for endless in
            ["x".repeat(1 << 17), "$@#| ".repeat(1 << 16), "`|".repeat(1 << 16), "🎈".repeat(1 << 16)]
        {
            let mut document = Page::default();
            document.push(Block::Heading(vec!["Ship ".into(), Inline::strong(endless.as_str())]));
            document.push(Block::Paragraph(vec![endless.as_str().into(), Inline::code(endless.as_str())]));
            let link = Inline::Link { text: endless.clone(), url: format!("https://x.test/{endless}") };
            document.push(Block::Paragraph(vec![link]));
            let mut table = rows(1);
            table.push(vec![vec![Inline::code(endless.as_str())], vec![endless.as_str().into()]]);
            document.push(Block::Table(table));
            document.push(Block::Details { summary: endless, blocks: Vec::new() });
            document.push(Block::Paragraph(vec!["The end.".into()]));
            let text = for_pull_request(&document, &pointer());
            assert!(units(&text) <= LONGEST_BODY - HEADROOM);
            assert!(text.starts_with("### Ship **") && text.ends_with("\n\nThe end.\n"), "{}", units(&text));
            assert!(text.contains("flag-0"));
        }
    }

    #[test]
    fn a_line_of_many_pieces_is_cut_and_reports_it() {
        let many: Line = (0..9_000).flat_map(|n| [Inline::code(format!("flag-{n}")), ", ".into()]).collect();
        let mut document = Page::default();
        document.push(Block::Heading(vec!["Plan".into()]));
        document.push(Block::Alert(many));
        document.push(Block::Paragraph(vec!["The end.".into()]));
        let text = for_pull_request(&document, &pointer());
        assert!(text.contains("`flag-100`, ") && text.contains(" …\n\nThe end.\n"), "{text}");
    }

    fn inlines() -> impl Strategy<Value = Line> {
        let text = prop_oneof!["[a-z|`$ ]{0,30}", (1usize..5_000).prop_map(|n| "ab ".repeat(n))];
        let inline = prop_oneof![
            text.clone().prop_map(Inline::Text),
            text.clone().prop_map(Inline::Strong),
            text.prop_map(Inline::Code)
        ];
        prop::collection::vec(inline, 0..5)
    }

    fn blocks() -> impl Strategy<Value = Vec<Block>> {
        let block = prop_oneof![
            inlines().prop_map(Block::Paragraph),
            inlines().prop_map(Block::Alert),
            inlines().prop_map(Block::Subheading),
            (0usize..400).prop_map(|n| Block::Table(rows(n))),
            prop::collection::vec(inlines(), 0..40).prop_map(Block::List),
            (0usize..3_000).prop_map(|n| Block::Verbatim { language: "sql", text: "x\n".repeat(n) }),
            (0usize..400)
                .prop_map(|n| Block::Details { summary: "More".into(), blocks: vec![Block::Table(rows(n))] }),
        ];
        prop::collection::vec(block, 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn no_document_is_longer_than_its_limit(blocks in blocks(), limit in 2_000usize..20_000) {
            let heading = Block::Heading(vec!["Plan: 9,000 to add".into()]);
            let document = Page { blocks: std::iter::once(heading).chain(blocks).collect() };
            let whole = render(&document);
            let text = render_within(&document, limit, &pointer());
            prop_assert!(units(&text) <= limit);
            prop_assert!(text.starts_with("### Plan: 9,000 to add\n"));
            let is_cut = units(&whole) > limit;
            prop_assert_eq!(text.ends_with("This is not all: `trialbook plan` shows the rest.\n"), is_cut);
            prop_assert!(is_cut || text == whole);
        }
    }
}
