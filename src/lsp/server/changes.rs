//! Notifications: files that are opened, edited, closed and changed on disk, and folders that come and go.

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams,
};
use serde_json::{Value, json};

use super::{Server, read};
use crate::lsp::books::as_saved;
use crate::lsp::uri;

impl<W: Write, C: Fn() -> Timestamp> Server<W, C> {
    /// Asks the client to tell of files that change outside of it, and opens the books.
    pub(super) fn watch(&mut self) -> io::Result<()> {
        let (watches, folders) = self
            .client
            .as_ref()
            .map_or((false, Vec::new()), |client| (client.watches, client.folders.clone()));
        if watches {
            let watchers = json!([{ "globPattern": "**/*.{yaml,yml}" }]);
            self.send(&json!({
                "jsonrpc": "2.0",
                "id": "watch",
                "method": "client/registerCapability",
                "params": { "registrations": [{
                    "id": "files",
                    "method": "workspace/didChangeWatchedFiles",
                    "registerOptions": { "watchers": watchers },
                }] },
            }))?;
        }
        self.opened_at = (self.clock)();
        self.add_folders(&folders)
    }

    fn add_folders(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let now = (self.clock)();
        let problems: Vec<_> = folders.iter().flat_map(|folder| self.books.add_folder(folder, now)).collect();
        problems.iter().try_for_each(|problem| self.show(problem))?;
        self.lay_open_files();
        Ok(())
    }

    /// Lays every open file over its book, where that does not know it yet.
    fn lay_open_files(&mut self) {
        for (uri, buffer) in self.buffers.iter() {
            let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path)) else {
                continue;
            };
            let Some(book) = self.books.get_mut(index) else { continue };
            if book.open.insert(path.clone(), uri.to_owned()).is_none() {
                book.edit(&path, Some(buffer.text.clone().into_bytes()));
            }
        }
    }

    /// Takes note of something; what is not understood is passed over, for it has no answer.
    pub(super) fn notification(&mut self, method: &str, params: Value) -> io::Result<()> {
        match method {
            "textDocument/didOpen" => {
                let Ok(params) = read::<DidOpenTextDocumentParams>(params) else { return Ok(()) };
                let document = params.text_document;
                let uri = document.uri.as_str();
                self.buffers.open(uri, document.version, document.text);
                if let Some(path) = uri::path_of(uri)
                    && self.books.locate(&path).is_none()
                {
                    let problem = self.books.add_around(&path, (self.clock)());
                    problem.map_or(Ok(()), |problem| self.show(&problem))?;
                }
                self.update(uri);
            }
            "textDocument/didChange" => {
                let Ok(params) = read::<DidChangeTextDocumentParams>(params) else { return Ok(()) };
                let Some(encoding) = self.client.as_ref().map(|client| client.encoding) else {
                    return Ok(());
                };
                let document = params.text_document;
                let uri = document.uri.as_str();
                if self.buffers.change(uri, document.version, params.content_changes, encoding) {
                    self.update(uri);
                }
            }
            "textDocument/didClose" => {
                let Ok(params) = read::<DidCloseTextDocumentParams>(params) else { return Ok(()) };
                let uri = params.text_document.uri.as_str();
                self.buffers.close(uri);
                if let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path))
                    && let Some(book) = self.books.get_mut(index)
                {
                    book.open.remove(&path);
                    match as_saved(&book.root, &path) {
                        Ok(bytes) => book.edit(&path, bytes),
                        Err(problem) => self.show(&problem)?,
                    }
                }
            }
            "workspace/didChangeWatchedFiles" => {
                let Ok(params) = read::<DidChangeWatchedFilesParams>(params) else { return Ok(()) };
                let uris: Vec<_> =
                    params.changes.iter().map(|change| change.uri.as_str().to_owned()).collect();
                self.changed_on_disk(&uris)?;
            }
            "workspace/didChangeWorkspaceFolders" => {
                let Ok(params) = read::<DidChangeWorkspaceFoldersParams>(params) else { return Ok(()) };
                let paths = |folders: &[lsp_types::WorkspaceFolder]| -> Vec<PathBuf> {
                    folders.iter().filter_map(|folder| uri::path_of(folder.uri.as_str())).collect()
                };
                let (added, removed) = (paths(&params.event.added), paths(&params.event.removed));
                let mut kept = Vec::new();
                if let Some(client) = &mut self.client {
                    client.folders.retain(|folder| !removed.contains(folder));
                    client.folders.extend(added.iter().cloned());
                    kept.clone_from(&client.folders);
                }
                for folder in &removed {
                    for uri in self.books.remove_folder(folder, &kept) {
                        self.notify(
                            "textDocument/publishDiagnostics",
                            json!({ "uri": uri, "diagnostics": [] }),
                        )?;
                    }
                }
                self.add_folders(&added)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads every book anew from the disk, and lays the open files over it.
    pub(super) fn read_everything_again(&mut self) -> Vec<String> {
        let now = (self.clock)();
        let problems =
            (0..self.books.iter().count()).filter_map(|index| self.books.reread(index, now)).collect();
        self.lay_open_files();
        problems
    }

    /// Lays the text of an open file over its book.
    fn update(&mut self, uri: &str) {
        let Some((index, path)) = uri::path_of(uri).and_then(|path| self.books.locate(&path)) else { return };
        let (Some(book), Some(buffer)) = (self.books.get_mut(index), self.buffers.get(uri)) else { return };
        book.open.insert(path.clone(), uri.to_owned());
        book.edit(&path, Some(buffer.text.clone().into_bytes()));
    }

    fn changed_on_disk(&mut self, uris: &[String]) -> io::Result<()> {
        /// Past this many files, reading everything anew costs less than an edit each.
        const MANY: usize = 200;
        let paths: Vec<_> = uris.iter().filter_map(|uri| uri::path_of(uri)).collect();
        let now = (self.clock)();
        let mut problems = if paths.len() > MANY { self.read_everything_again() } else { Vec::new() };
        for path in &paths {
            match self.books.locate(path) {
                Some((index, path)) if paths.len() <= MANY => {
                    if let Some(book) = self.books.get_mut(index)
                        && !book.open.contains_key(&path)
                    {
                        match as_saved(&book.root, &path) {
                            Ok(bytes) => book.edit(&path, bytes),
                            Err(problem) => problems.push(problem),
                        }
                    }
                }
                Some(_) => {}
                None if path.file_name().is_some_and(|name| name == trialbook_language::load::BOOK_FILE) => {
                    problems.extend(self.books.add_around(path, now));
                    self.lay_open_files();
                }
                None => {}
            }
        }
        problems.iter().try_for_each(|problem| self.show(problem))
    }
}
