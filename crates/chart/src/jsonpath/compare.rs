//! Two things compared, by the rules of text/template.

use std::cmp::Ordering;

use super::Found;
use crate::value::Data;

const WRONG_TYPE: &str = "invalid type for comparison";
const OTHER_TYPES: &str = "incompatible types for comparison";

#[derive(PartialEq)]
enum Basic<'d> {
    Bool(bool),
    Int(i64),
    Uint(u8),
    Float(f64),
    Text(&'d [u8]),
}

fn basic<'d>(found: &'d Found<'_>) -> Result<Basic<'d>, &'static str> {
    Ok(match found {
        Found::Data(Data::Bool(it)) => Basic::Bool(*it),
        Found::Bool(it) => Basic::Bool(*it),
        Found::Data(Data::Int(it)) => Basic::Int(*it),
        Found::Int(it) => Basic::Int(*it),
        Found::Byte(it) => Basic::Uint(*it),
        Found::Data(Data::Float(it)) => Basic::Float(*it),
        Found::Float(it) => Basic::Float(*it),
        Found::Data(Data::Text(it)) => Basic::Text(it.as_bytes()),
        Found::Text(it) => Basic::Text(it.as_bytes()),
        Found::Data(Data::Null | Data::List(_) | Data::Map(_)) | Found::Nothing => return Err(WRONG_TYPE),
    })
}

fn equal(one: &Basic<'_>, two: &Basic<'_>) -> Result<bool, &'static str> {
    match (one, two) {
        (Basic::Int(int), Basic::Uint(uint)) | (Basic::Uint(uint), Basic::Int(int)) => Ok(*int == i64::from(*uint)),
        _ if std::mem::discriminant(one) != std::mem::discriminant(two) => Err(OTHER_TYPES),
        _ => Ok(one == two),
    }
}

fn less(one: &Basic<'_>, two: &Basic<'_>) -> Result<bool, &'static str> {
    match (one, two) {
        (Basic::Int(int), Basic::Uint(uint)) => Ok(*int < i64::from(*uint)),
        (Basic::Uint(uint), Basic::Int(int)) => Ok(i64::from(*uint) < *int),
        (Basic::Int(one), Basic::Int(two)) => Ok(one < two),
        (Basic::Uint(one), Basic::Uint(two)) => Ok(one < two),
        (Basic::Float(one), Basic::Float(two)) => Ok(one.partial_cmp(two) == Some(Ordering::Less)),
        (Basic::Text(one), Basic::Text(two)) => Ok(one < two),
        (Basic::Bool(_), Basic::Bool(_)) => Err(WRONG_TYPE),
        _ => Err(OTHER_TYPES),
    }
}

/// Whether two things are so as an operator says.
pub(super) fn holds(left: &Found<'_>, operator: &str, right: &Found<'_>) -> Result<bool, String> {
    let known = matches!(operator, "<" | ">" | "==" | "!=" | "<=" | ">=");
    if !known {
        return Err(format!("unrecognized filter operator {operator}"));
    }
    let (left, right) = (basic(left)?, basic(right)?);
    Ok(match operator {
        "==" => equal(&left, &right)?,
        "!=" => !equal(&left, &right)?,
        "<" => less(&left, &right)?,
        ">=" => !less(&left, &right)?,
        "<=" => less(&left, &right)? || equal(&left, &right)?,
        _ => !(less(&left, &right)? || equal(&left, &right)?),
    })
}
