//! The program as a person runs it, and what it prints.

mod driver;
mod against;
mod apply;
mod begin;
mod comment;
mod docs;
mod draws;
mod example_book;
mod fit;
mod fmt;
mod github;
mod hidden;
mod large;
mod lint;
mod lsp;
mod output;
mod output_schemas;
mod power;
mod report;
mod steering;
mod timezones;
mod unsupported;
mod workflows;
