//! `optionalClaims`, of which the directory keeps the names.

use serde_json::{Value, json};

use crate::directory::App;
use crate::graph::body;
use crate::graph::error::GraphError;

const LISTS: [&str; 3] = ["accessToken", "idToken", "saml2Token"];
const MEMBERS: [&str; 4] = ["name", "source", "essential", "additionalProperties"];

pub(super) fn json(app: &App) -> Value {
    if app.optional_claims.is_empty() && app.optional_id_claims.is_empty() {
        return Value::Null;
    }
    let claim = |name: &String| {
        let (name, properties) =
            if name == "use_guid" { ("aud", vec!["use_guid"]) } else { (name.as_str(), vec![]) };
        json!({ "name": name, "source": null, "essential": false, "additionalProperties": properties })
    };
    let list = |names: &[String]| names.iter().map(claim).collect::<Vec<_>>();
    json!({
        "accessToken": list(&app.optional_claims),
        "idToken": list(&app.optional_id_claims),
        "saml2Token": [],
    })
}

pub(super) fn apply(app: &mut App, value: &Value) -> Result<(), GraphError> {
    app.optional_claims.clear();
    app.optional_id_claims.clear();
    if value.is_null() {
        return Ok(());
    }
    let lists = body::members("optionalClaims", value, &LISTS)?;
    for (name, list) in lists {
        let mut names = Vec::new();
        for claim in body::list(&format!("optionalClaims.{name}"), list)? {
            let claim = body::members("optionalClaims", claim, &MEMBERS)?;
            let claim_name = body::required("optionalClaims.name", claim.get("name"))?;
            let properties = claim.get("additionalProperties").and_then(Value::as_array);
            let by_guid = properties.is_some_and(|list| list.iter().any(|property| property == "use_guid"));
            names.push(if claim_name == "aud" && by_guid { "use_guid".to_owned() } else { claim_name });
        }
        match name.as_str() {
            "accessToken" => app.optional_claims = names,
            "idToken" => app.optional_id_claims = names,
            _ => {}
        }
    }
    Ok(())
}
