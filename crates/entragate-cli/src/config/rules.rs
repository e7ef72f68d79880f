//! `[[rules]]` and `[scope_implies]`: who may call what.

use entragate::policy::shadow::Shadow;
use entragate::{ClientId, Condition, ConditionError, Guid, RegistrationError, Rule};

use super::item::{Item, Member, Value};
use super::keys;
use super::nearest::nearest;
use super::problems::Place;
use super::reader::{Reader, Wrong, printable};

/// Everything that a rule can consist of.
pub(super) const PARTS_OF_A_RULE: [&str; 12] = [
    "tools",
    "prompts",
    "resources",
    "methods",
    "tenants",
    "users",
    "apps",
    "clients",
    "roles",
    "groups",
    "scopes",
    "when",
];

/// Reads `rules`.
pub(super) fn rules(reader: &mut Reader) -> Vec<Rule> {
    let Some(Item { value: Value::List(items), .. }) = reader.item(&keys::RULES).cloned() else {
        return Vec::new();
    };
    let mut earlier: Vec<Rule> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Value::Table(members) = item.value else {
            continue;
        };
        let mut report = |place: Place, wrong: Wrong| {
            reader.problem_within(&keys::RULES, &format!("rule {}", index + 1), place, wrong);
        };
        let Some(rule) = rule(members, &item.place, &mut report) else {
            continue;
        };
        for wrong in never_reached(&earlier, &rule) {
            report(item.place.clone(), wrong);
        }
        earlier.push(rule);
    }
    earlier
}

/// One rule; every member is read even when an earlier one is wrong.
fn rule(members: Vec<(Member, Item)>, place: &Place, report: &mut impl FnMut(Place, Wrong)) -> Option<Rule> {
    let mut rule = Rule::default();
    let mut is_right = true;
    for (member, item) in members {
        match with_member(rule.clone(), &member, item) {
            Ok(with) => rule = with,
            Err((place, wrong)) => {
                is_right = false;
                report(place, wrong);
            }
        }
    }
    if is_right && rule.is_empty() {
        let hint = "add tools, prompts, resources or methods; tools = [\"*\"] names every tool";
        report(place.clone(), Wrong::new("names nothing", hint));
        is_right = false;
    }
    if let Some(pattern) = rule.without_arguments() {
        let what =
            format!("`{}` has no arguments, and `when` reads args: it never holds", printable(pattern));
        report(place.clone(), Wrong::new(what, "put resources and other methods into a rule without `when`"));
        is_right = false;
    }
    is_right.then_some(rule)
}

fn with_member(rule: Rule, member: &Member, item: Item) -> Result<Rule, (Place, Wrong)> {
    let name = member.name.as_str();
    if !PARTS_OF_A_RULE.contains(&name) {
        let hint = nearest(name, PARTS_OF_A_RULE).map_or_else(
            || format!("a rule has {}", PARTS_OF_A_RULE.join(", ")),
            |meant| format!("did you mean {meant}?"),
        );
        let wrong = Wrong::new(format!("`{}` is not part of a rule", printable(name)), hint);
        return Err((member.place.clone(), wrong));
    }
    if name == "when" {
        let place = item.place.clone();
        return condition(item).map(|condition| rule.when(condition)).map_err(|wrong| (place, wrong));
    }
    let list = list_of_names(name, item)?;
    with_list(rule, name, list).map_err(|wrong| (member.place.clone(), wrong))
}

fn condition(item: Item) -> Result<Condition, Wrong> {
    let Value::Text(text) = item.value else {
        let what = format!("when must be a string, not {}", item.value.type_name());
        return Err(Wrong::new(what, "write when = \"args.amount < 1000\""));
    };
    Condition::parse(&text).map_err(|ConditionError { line, column, what, hint, .. }| {
        let at =
            if line > 1 { format!("line {line}, character {column}") } else { format!("character {column}") };
        Wrong::new(format!("when is no condition: at {at}, {}", printable(&what)), hint)
    })
}

fn with_list(rule: Rule, name: &str, list: Vec<String>) -> Result<Rule, Wrong> {
    Ok(match name {
        "tools" => rule.and_tools(list),
        "prompts" => rule.and_prompts(list),
        "resources" => rule.and_resources(list),
        "methods" => rule.and_methods(list),
        "tenants" => rule.tenants(ids(name, &list, Guid::parse)?),
        "users" if is_any(name, &list)? => rule.any_user(),
        "users" => rule.users(ids(name, &list, Guid::parse)?),
        "apps" if is_any(name, &list)? => rule.any_app(),
        "apps" => rule.apps(ids(name, &list, ClientId::parse)?),
        "clients" => rule.clients(list),
        "roles" => rule.roles(list),
        // A name can be taken over by whoever may create groups; an object id cannot.
        "groups" => rule.groups(ids(name, &list, Guid::parse)?.iter().map(Guid::as_str)),
        _ if list.iter().any(|scope| scope.contains('/')) => return Err(full_scope(name)),
        _ => rule.scopes(list),
    })
}

/// Whether the list is the star that stands for everybody of a kind.
fn is_any(name: &str, list: &[String]) -> Result<bool, Wrong> {
    let has_star = list.iter().any(|entry| entry == "*");
    if has_star && list.len() > 1 {
        let what = format!("{name} contains `*` and more, which `*` has already");
        return Err(Wrong::new(what, format!("write {name} = [\"*\"], or leave the star out")));
    }
    Ok(has_star)
}

fn ids<T>(
    name: &str,
    list: &[String],
    parse: impl Fn(&str) -> Result<T, RegistrationError>,
) -> Result<Vec<T>, Wrong> {
    list.iter().map(|entry| parse(entry).map_err(|_| no_id(name, entry))).collect()
}

fn no_id(name: &str, entry: &str) -> Wrong {
    let (id, hint) = match name {
        "tenants" => ("tenant id", "copy the Tenant ID from the overview of the Entra admin centre, a GUID"),
        "apps" => (
            "application id",
            "copy the Application (client) ID of the program's app registration, a GUID, or write [\"*\"] for every program",
        ),
        "users" => (
            "object id",
            "copy the Object ID of the user from the Entra admin centre, a GUID, or write [\"*\"] for every user; names and addresses can change hands",
        ),
        _ => (
            "object id",
            "copy the Object ID of the group from the Entra admin centre, a GUID; names are not unique",
        ),
    };
    Wrong::new(format!("{name} contains `{}`, which is no {id}", printable(entry)), hint)
}

/// A list of strings, none of them empty.
fn list_of_names(name: &str, item: Item) -> Result<Vec<String>, (Place, Wrong)> {
    let hint = format!("write {name} = [\"…\"]");
    let Value::List(items) = item.value else {
        let what = format!("{name} must be a list of strings, not {}", item.value.type_name());
        return Err((item.place, Wrong::new(what, hint)));
    };
    if items.is_empty() {
        return Err((
            item.place,
            Wrong::new(format!("{name} is an empty list"), "remove it, or name something"),
        ));
    }
    items
        .into_iter()
        .map(|entry| match entry.value {
            Value::Text(text) if !text.trim().is_empty() => Ok(text),
            Value::Text(_) => {
                Err((entry.place, Wrong::new(format!("{name} contains an empty string"), hint.clone())))
            }
            other => {
                let what = format!("{name} must be a list of strings, and contains {}", other.type_name());
                Err((entry.place, Wrong::new(what, hint.clone())))
            }
        })
        .collect()
}

fn full_scope(name: &str) -> Wrong {
    Wrong::new(
        format!("{name} must be short names"),
        "write the scope without the Application ID URI, such as access; `scp` in a token has short names",
    )
}

/// The parts of a rule that an earlier one decides already. The operator believes in a guard that is not there,
/// so this is no warning.
fn never_reached(earlier: &[Rule], rule: &Rule) -> Vec<Wrong> {
    let wrong = |shadow: Shadow| {
        let Shadow { kind, pattern, by, .. } = shadow;
        let pattern = printable(&pattern);
        Wrong::new(
            format!("{kind} `{pattern}` is never reached: rule {} comes first and names it too", by + 1),
            "put the narrower rule first; the first rule that names a call decides",
        )
    };
    let unmatched = |pattern: &str| {
        Wrong::new(
            format!("resources `{}` matches nothing: such a URI is always refused", printable(pattern)),
            "write it without the segments . and .., backslashes and control characters",
        )
    };
    let unmatched = rule.unreachable_resources().map(unmatched);
    rule.shadows(earlier).into_iter().map(wrong).chain(unmatched).collect()
}

/// Reads `scope_implies`.
pub(super) fn scope_implies(reader: &mut Reader) -> Vec<(String, Vec<String>)> {
    let Some(Item { value: Value::Table(members), .. }) = reader.item(&keys::SCOPE_IMPLIES).cloned() else {
        return Vec::new();
    };
    let mut implied = Vec::new();
    for (member, item) in members {
        if member.name.trim().is_empty() {
            let wrong = Wrong::new("a name is empty", "name the wider scope");
            reader.problem_within(&keys::SCOPE_IMPLIES, "scope_implies", member.place, wrong);
            continue;
        }
        match list_of_names(&member.name, item) {
            Ok(list) if list.iter().chain([&member.name]).any(|scope| scope.contains('/')) => {
                let wrong = full_scope(&member.name);
                reader.problem_within(&keys::SCOPE_IMPLIES, "scope_implies", member.place, wrong);
            }
            Ok(list) => implied.push((member.name, list)),
            Err((place, wrong)) => reader.problem_within(&keys::SCOPE_IMPLIES, "scope_implies", place, wrong),
        }
    }
    implied
}
