//! `[[rules]]` and `[scope_implies]`: who may call what.

use std::collections::BTreeMap;

use entragate::policy::glob::Glob;
use entragate::{ClientId, Rule};

use super::item::{Item, Member, Value};
use super::keys;
use super::nearest::nearest;
use super::problems::Place;
use super::reader::{Reader, Wrong, printable};

/// What a rule can name, and the JSON-RPC methods that use such a name.
const TARGETS: [(&str, &[&str]); 4] = [
    ("tools", &["tools/call"]),
    ("prompts", &["prompts/get"]),
    ("resources", &["resources/read", "resources/subscribe", "resources/unsubscribe"]),
    ("methods", &[]),
];
/// Everything that a rule can consist of.
pub(super) const PARTS_OF_A_RULE: [&str; 7] =
    ["tools", "prompts", "resources", "methods", "roles", "groups", "scopes"];

/// A rule as it was written.
struct Written {
    lists: BTreeMap<String, Vec<String>>,
    place: Place,
}

impl Written {
    fn list(&self, member: &str) -> &[String] {
        self.lists.get(member).map_or(&[], Vec::as_slice)
    }

    fn to_rule(&self) -> Rule {
        let owned = |member| self.list(member).iter().cloned();
        Rule::tools(owned("tools"))
            .and_prompts(owned("prompts"))
            .and_resources(owned("resources"))
            .and_methods(owned("methods"))
            .roles(owned("roles"))
            .groups(owned("groups"))
            .scopes(owned("scopes"))
    }
}

/// Reads `rules`.
pub(super) fn rules(reader: &mut Reader) -> Vec<Rule> {
    let Some(Item { value: Value::List(items), .. }) = reader.item(&keys::RULES).cloned() else {
        return Vec::new();
    };
    let mut earlier: Vec<Written> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Value::Table(members) = item.value else {
            continue;
        };
        let mut report = |place: Place, wrong: Wrong| {
            reader.problem_within(&keys::RULES, &format!("rule {}", index + 1), place, wrong);
        };
        let Some(written) = written(members, item.place, &mut report) else {
            continue;
        };
        for wrong in never_reached(&earlier, &written) {
            report(written.place.clone(), wrong);
        }
        earlier.push(written);
    }
    earlier.iter().map(Written::to_rule).collect()
}

fn written(
    members: Vec<(Member, Item)>,
    place: Place,
    report: &mut impl FnMut(Place, Wrong),
) -> Option<Written> {
    let mut lists = BTreeMap::new();
    let mut is_right = true;
    for (member, item) in members {
        match strings(&member, item) {
            Ok(list) => drop(lists.insert(member.name, list)),
            Err((place, wrong)) => {
                is_right = false;
                report(place, wrong);
            }
        }
    }
    let written = Written { lists, place };
    if is_right && written.to_rule().is_empty() {
        let hint = "add tools, prompts, resources or methods; tools = [\"*\"] names every tool";
        report(written.place.clone(), Wrong::new("names nothing", hint));
        is_right = false;
    }
    is_right.then_some(written)
}

fn strings(member: &Member, item: Item) -> Result<Vec<String>, (Place, Wrong)> {
    let name = member.name.as_str();
    if !PARTS_OF_A_RULE.contains(&name) {
        let hint = nearest(name, PARTS_OF_A_RULE).map_or_else(
            || format!("a rule has {}", PARTS_OF_A_RULE.join(", ")),
            |meant| format!("did you mean {meant}?"),
        );
        let wrong = Wrong::new(format!("`{}` is not part of a rule", printable(name)), hint);
        return Err((member.place.clone(), wrong));
    }
    let is_scope = name == "scopes";
    list_of_names(name, item).and_then(|list| {
        match list.iter().find(|entry| is_scope && entry.contains('/')) {
            Some(_) => Err((member.place.clone(), full_scope(name))),
            // A name can be taken over by whoever may create groups; an object id cannot.
            None => match list.iter().find(|entry| name == "groups" && ClientId::parse(entry).is_err()) {
                Some(entry) => Err((member.place.clone(), no_object_id(entry))),
                None => Ok(list),
            },
        }
    })
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

fn no_object_id(entry: &str) -> Wrong {
    Wrong::new(
        format!("groups contains `{}`, which is no object id", printable(entry)),
        "copy the Object ID of the group from the Entra admin centre, a GUID; names are not unique",
    )
}

fn full_scope(name: &str) -> Wrong {
    Wrong::new(
        format!("{name} must be short names"),
        "write the scope without the Application ID URI, such as access; `scp` in a token has short names",
    )
}

/// The parts of a rule that an earlier one decides already. The operator believes in a guard that is not there,
/// so this is no warning.
fn never_reached(earlier: &[Written], rule: &Written) -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    for (target, methods) in TARGETS {
        for pattern in rule.list(target) {
            let covering = earlier.iter().position(|before| {
                // A `*` of the later pattern can only be matched by a `*` of the earlier one, so matching the
                // pattern's text is matching everything that the pattern matches.
                let covers = |glob: &String, text: &str| Glob::new(glob.as_str()).matches(text);
                before.list(target).iter().any(|glob| covers(glob, pattern))
                    || (!methods.is_empty()
                        && methods
                            .iter()
                            .all(|method| before.list("methods").iter().any(|glob| covers(glob, method))))
            });
            if let Some(index) = covering {
                wrongs.push(Wrong::new(
                    format!(
                        "{target} `{}` is never reached: rule {} comes first and names it too",
                        printable(pattern),
                        index + 1
                    ),
                    "put the narrower rule first; the first rule that names a call decides",
                ));
            }
        }
    }
    wrongs
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
