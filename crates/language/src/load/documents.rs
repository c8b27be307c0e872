//! The files of a book as text, kept so that a finding about a value can point at it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::yaml::{Comment, Content, Node};
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{Kind, PartName};

/// A place in a file.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Where in the file.
    pub span: Span,
}

/// A file of a book.
#[derive(Debug)]
pub struct Document {
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) file: Arc<SourceFile>,
    pub(super) root: Option<Node>,
    pub(super) comments: Vec<Comment>,
}

impl Document {
    /// Returns the kind of the file.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the stem of its name; `trialbook` for the book's own file.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the name of the part that it declares.
    pub(super) fn name(&self) -> PartName {
        PartName::new(self.kind, self.key.as_str())
    }

    /// Returns its text.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Returns its tree; `None` where it is not YAML of the kind that a book has.
    pub fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// Returns its comments in order: where each stands, and its text after `#`.
    pub fn comments(&self) -> impl Iterator<Item = (Span, &str)> {
        self.comments.iter().map(|comment| (comment.span, &*comment.text))
    }

    /// Returns the keys that lead to an offset, outermost first, separated by `/`: `metrics/guardrails/[]`.
    ///
    /// An item of a list is `[]`, whatever its place, so that the way stays the same where another is added
    /// before it. Empty before the first key, and where the file cannot be read.
    pub fn way_to(&self, offset: usize) -> String {
        let mut way: Vec<String> = Vec::new();
        let mut next = self.root.as_ref();
        while let Some(node) = next {
            next = match &node.content {
                Content::Scalar(_) => None,
                Content::Sequence(items) => {
                    let after = items.partition_point(|item| item.span.start <= offset);
                    after.checked_sub(1).and_then(|at| items.get(at)).inspect(|_| way.push("[]".into()))
                }
                Content::Mapping(entries) => {
                    let after = entries.partition_point(|entry| entry.key_span.start <= offset);
                    after.checked_sub(1).and_then(|at| entries.get(at)).and_then(|entry| {
                        way.push(entry.key.replace('~', "~0").replace('/', "~1"));
                        Some(&entry.value).filter(|value| value.span.start <= offset)
                    })
                }
            };
        }
        way.join("/")
    }
}

/// The files of a book, readable or not.
#[derive(Debug)]
pub struct Documents {
    documents: Vec<Document>,
    by_key: BTreeMap<Kind, HashMap<String, usize>>,
    /// The paths of files whose names end wrongly, by the part that they would be.
    misnamed: HashMap<PartName, String>,
    /// Stands in where there is no `trialbook.yaml`.
    nowhere: Arc<SourceFile>,
}

impl Documents {
    /// Indexes documents, which are in the order of their paths; of two with one kind and key the first counts.
    pub(super) fn new(documents: Vec<Document>) -> Self {
        let by_key = Self::keys(&documents);
        Self { documents, by_key, misnamed: HashMap::new(), nowhere: SourceFile::new(super::BOOK_FILE, "") }
    }

    fn keys(documents: &[Document]) -> BTreeMap<Kind, HashMap<String, usize>> {
        let mut by_key = BTreeMap::<Kind, HashMap<String, usize>>::new();
        for (index, document) in documents.iter().enumerate() {
            by_key.entry(document.kind).or_default().entry(document.key.clone()).or_insert(index);
        }
        by_key
    }

    /// Returns where the file of a path is among them; where it would be, where there is none.
    pub(super) fn position(&self, path: &str) -> Result<usize, usize> {
        self.documents.binary_search_by(|document| document.file.path().cmp(path))
    }

    /// Returns the file of a path.
    pub fn of_path(&self, path: &str) -> Option<&Document> {
        self.at(self.position(path).ok()?)
    }

    /// Returns the file at a place.
    pub(super) fn at(&self, index: usize) -> Option<&Document> {
        self.documents.get(index)
    }

    /// Returns the place of the file of a kind and key.
    pub(super) fn index_of(&self, kind: Kind, key: &str) -> Option<usize> {
        let keys = self.by_key.get(&kind)?;
        if kind == Kind::Book { keys.values().next().copied() } else { keys.get(key).copied() }
    }

    /// Returns the keys of a kind, each with the place of its file, in no order.
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, usize)> {
        self.by_key.get(&kind).into_iter().flatten().map(|(key, index)| (key.as_str(), *index))
    }

    /// Notes a file whose name ends wrongly, or that it is gone.
    pub(super) fn note_misnamed(&mut self, name: PartName, path: Option<&str>) {
        match path {
            Some(path) => self.misnamed.insert(name, path.to_owned()),
            None => self.misnamed.remove(&name),
        };
    }

    /// Returns the path of the file that would be a part if its name ended in `.yaml`.
    pub(super) fn misnamed(&self, kind: Kind, key: &str) -> Option<&str> {
        if self.misnamed.is_empty() {
            return None;
        }
        self.misnamed.get(&PartName::new(kind, key)).map(String::as_str)
    }

    /// Tells whether two files have the same kind and key.
    pub(super) fn has_duplicates(&self) -> bool {
        self.by_key.values().map(HashMap::len).sum::<usize>() < self.documents.len()
    }

    /// Puts a file in the place of one of the same path.
    pub(super) fn replace(&mut self, index: usize, document: Document) {
        let Some(old) = self.documents.get_mut(index) else { return };
        let renamed = old.key != document.key;
        *old = document;
        if renamed {
            self.by_key = Self::keys(&self.documents);
        }
    }

    /// Adds a file at its place.
    pub(super) fn insert(&mut self, index: usize, document: Document) {
        self.documents.insert(index, document);
        self.by_key = Self::keys(&self.documents);
    }

    /// Takes a file out.
    pub(super) fn remove(&mut self, index: usize) {
        self.documents.remove(index);
        self.by_key = Self::keys(&self.documents);
    }

    /// Returns every file, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter()
    }

    /// Returns the text of every file, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.documents.iter().map(|document| &document.file)
    }

    /// Returns the file of a kind and key. The key of `trialbook.yaml` does not matter: there is one.
    pub fn get(&self, kind: Kind, key: &str) -> Option<&Document> {
        self.documents.get(self.index_of(kind, key)?)
    }

    /// Returns the file at a path, relative to the book's root.
    pub fn at_path(&self, path: &str) -> Option<&Document> {
        let at = self.documents.binary_search_by(|document| document.file.path().cmp(path)).ok()?;
        self.documents.get(at)
    }

    /// Returns the file of a path, relative to the book's root.
    pub fn by_path(&self, path: &str) -> Option<&Document> {
        let index = self.documents.binary_search_by(|document| document.file.path().cmp(path)).ok()?;
        self.documents.get(index)
    }

    /// Returns the path of a file, relative to the book's root.
    pub fn path_of(&self, kind: Kind, key: &str) -> Option<&str> {
        self.get(kind, key).map(|document| document.file.path())
    }

    /// Returns where a JSON pointer (RFC 6901) leads in a file: the value, or its nearest ancestor that there
    /// is. Without the file, the start of `trialbook.yaml`.
    pub fn place(&self, kind: Kind, key: &str, pointer: &str) -> Place {
        self.find(kind, key, |document| {
            document.root.as_ref().map_or(Span::default(), |root| {
                let (node, holder) = root.follow(pointer);
                // A whole file is no place to look at: its first key is.
                match (holder, node.entries().first()) {
                    (None, Some(first)) if std::ptr::eq(node, root) => first.key_span,
                    _ => node.span,
                }
            })
        })
    }

    /// Tells whether a file has the value of a JSON pointer, rather than only something around it.
    pub fn says(&self, kind: Kind, key: &str, pointer: &str) -> bool {
        let root = self.get(kind, key).and_then(|document| document.root.as_ref());
        root.is_some_and(|root| pointer.is_empty() || root.finds(pointer))
    }

    /// Tells whether a file has another value than another document at a JSON pointer; one of the two may have none.
    pub fn differs(&self, other: &Documents, kind: Kind, key: &str, pointer: &str) -> bool {
        match (self.says(kind, key, pointer), other.says(kind, key, pointer)) {
            (true, true) => {
                let roots = (
                    self.get(kind, key).and_then(|document| document.root.as_ref()),
                    other.get(kind, key).and_then(|document| document.root.as_ref()),
                );
                match roots {
                    (Some(a), Some(b)) => !a.follow(pointer).0.says_what(b.follow(pointer).0),
                    _ => false,
                }
            }
            (new, old) => new != old,
        }
    }

    /// Returns where a file differs from another document at and below a JSON pointer: the deepest
    /// pointer that holds every difference, in this file. The pointer itself where only one of the two has it.
    pub fn differing(&self, other: &Documents, kind: Kind, key: &str, pointer: &str) -> String {
        let (Some(new), Some(old)) = (
            self.get(kind, key).and_then(|document| document.root.as_ref()),
            other.get(kind, key).and_then(|document| document.root.as_ref()),
        ) else {
            return pointer.to_owned();
        };
        let found = new.finds(pointer) && old.finds(pointer);
        if !found && !pointer.is_empty() {
            return pointer.to_owned();
        }
        let ((mut new, _), (mut old, _)) = (new.follow(pointer), old.follow(pointer));
        let mut pointer = pointer.to_owned();
        while let Some((step, a, b)) = only_difference(new, old) {
            pointer = format!("{pointer}/{step}");
            (new, old) = (a, b);
        }
        pointer
    }

    /// Returns where the key stands that a JSON pointer leads to; the value where that is not in a mapping.
    pub fn key_place(&self, kind: Kind, key: &str, pointer: &str) -> Place {
        self.find(kind, key, |document| {
            document.root.as_ref().map_or(Span::default(), |root| {
                let (node, holder) = root.follow(pointer);
                holder.map_or(node.span, |entry| entry.key_span)
            })
        })
    }

    fn find(&self, kind: Kind, key: &str, span: impl Fn(&Document) -> Span) -> Place {
        match self.get(kind, key) {
            Some(document) => Place { file: Arc::clone(&document.file), span: span(document) },
            None => {
                let book = self.get(Kind::Book, "").map_or(&self.nowhere, |document| &document.file);
                Place { file: Arc::clone(book), span: Span::default() }
            }
        }
    }

    /// Returns every place under a JSON pointer where a key of this name has a value: the tests of an
    /// attribute, or the uses of a segment where the name is `segment`.
    pub fn places_named(&self, kind: Kind, key: &str, pointer: &str, name: &str) -> Vec<Place> {
        let mut places = Vec::new();
        if let Some(document) = self.get(kind, key)
            && let Some(root) = &document.root
        {
            let (node, _) = root.follow(pointer);
            named(node, name, &mut |span| places.push(Place { file: Arc::clone(&document.file), span }));
        }
        places
    }
}

/// Returns the one part of two mappings or lists in which they differ, where both have it; `None` where more differs, or
/// nothing can be taken apart.
fn only_difference<'n>(new: &'n Node, old: &'n Node) -> Option<(String, &'n Node, &'n Node)> {
    let mut found = None;
    match (&new.content, &old.content) {
        (Content::Mapping(_), Content::Mapping(_)) => {
            let (new, old) = (new.entries(), old.entries());
            if new.len() != old.len() {
                return None;
            }
            for entry in new {
                let other = old.iter().find(|other| other.key == entry.key)?;
                if !entry.value.says_what(&other.value)
                    && found.replace((step(&entry.key), &entry.value, &other.value)).is_some()
                {
                    return None;
                }
            }
        }
        (Content::Sequence(new), Content::Sequence(old)) if new.len() == old.len() => {
            for (index, (new, old)) in new.iter().zip(old).enumerate() {
                if !new.says_what(old) && found.replace((index.to_string(), new, old)).is_some() {
                    return None;
                }
            }
        }
        _ => return None,
    }
    found
}

fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Calls `found` with the span of every entry of this key, key and value together. The tree is at most
/// [`super::yaml::MAX_DEPTH`] deep.
fn named(node: &Node, name: &str, found: &mut dyn FnMut(Span)) {
    match &node.content {
        Content::Scalar(_) => {}
        Content::Sequence(items) => items.iter().for_each(|item| named(item, name, found)),
        Content::Mapping(entries) => {
            for entry in entries {
                if &*entry.key == name {
                    found(Span::new(entry.key_span.start, entry.value.span.end));
                } else {
                    named(&entry.value, name, found);
                }
            }
        }
    }
}
