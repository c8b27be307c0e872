//! The documentation is held to what the program does.

mod commands;
mod examples;
mod links;
mod pages;
mod reference;
mod sessions;
