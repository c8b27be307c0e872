//! Requests to the files that answer them.

use std::io::Write;

use jiff::Timestamp;
use lsp_types::TextDocumentPositionParams;
use serde_json::Value;

use super::{Refusal, Server, Spot, read, value};
use crate::lsp::books::Shelved;
use crate::lsp::position::Lines;
use crate::lsp::{actions, completion, definition, formatting, hover, references, rename, symbols, uri};

impl<W: Write, C: Fn() -> Timestamp> Server<W, C> {
    /// Answers a request of a client that has introduced itself.
    pub(super) fn result(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        let Some(client) = &self.client else { return Ok(Value::Null) };
        let now = (self.clock)();
        match method {
            "textDocument/completion" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).map(|spot| completion::complete(&spot, client, now)))
            }
            "textDocument/hover" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).and_then(|spot| hover::hover(&spot, client, now)))
            }
            "textDocument/definition" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).and_then(|spot| definition::definition(&spot, client)))
            }
            "textDocument/references" => {
                let params: lsp_types::ReferenceParams = read(params)?;
                let declaration = params.context.include_declaration;
                let spot = self.spot(&params.text_document_position);
                value(spot.map(|spot| references::references(&spot, client, declaration)))
            }
            "textDocument/documentHighlight" => {
                let params: TextDocumentPositionParams = read(params)?;
                value(self.spot(&params).map(|spot| references::highlights(&spot, client)))
            }
            "textDocument/prepareRename" => {
                let params: TextDocumentPositionParams = read(params)?;
                self.spot(&params).map_or(Ok(Value::Null), |spot| value(rename::prepare(&spot, client, now)?))
            }
            "textDocument/rename" => {
                let params: lsp_types::RenameParams = read(params)?;
                match self.spot(&params.text_document_position) {
                    Some(spot) => value(rename::rename(&spot, client, now, &params.new_name, &self.buffers)?),
                    None => Err(Refusal::because("the file is in no book")),
                }
            }
            "textDocument/documentSymbol" => {
                let params: lsp_types::DocumentSymbolParams = read(params)?;
                let file = self.file(params.text_document.uri.as_str());
                value(file.and_then(|(book, path)| symbols::of_document(book, &path, client)))
            }
            "workspace/symbol" => {
                let params: lsp_types::WorkspaceSymbolParams = read(params)?;
                value(symbols::of_workspace(&self.books, &params.query, client))
            }
            "textDocument/formatting" => {
                let params: lsp_types::DocumentFormattingParams = read(params)?;
                match self.file(params.text_document.uri.as_str()) {
                    Some((book, path)) => value(formatting::format_document(book, &path, client)?),
                    None => Ok(Value::Null),
                }
            }
            "textDocument/codeAction" => {
                let params: lsp_types::CodeActionParams = read(params)?;
                let file = self.file(params.text_document.uri.as_str());
                value(file.map(|(book, path)| actions::actions(book, &path, &params, client, &self.buffers)))
            }
            _ => Err(Refusal {
                code: Refusal::METHOD_NOT_FOUND,
                message: format!("`{method}` is not supported"),
            }),
        }
    }

    /// Returns the book and the path of a file.
    fn file(&self, uri: &str) -> Option<(&Shelved, String)> {
        let (index, path) = self.books.locate(&uri::path_of(uri)?)?;
        Some((self.books.get(index)?, path))
    }

    fn spot(&self, at: &TextDocumentPositionParams) -> Option<Spot<'_>> {
        let client = self.client.as_ref()?;
        let uri = at.text_document.uri.as_str();
        let (book, path) = self.file(uri)?;
        let text = match self.buffers.get(uri) {
            Some(buffer) => buffer.text.as_str(),
            None => book.document(&path)?.file().text(),
        };
        let offset = Lines::new(text, client.encoding).offset(at.position);
        Some(Spot { book, path, text, offset })
    }
}
