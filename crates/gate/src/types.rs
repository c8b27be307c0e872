//! The types that a SELECT may name.

use sqlparser::ast::{DataType, Expr, TableAlias};

/// Tells whether a type is printed as it was read: a name, with numbers in parentheses and brackets behind it.
///
/// Modifiers of other kinds are texts that sqlparser prints without their quotes, so that they could end the type and
/// go on as SQL.
pub fn is_plain(data_type: &DataType) -> bool {
    let printed = data_type.to_string();
    let mut rest = printed.as_str();
    while let Some((before, size)) = rest.strip_suffix(']').and_then(|before| before.rsplit_once('[')) {
        if !size.chars().all(|c| c.is_ascii_digit()) {
            return false;
        }
        rest = before;
    }
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' '));
    match rest.split_once('(') {
        None => !rest.is_empty() && word(rest),
        Some((name, more)) => more.split_once(')').is_some_and(|(sizes, after)| {
            let numbers = sizes.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '));
            !name.is_empty() && word(name) && numbers && word(after)
        }),
    }
}

/// Returns a type in an expression itself, without those of its parts, that is not [plain](is_plain).
pub fn odd_type(expr: &Expr) -> Option<String> {
    let odd = |data_type: &DataType| (!is_plain(data_type)).then(|| data_type.to_string());
    match expr {
        Expr::Cast { data_type, .. } => odd(data_type),
        Expr::TypedString(typed) => odd(&typed.data_type),
        Expr::Convert { data_type, .. } => data_type.as_ref().and_then(odd),
        Expr::Struct { fields, .. } => fields.iter().find_map(|field| odd(&field.field_type)),
        _ => None,
    }
}

/// Tells whether an alias gives its columns types.
pub fn has_types(alias: &TableAlias) -> bool {
    alias.columns.iter().any(|column| column.data_type.is_some())
}
