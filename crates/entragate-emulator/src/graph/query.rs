//! Query options: `$select`, `$filter`, `$top`, `$count`, and pages with `@odata.nextLink`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::GraphError;
use super::filter::Filter;
use crate::digest::base64url;
use crate::exchange::Answer;
use crate::params::encode;

/// Objects of a collection before they become a page.
#[derive(Debug)]
pub(super) struct Collection<'a> {
    /// As `@odata.context` names it.
    pub(super) context: &'a str,
    pub(super) items: Vec<Value>,
    /// Properties that `$filter` may use.
    pub(super) filterable: &'a [&'a str],
}

/// Without `$top`.
const DEFAULT_PAGE: usize = 100;

/// One object, with `$select` applied.
pub(super) fn entity(
    call: &Call<'_>,
    context: &str,
    object: &Value,
    status: StatusCode,
) -> Result<Answer, GraphError> {
    let (object, selected) = select(call, object)?;
    let mut body = Map::new();
    body.insert("@odata.context".into(), format!("{}{context}{selected}/$entity", metadata(call)).into());
    body.extend(object);
    Ok(Answer::json(status, &Value::Object(body)))
}

pub(super) fn page(call: &Call<'_>, collection: Collection<'_>) -> Result<Answer, GraphError> {
    let query = &call.exchange.query;
    refuse_unsupported(call)?;
    let filter = query.get("$filter").map(|text| Filter::parse(text, collection.filterable)).transpose()?;
    let fits = |item: &Value| filter.as_ref().is_none_or(|filter| filter.matches(item));
    let items: Vec<Value> = collection.items.into_iter().filter(fits).collect();
    let size = page_size(call)?;
    let skip = match query.get("$skiptoken") {
        Some(token) => read_token(token)
            .ok_or_else(|| GraphError::bad("The specified page token value is not valid."))?,
        None => 0,
    };
    let mut selected = String::new();
    let mut value = Vec::new();
    for item in items.iter().skip(skip).take(size) {
        let (item, names) = select(call, item)?;
        selected = names;
        value.push(Value::Object(item));
    }
    let mut body = Map::new();
    body.insert(
        "@odata.context".into(),
        format!("{}{}{selected}", metadata(call), collection.context).into(),
    );
    let eventual =
        call.exchange.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    if query.get("$count") == Some("true") && eventual {
        body.insert("@odata.count".into(), items.len().into());
    }
    if skip + size < items.len() {
        body.insert("@odata.nextLink".into(), next_link(call, skip + size).into());
    }
    body.insert("value".into(), value.into());
    Ok(Answer::json(StatusCode::OK, &Value::Object(body)))
}

/// A list of plain values, such as ids.
pub(super) fn values(call: &Call<'_>, kind: &str, values: &[String]) -> Answer {
    let context = format!("{}Collection({kind})", metadata(call));
    Answer::json(StatusCode::OK, &json!({ "@odata.context": context, "value": values }))
}

fn metadata(call: &Call<'_>) -> String {
    format!("{}/v1.0/$metadata#", call.entra.base)
}

fn refuse_unsupported(call: &Call<'_>) -> Result<(), GraphError> {
    let query = &call.exchange.query;
    match ["$expand", "$search", "$orderby", "$skip"].iter().find(|name| query.has(name)) {
        Some(name) => Err(GraphError::query(format!("The query option '{name}' is not emulated."))),
        None => Ok(()),
    }
}

fn page_size(call: &Call<'_>) -> Result<usize, GraphError> {
    let wanted = match call.exchange.query.get("$top") {
        None => DEFAULT_PAGE,
        Some(text) => {
            let size = text.parse::<usize>().ok().filter(|size| (1..=999).contains(size));
            size.ok_or_else(|| {
                GraphError::query(format!(
                    "Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive."
                ))
            })?
        }
    };
    let limit =
        call.settings.graph_page_size.map_or(wanted, |limit| usize::try_from(limit.max(1)).unwrap_or(wanted));
    Ok(wanted.min(limit))
}

const TOKEN: &str = "page-";

fn read_token(token: &str) -> Option<usize> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix(TOKEN)?.parse().ok()
}

/// The same request with the place to go on from.
fn next_link(call: &Call<'_>, skip: usize) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in call.exchange.query.pairs() {
        if name != "$skiptoken" {
            parts.push(format!("{name}={}", encode(value.as_bytes()).replace('+', "%20")));
        }
    }
    parts.push(format!("$skiptoken={}", base64url(format!("{TOKEN}{skip}").as_bytes())));
    format!("{}{}?{}", call.entra.base, call.exchange.path, parts.join("&"))
}

/// The members that `$select` names, and how `@odata.context` says so.
fn select(call: &Call<'_>, object: &Value) -> Result<(Map<String, Value>, String), GraphError> {
    let object = object.as_object().cloned().unwrap_or_default();
    let Some(names) = call.exchange.query.get("$select") else { return Ok((object, String::new())) };
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let mut selected = Map::new();
    for name in &names {
        let (name, value) = object.get_key_value(*name).ok_or_else(|| {
            GraphError::detailed(
                "BadRequest",
                "$select",
                format!("Parsing OData Select and Expand failed: Could not find a property named '{name}'."),
            )
        })?;
        selected.insert(name.clone(), value.clone());
    }
    Ok((selected, format!("({})", names.join(","))))
}
