use super::*;

const NOW: &str = "2026-12-01T00:00:00Z";

fn open(files: &[(&str, &str)]) -> Workspace {
    let raw =
        |(path, text): &(&str, &str)| RawFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() };
    Workspace::open(files.iter().map(raw).collect(), NOW.parse().expect("an instant"))
}

fn rules(workspace: &Workspace, path: &str) -> Vec<&'static str> {
    workspace.findings().get(path).into_iter().flatten().map(|finding| finding.rule).collect()
}

const BOOK: (&str, &str) = ("trialbook.yaml", "book: small\nentities: {user: {column: user_id}}\n");
const FLAG: &str = "description: A flag.\nowner: team\nentity: user\ntype: boolean\nvariants: {on: true, off: false}\ndefault: off\n";

#[test]
fn a_mistake_shows_while_it_is_there_and_the_last_good_book_stays() {
    let mut workspace = open(&[BOOK, ("a.flag.yaml", FLAG)]);
    let before = rules(&workspace, "a.flag.yaml");
    assert!(!before.contains(&"dangling-reference"), "{before:?}");
    let touched =
        workspace.edit("a.flag.yaml", Some(FLAG.replace("default: off", "default: of").into_bytes()));
    assert!(touched.contains("a.flag.yaml"));
    assert!(rules(&workspace, "a.flag.yaml").contains(&"dangling-reference"));
    assert_eq!(workspace.book().map(|book| book.flags.len()), Some(1));
    workspace.edit("a.flag.yaml", Some(FLAG.into()));
    assert_eq!(rules(&workspace, "a.flag.yaml"), before);
}

#[test]
fn a_file_can_come_and_go() {
    let mut workspace = open(&[BOOK]);
    workspace.edit("a.flag.yaml", Some(FLAG.into()));
    assert_eq!(workspace.book().map(|book| book.flags.len()), Some(1));
    workspace.edit("a.flag.yaml", None);
    assert_eq!(workspace.book().map(|book| book.flags.len()), Some(0));
    workspace.edit("trialbook.yaml", None);
    assert_eq!(rules(&workspace, "trialbook.yaml"), ["missing-book"]);
}
