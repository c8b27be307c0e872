//! What the SQL of a book may name: tables, and functions of a list.
//!
//! An engine runs functions that read files and settings, and some that write: in DuckDB 1.5,
//! `SELECT * FROM enable_logging(storage_path := '…')` makes files. So everything that is not listed is refused, when
//! a book is linted and again before a query is run.

mod columns;
mod expression;
mod functions;
mod growth;
mod paths;
mod tables;
mod tokens;
mod types;

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments,
    ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Spanned, Statement, TableAlias,
    TableFactor, TableFunctionArgs, Value, Visit, Visitor,
};
use sqlparser::tokenizer::Location;

pub use columns::Columns;
pub use expression::{ExpressionError, Kind, Part, Regexes, apart, expression, mistake, range};
pub use functions::is_file_reader;
use growth::of_replacement;
pub use paths::{Misplaced, is_hidden, misplaced};
pub use tables::not_a_table;
pub use tokens::is_faithful;

/// Why a SELECT is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The line and the column where it stands, counted from 1, the column in characters; `None` where the parser does
    /// not keep it.
    pub at: Option<(u64, u64)>,
}

/// Returns the first thing in a SELECT that is not allowed, as an error.
///
/// # Errors
///
/// A function or a kind of table that is not listed, a file in the place of a table, a file to read that is not
/// written out or not within the book, and anything that does not only read.
pub fn check(query: &Query) -> Result<(), Refusal> {
    held(query, Paths::OfTheBook)
}

/// Holds a SELECT to the same rules in which the program has put the paths of the files that the book's names lead to.
///
/// # Errors
///
/// As [`check`], wherever the files are.
pub fn check_resolved(query: &Query) -> Result<(), Refusal> {
    held(query, Paths::Resolved)
}

fn held(query: &Query, paths: Paths) -> Result<(), Refusal> {
    match query.visit(&mut Gate { expansion: 1, columns: 1, lambdas: 0, paths }) {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// The most by which all operations of a SELECT together may lengthen a text.
const MOST_EXPANSION: u64 = 1 << 16;

/// The most by which all wildcards of a SELECT together may multiply the columns of a table.
const MOST_COLUMNS: u64 = 1 << 12;

/// Who wrote the paths of a SELECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paths {
    /// The book: they are held to what it may name.
    OfTheBook,
    /// The program: they are absolute.
    Resolved,
}

struct Gate {
    /// By how much the operations so far can lengthen a text. One may work on the result of any other.
    expansion: u64,
    /// By how much the wildcards so far can multiply columns.
    columns: u64,
    /// How many lambdas are around the expression.
    lambdas: u32,
    paths: Paths,
}

type Checked = ControlFlow<Refusal>;

fn refuse(message: impl Into<String>, at: Location) -> Checked {
    let at = (at.line > 0).then_some((at.line, at.column));
    ControlFlow::Break(Refusal { message: message.into(), at })
}

impl Visitor for Gate {
    type Break = Refusal;

    fn pre_visit_statement(&mut self, statement: &Statement) -> Checked {
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            other => refuse("it must only read", other.span().start),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> Checked {
        let typed =
            query.with.iter().flat_map(|with| &with.cte_tables).any(|cte| types::has_types(&cte.alias));
        if typed {
            refuse("columns of a WITH may not be given types", query.span().start)
        } else if only_reads(query) {
            ControlFlow::Continue(())
        } else {
            refuse("it must only read", query.span().start)
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> Checked {
        let tables = select.from.iter().map(|table| 1 + table.joins.len() as u64).sum::<u64>().max(1);
        let multiplied = select.projection.iter().map(|item| match item {
            SelectItem::Wildcard(_) => tables,
            SelectItem::QualifiedWildcard(..) => 1,
            _ => 0,
        });
        self.columns = self.columns.saturating_mul(multiplied.sum::<u64>().max(1));
        if self.columns > MOST_COLUMNS {
            return refuse(
                "its wildcards multiply columns so often that they could fill the memory",
                Location::empty(),
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> Checked {
        if alias_of(table).is_some_and(types::has_types) {
            return refuse("columns in FROM may not be given types", Location::empty());
        }
        match table {
            TableFactor::Table { name, args: None, .. } => match not_a_table(&parts(name)?) {
                Some(why) => refuse(format!("`{name}` {why}"), name.span().start),
                None => ControlFlow::Continue(()),
            },
            TableFactor::Table { name, args: Some(TableFunctionArgs { args, settings: None }), .. }
            | TableFactor::Function { name, args, .. } => table_function(name, args, self.paths),
            TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. } => ControlFlow::Continue(()),
            other => refuse(format!("`{other}` is not allowed in FROM"), Location::empty()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Checked {
        if let Some(odd) = types::odd_type(expr) {
            return refuse(format!("the type `{odd}` is not allowed here"), Location::empty());
        }
        match expr {
            // Printed as a text, an array is as long as all its parts.
            Expr::Array(array) if !array.elem.iter().all(|part| matches!(part, Expr::Value(_))) => {
                self.expands(array.elem.len() as u64, Location::empty())
            }
            // So is a row.
            Expr::Tuple(parts) | Expr::Struct { values: parts, .. } => self.made_of(parts.iter()),
            Expr::Dictionary(fields) => self.made_of(fields.iter().map(|field| &*field.value)),
            Expr::Map(map) => self.made_of(map.entries.iter().map(|entry| &*entry.value)),
            // The engine runs a lambda over a whole list before it looks whether it should stop, and one in another as often as
            // the lengths of both lists multiplied.
            Expr::Lambda(_) => {
                self.lambdas += 1;
                if self.lambdas > 1 {
                    return refuse("a lambda may not be in another lambda", Location::empty());
                }
                ControlFlow::Continue(())
            }
            Expr::Function(function) => self.function(function),
            Expr::BinaryOp { op: BinaryOperator::StringConcat, left, .. } => {
                // A chain is one operation: each further part adds its own length.
                let chain = matches!(&**left, Expr::BinaryOp { op: BinaryOperator::StringConcat, .. });
                self.expands(if chain { 1 } else { chained(expr) }, start(left))
            }
            Expr::BinaryOp {
                op: op @ (BinaryOperator::PGCustomBinaryOperator(_) | BinaryOperator::Custom(_)),
                ..
            } => refuse(format!("the operator `{op}` is not allowed here"), start(expr)),
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> Checked {
        if matches!(expr, Expr::Lambda(_)) {
            self.lambdas = self.lambdas.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }
}

impl Gate {
    /// Counts a value that is made of others: printed as a text, it is as long as all of them.
    fn made_of<'a>(&mut self, parts: impl Iterator<Item = &'a Expr>) -> Checked {
        let parts: Vec<&Expr> = parts.collect();
        if parts.iter().all(|part| matches!(part, Expr::Value(_))) {
            return ControlFlow::Continue(());
        }
        self.expands(parts.len() as u64, Location::empty())
    }

    fn function(&mut self, function: &Function) -> Checked {
        let at = function.name.span().start;
        let name = match function.name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => ident.value.to_ascii_lowercase(),
            _ => String::new(),
        };
        if !functions::is_plain(&name) {
            return refuse(
                format!(
                    "the function `{}` is not allowed in a book's `sql`: put it into a view of the warehouse",
                    function.name
                ),
                at,
            );
        }
        let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
        match name.as_str() {
            // Written as a method it has its first argument before the name.
            "concat" | "concat_ws" | "list_concat" | "list_cat" | "array_concat" | "array_cat"
            | "array_to_string" | "list_to_string" | "string_agg" | "group_concat" | "listagg"
            | "list_zip" => self.expands((list.args.len() as u64).saturating_add(1), at),
            "struct_pack" | "row" | "list_value" | "map" | "map_from_entries"
                if !list.args.iter().all(is_written_out) =>
            {
                self.expands(list.args.len() as u64, at)
            }
            "columns" => {
                self.columns = self.columns.saturating_mul(2);
                if self.columns > MOST_COLUMNS {
                    return refuse("it multiplies columns so often that they could fill the memory", at);
                }
                ControlFlow::Continue(())
            }
            "replace" => match of_replacement(&list.args) {
                Some(factor) => self.expands(factor, at),
                None => {
                    refuse("`replace` takes texts in single quotes as its second and third arguments", at)
                }
            },
            _ => ControlFlow::Continue(()),
        }
    }

    fn expands(&mut self, by: u64, at: Location) -> Checked {
        self.expansion = self.expansion.saturating_mul(by.max(1));
        if self.expansion > MOST_EXPANSION {
            return refuse("it joins and replaces texts so often that they could fill the memory", at);
        }
        ControlFlow::Continue(())
    }
}

/// Tells whether an argument is a text or a number.
fn is_written_out(argument: &FunctionArg) -> bool {
    let (FunctionArg::Unnamed(value)
    | FunctionArg::Named { arg: value, .. }
    | FunctionArg::ExprNamed { arg: value, .. }) = argument;
    matches!(value, FunctionArgExpr::Expr(Expr::Value(_)))
}

/// Returns the alias of what may stand in FROM.
fn alias_of(table: &TableFactor) -> Option<&TableAlias> {
    match table {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. } => alias.as_ref(),
        _ => None,
    }
}

/// Returns where an expression begins, without a step into it for each operator: a chain may be as long as the text.
fn start(mut expr: &Expr) -> Location {
    loop {
        expr = match expr {
            Expr::BinaryOp { left, .. } => left,
            Expr::Function(function) => return function.name.span().start,
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) => return expr.span().start,
            _ => return Location::empty(),
        };
    }
}

/// Counts the parts of a chain of `||`.
fn chained(expr: &Expr) -> u64 {
    let (mut expr, mut parts) = (expr, 1);
    while let Expr::BinaryOp { op: BinaryOperator::StringConcat, left, .. } = expr {
        parts += 1;
        expr = left;
    }
    parts
}

fn parts(name: &ObjectName) -> ControlFlow<Refusal, Vec<(&str, bool)>> {
    let mut found = Vec::new();
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) if ident.quote_style != Some('\'') => {
                found.push((ident.value.as_str(), ident.quote_style.is_some()));
            }
            _ => {
                let refused = refuse(format!("`{name}` is not the name of a table"), name.span().start);
                return match refused {
                    ControlFlow::Break(refusal) => ControlFlow::Break(refusal),
                    ControlFlow::Continue(()) => ControlFlow::Continue(found),
                };
            }
        }
    }
    ControlFlow::Continue(found)
}

/// Checks a function in FROM, and that its files are written out: then they can be resolved within the book.
fn table_function(name: &ObjectName, args: &[FunctionArg], paths: Paths) -> Checked {
    let at = name.span().start;
    let lower = match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => ident.value.to_ascii_lowercase(),
        _ => String::new(),
    };
    if functions::is_plain_table(&lower) {
        return ControlFlow::Continue(());
    }
    if !is_file_reader(&lower) {
        return refuse(
            format!("the table function `{name}` is not allowed; there are {}", functions::table_functions()),
            at,
        );
    }
    let mut files = 0;
    for arg in args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_texts(expr) => {
                files += 1;
                if paths == Paths::OfTheBook {
                    within(expr)?;
                }
            }
            FunctionArg::Named { name, operator, .. }
                if functions::is_reader_option(&name.value)
                    && matches!(
                        operator,
                        FunctionArgOperator::Equals
                            | FunctionArgOperator::Assignment
                            | FunctionArgOperator::RightArrow
                            | FunctionArgOperator::Colon
                    ) => {}
            FunctionArg::Named { name: option, .. } => {
                return refuse(
                    format!("the option `{option}` of `{name}` is not allowed"),
                    option.span.start,
                );
            }
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                ..
            })) if matches!(&**left, Expr::Identifier(option) if functions::is_reader_option(&option.value)) =>
                {}
            _ => {
                let message =
                    format!("`{name}` takes the names of files in single quotes, and options by name");
                return refuse(message, at);
            }
        }
    }
    if files == 1 {
        ControlFlow::Continue(())
    } else {
        refuse(format!("`{name}` takes one file or one list of files"), at)
    }
}

/// Refuses files that are never read, wherever the book is.
fn within(files: &Expr) -> Checked {
    let one = match files {
        Expr::Array(array) => return array.elem.iter().try_for_each(within),
        Expr::Value(value) => value,
        _ => return ControlFlow::Continue(()),
    };
    let Value::SingleQuotedString(path) = &one.value else { return ControlFlow::Continue(()) };
    let why = match misplaced(path) {
        None => return ControlFlow::Continue(()),
        Some(Misplaced::Outside) => "is not a path within the book",
        Some(Misplaced::Hidden) => "leads into a hidden file or folder, which is never read",
    };
    refuse(format!("the file `{path}` {why}"), one.span.start)
}

/// Tells whether an expression is a text in single quotes, or a list of such.
fn is_texts(expr: &Expr) -> bool {
    match expr {
        Expr::Array(array) => !array.elem.is_empty() && array.elem.iter().all(is_text),
        other => is_text(other),
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}

fn only_reads(query: &Query) -> bool {
    query.locks.is_empty()
        && query.pipe_operators.is_empty()
        && query.for_clause.is_none()
        && query.settings.is_none()
        && query.format_clause.is_none()
        && body_only_reads(&query.body)
}

fn body_only_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        // A query in it is visited by itself.
        SetExpr::Query(_) | SetExpr::Values(_) => true,
        SetExpr::SetOperation { left, right, .. } => body_only_reads(left) && body_only_reads(right),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
