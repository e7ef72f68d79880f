//! Reading request bodies: JSON of the right types, or Graph's words for what is wrong.

use serde_json::Value;

use super::error::GraphError;
use crate::exchange::Exchange;
use crate::guid;
use crate::jwt::Object;

/// The JSON object of the body.
pub(super) fn object(exchange: &Exchange) -> Result<Object, GraphError> {
    serde_json::from_slice(&exchange.body).map_err(|_| {
        GraphError::bad(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON \
             format.",
        )
    })
}

pub(super) fn text(name: &str, value: &Value) -> Result<String, GraphError> {
    value.as_str().map(str::to_owned).ok_or_else(|| GraphError::schema(name))
}

/// A text that may not be empty.
pub(super) fn required(name: &str, value: Option<&Value>) -> Result<String, GraphError> {
    match value {
        None | Some(Value::Null) => Err(GraphError::missing(name)),
        Some(value) => text(name, value)
            .and_then(|text| if text.trim().is_empty() { Err(GraphError::missing(name)) } else { Ok(text) }),
    }
}

pub(super) fn optional(name: &str, value: &Value) -> Result<Option<String>, GraphError> {
    if value.is_null() { Ok(None) } else { text(name, value).map(Some) }
}

/// `null` is `false`.
pub(super) fn flag(name: &str, value: &Value) -> Result<bool, GraphError> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(GraphError::schema(name)),
    }
}

pub(super) fn id(name: &str, value: &Value) -> Result<String, GraphError> {
    let text = text(name, value)?;
    guid::parse(&text).ok_or_else(|| {
        GraphError::bad(format!("Cannot convert the literal '{text}' to the expected type 'Edm.Guid'."))
    })
}

pub(super) fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], GraphError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| GraphError::schema(name))
}

pub(super) fn texts(name: &str, value: &Value) -> Result<Vec<String>, GraphError> {
    list(name, value)?.iter().map(|item| text(name, item)).collect()
}

pub(super) fn ids(name: &str, value: &Value) -> Result<Vec<String>, GraphError> {
    list(name, value)?.iter().map(|item| id(name, item)).collect()
}

/// A complex value whose members are all known.
pub(super) fn members<'a>(name: &str, value: &'a Value, known: &[&str]) -> Result<&'a Object, GraphError> {
    let object = value.as_object().ok_or_else(|| GraphError::schema(name))?;
    if object.keys().all(|key| key.starts_with("@odata.") || known.contains(&key.as_str())) {
        return Ok(object);
    }
    Err(GraphError::bad("Unexpected contents in request body."))
}
