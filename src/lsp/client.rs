//! What the client can do, as it declares when it starts.

use std::path::PathBuf;

use lsp_types::{InitializeParams, MarkupKind, PositionEncodingKind, ResourceOperationKind};

use super::position::Encoding;
use super::uri;

/// A client's abilities, as far as any answer depends on them.
#[derive(Debug, Clone)]
pub struct Client {
    /// What columns count.
    pub encoding: Encoding,
    /// Whether a completion may have places to fill in.
    pub snippets: bool,
    /// Whether a text may be Markdown.
    pub markdown: bool,
    /// Whether symbols of a file may have symbols in them.
    pub nested_symbols: bool,
    /// Whether an edit may name the version of a file that it is for.
    pub document_changes: bool,
    /// Whether an edit may rename files.
    pub renames_files: bool,
    /// Whether it tells of changed files when asked.
    pub watches: bool,
    /// The folders that it works on.
    pub folders: Vec<PathBuf>,
}

impl Client {
    /// Reads what a client declares of itself.
    pub fn new(params: &InitializeParams) -> Self {
        let capabilities = &params.capabilities;
        let text = capabilities.text_document.as_ref();
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let encodings = capabilities.general.as_ref().and_then(|general| general.position_encodings.as_ref());
        let offered: &[PositionEncodingKind] = encodings.map_or(&[], Vec::as_slice);
        let completion = text.and_then(|text| text.completion.as_ref()?.completion_item.as_ref());
        let markdown = |formats: Option<&Vec<MarkupKind>>| {
            formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown))
        };
        let hover = text.and_then(|text| text.hover.as_ref()?.content_format.as_ref());
        let rename = Some(&ResourceOperationKind::Rename);
        Self {
            encoding: Encoding::of(offered),
            snippets: completion.is_some_and(|item| item.snippet_support == Some(true)),
            markdown: markdown(hover)
                || markdown(completion.and_then(|item| item.documentation_format.as_ref())),
            nested_symbols: text
                .and_then(|text| text.document_symbol.as_ref())
                .is_some_and(|symbols| symbols.hierarchical_document_symbol_support == Some(true)),
            document_changes: edit.is_some_and(|edit| edit.document_changes == Some(true)),
            renames_files: edit
                .and_then(|edit| edit.resource_operations.as_ref())
                .is_some_and(|operations| operations.iter().any(|operation| Some(operation) == rename)),
            watches: workspace
                .and_then(|workspace| workspace.did_change_watched_files.as_ref())
                .is_some_and(|watched| watched.dynamic_registration == Some(true)),
            folders: folders(params),
        }
    }
}

fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let folders = params.workspace_folders.as_deref().unwrap_or_default();
    let mut paths: Vec<_> = folders.iter().filter_map(|folder| uri::path_of(folder.uri.as_str())).collect();
    if paths.is_empty() {
        #[expect(
            deprecated,
            reason = "clients that have no workspace folders say where they are in one of these"
        )]
        let root = params
            .root_uri
            .as_ref()
            .and_then(|uri| uri::path_of(uri.as_str()))
            .or_else(|| params.root_path.as_ref().map(PathBuf::from));
        paths.extend(root);
    }
    paths
}
