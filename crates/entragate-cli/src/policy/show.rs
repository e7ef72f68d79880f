//! A judged call for people.

use std::fmt::Write as _;

use entragate::{DecidedBy, Decision, Rehearsal};
use owo_colors::OwoColorize as _;

use super::answer::Answer;

/// The answer as text. `place`: where the rule that decides is written.
pub(super) fn text(answer: &Answer, who: &str, place: Option<&str>) -> String {
    let mut out = String::new();
    let (head, lines) = head(answer);
    let _ = writeln!(out, "{head}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:10}  {value}");
    };
    row("caller", who);
    if let Some(Rehearsal { calls, .. }) = answer.rehearsal() {
        for call in calls {
            let target = call.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default();
            row("call", &format!("{}{target}", call.method));
            row("decided by", &decided_by(call.decided_by, place));
        }
    }
    out
}

fn head(answer: &Answer) -> (String, Vec<String>) {
    match answer {
        Answer::Judged { rehearsal, provided } => {
            let (head, lines) = judged(rehearsal);
            let provided = provided.iter().map(|provided| format!("If the token is good: {provided}"));
            (head, provided.chain(lines).collect())
        }
        Answer::Unauthorized { check, reason, remedy, .. } => {
            let lines = vec![format!("{reason} (check={check} in the log)"), remedy.clone()];
            ("✗ denied: the token is refused, 401".red().to_string(), lines)
        }
        Answer::Unjudged { reason, .. } => {
            ("? not known: the token could not be judged".yellow().to_string(), vec![reason.clone()])
        }
    }
}

fn judged(rehearsal: &Rehearsal) -> (String, Vec<String>) {
    match &rehearsal.decision {
        Decision::Allowed => ("✓ allowed".green().to_string(), Vec::new()),
        Decision::Refused { missing, text } => {
            let told = "The client gets an error inside the protocol and does not sign in again.".to_owned();
            (format!("✗ denied: {missing}").red().to_string(), vec![text.clone(), told])
        }
        Decision::StepUp { missing, scope } => {
            let told = format!(
                "The client gets 403 insufficient_scope and signs in again for {scope}. If that does not bring it, the call is denied."
            );
            (format!("✗ denied: scope {} is missing", missing.join(" ")).red().to_string(), vec![told])
        }
        Decision::Malformed { text } => {
            ("✗ denied: no message".red().to_string(), vec![format!("The client gets 400: {text}")])
        }
        Decision::AsksGraph => {
            let told = "The gateway would ask Microsoft Graph for the caller's groups.".to_owned();
            ("? not known".yellow().to_string(), vec![told])
        }
        // What a later version of the library may say.
        _ => ("? not known".yellow().to_string(), Vec::new()),
    }
}

fn decided_by(decider: DecidedBy, place: Option<&str>) -> String {
    match decider {
        DecidedBy::Rule(number) => {
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            format!("rule {number}{place}: the first that names it")
        }
        DecidedBy::NoRules => "nothing: there are no rules".to_owned(),
        DecidedBy::Protocol => "the protocol: it is open to everybody signed in".to_owned(),
        DecidedBy::NoRule => "the lack of a rule: none names it".to_owned(),
        DecidedBy::AmbiguousUri => {
            "its URI: it can be read in more than one way, and the rules do not decide about all alike"
                .to_owned()
        }
        DecidedBy::LongUri => "the length of its URI: rules judge none that long".to_owned(),
        // What a later version of the library may say.
        _ => "something else".to_owned(),
    }
}
