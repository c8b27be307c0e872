//! Every link of a page leads somewhere.

use std::path::{Component, Path, PathBuf};

use super::pages::{pages, parse, root};

/// Returns a path without `.` and `..`; `None` where it leads out of the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if !plain.pop() => return None,
            Component::ParentDir => {}
            Component::Normal(name) => plain.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

#[test]
fn every_link_leads_to_a_file_or_a_heading_that_is_there() {
    let pages = pages();
    let mut broken = Vec::new();
    for (path, text) in &pages {
        for (line, link) in parse(text).links {
            if link.starts_with("https://") || link.starts_with("mailto:") {
                continue;
            }
            let place = format!("{}:{line}: {link}", path.display());
            let (file, anchor) =
                link.split_once('#').map_or((&*link, None), |(file, anchor)| (file, Some(anchor)));
            let around = path.parent().unwrap_or(Path::new(""));
            let target = if file.is_empty() { Some(path.clone()) } else { inside(&around.join(file)) };
            let Some(target) = target.filter(|target| root().join(target).exists()) else {
                broken.push(format!("{place}: there is no such file"));
                continue;
            };
            if let (Some(anchor), Some(text)) = (anchor, pages.get(&target))
                && !parse(text).anchors.iter().any(|known| known == anchor)
            {
                broken.push(format!("{place}: the page has no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// A page that nothing leads to is read by nobody.
#[test]
fn the_readme_leads_to_every_page_of_the_documentation() {
    let pages = pages();
    let readme = pages.get(Path::new("README.md")).expect("a README");
    let linked: Vec<_> = parse(readme).links.into_iter().map(|(_, link)| link).collect();
    let missing: Vec<_> = pages
        .keys()
        .filter(|path| path.starts_with("docs"))
        .filter(|path| {
            !linked.iter().any(|link| Path::new(link.split('#').next().unwrap_or_default()) == *path)
        })
        .collect();
    assert!(missing.is_empty(), "the README has no link to {missing:?}");
}
