//! Rows of a result, out of Arrow's columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::connection::Trouble;
use crate::warehouse::{Row, Value};

/// Appends a batch's rows.
///
/// # Errors
///
/// A column of a type that has no [`Value`]: it is never read as null.
pub(super) fn decode(batch: &RecordBatch, rows: &mut Vec<Row>) -> Result<(), Trouble> {
    let columns =
        batch.columns().iter().map(|column| values(column.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let names: Arc<[String]> = batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
    let row = |_| {
        let values = columns.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect();
        Row::new(Arc::clone(&names), values)
    };
    rows.extend((0..batch.num_rows()).map(row));
    Ok(())
}

/// Returns the values of a column.
fn values(column: &dyn Array) -> Result<Vec<Value>, Trouble> {
    macro_rules! each {
        ($array:expr, $value:expr) => {
            $array.iter().map(|value| value.map_or(Value::Null, $value)).collect()
        };
    }
    Ok(match column.data_type() {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => each!(column.as_boolean(), Value::Boolean),
        DataType::Int8 => each!(column.as_primitive::<Int8Type>(), |v| Value::Integer(v.into())),
        DataType::Int16 => each!(column.as_primitive::<Int16Type>(), |v| Value::Integer(v.into())),
        DataType::Int32 => each!(column.as_primitive::<Int32Type>(), |v| Value::Integer(v.into())),
        DataType::Int64 => each!(column.as_primitive::<Int64Type>(), Value::Integer),
        DataType::UInt8 => each!(column.as_primitive::<UInt8Type>(), |v| Value::Integer(v.into())),
        DataType::UInt16 => each!(column.as_primitive::<UInt16Type>(), |v| Value::Integer(v.into())),
        DataType::UInt32 => each!(column.as_primitive::<UInt32Type>(), |v| Value::Integer(v.into())),
        DataType::UInt64 => each!(column.as_primitive::<UInt64Type>(), |v| {
            i64::try_from(v).map_or(Value::Float(v as f64), Value::Integer)
        }),
        DataType::Float32 => each!(column.as_primitive::<Float32Type>(), |v| Value::Float(v.into())),
        DataType::Float64 => each!(column.as_primitive::<Float64Type>(), Value::Float),
        // DuckDB's HUGEINT, the type of its sums of whole numbers, arrives as a decimal without a fraction.
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            each!(column.as_primitive::<Decimal128Type>(), |v| decimal(v, scale))
        }
        DataType::Utf8 => each!(column.as_string::<i32>(), |v| Value::Text(v.to_owned())),
        DataType::LargeUtf8 => each!(column.as_string::<i64>(), |v| Value::Text(v.to_owned())),
        DataType::Utf8View => each!(column.as_string_view(), |v| Value::Text(v.to_owned())),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            // Without values every row is null, and there are no keys to normalise.
            if dictionary.values().is_empty() {
                return Ok(vec![Value::Null; column.len()]);
            }
            let known = values(dictionary.values().as_ref())?;
            let keys = dictionary.normalized_keys();
            let value = |(at, key): (usize, &usize)| match column.is_null(at) {
                true => Value::Null,
                false => known.get(*key).cloned().unwrap_or(Value::Null),
            };
            keys.iter().enumerate().map(value).collect()
        }
        other => return Err(Trouble::Type(other.to_string())),
    })
}

fn decimal(value: i128, scale: i8) -> Value {
    match i64::try_from(value) {
        Ok(whole) if scale == 0 => Value::Integer(whole),
        _ => Value::Float(value as f64 / 10f64.powi(scale.into())),
    }
}
