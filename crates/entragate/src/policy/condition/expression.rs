//! A condition: compiled once, evaluated for each call that its rule decides about.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, ExecutionError, IdedExpr, Value};

use super::arguments;
use super::check::{Checked, ConditionError, checked};
use super::unmet::{Unmet, Why};
use crate::policy::call::Arguments;
use crate::principal::{Kind, Principal};

/// The functions of the language, the same for every expression; nothing is ever changed in it.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A condition on the arguments of a call and on its caller, in CEL.
///
/// `args` has the arguments by name; `caller` has `kind` (`"user"` or `"app"`), `tenant`, `id` (the object id), `client`
/// and `roles`. Scopes and groups are not in it: a rule asks for them by itself, and then the client is sent to sign in
/// again, or Microsoft Graph is asked.
///
/// ```
/// use entragate::{Condition, Rule};
/// let small = Condition::parse("args.amount < 1000 || 'Approver' in caller.roles")?;
/// let rule = Rule::tools(["transfer"]).when(small);
/// # Ok::<(), entragate::ConditionError>(())
/// ```
#[derive(Clone)]
pub struct Condition(Arc<Checked>);

impl Condition {
    /// Compiles an expression. Refused is what is no CEL, what reads something that there is not, and what could take
    /// long.
    pub fn parse(source: &str) -> Result<Self, ConditionError> {
        checked(source, &LANGUAGE).map(|checked| Self(Arc::new(checked)))
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Whether it says anything about the arguments of a call.
    pub fn reads_arguments(&self) -> bool {
        self.0.reads.arguments()
    }

    /// Whether it holds. Of a call that nobody has made yet, only what it says about the caller alone is looked at.
    pub(crate) fn judge(&self, who: &Principal, arguments: &Arguments) -> Result<(), Unmet> {
        let judged = match arguments {
            _ if !self.reads_arguments() => self.evaluate(&self.0.whole, who, None),
            Arguments::Unknown => {
                self.0.of_the_caller.iter().try_for_each(|part| self.evaluate(part, who, None))
            }
            Arguments::NotRead => {
                Err(Why::Unreadable("too many calls with conditions in one message".to_owned()))
            }
            Arguments::Absent => self.evaluate(&self.0.whole, who, Some(arguments::none())),
            Arguments::Given(text) => arguments::read(text.get(), &self.0.reads)
                .map_err(Why::Unreadable)
                .and_then(|args| self.evaluate(&self.0.whole, who, Some(args))),
        };
        judged.map_err(|why| Unmet { condition: self.source().to_owned(), why })
    }

    fn evaluate(&self, expression: &IdedExpr, who: &Principal, args: Option<Value>) -> Result<(), Why> {
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        if self.0.reads.caller {
            context.add_variable_from_value("caller", caller(who));
        }
        if let Some(args) = args {
            context.add_variable_from_value("args", args);
        }
        match context.resolve(expression) {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(Value::Bool(false)) => Err(Why::False),
            Ok(_) => Err(Why::Unclear("it is neither true nor false".to_owned())),
            Err(error) => Err(Why::Unclear(words(&error))),
        }
    }
}

/// What an expression may know about the caller: only what nobody can change about themselves.
fn caller(who: &Principal) -> Value {
    let kind = match who.kind() {
        Kind::Application => "app",
        Kind::User | Kind::Development => "user",
    };
    let roles: Vec<Value> = who.roles().iter().map(|role| Value::from(role.as_str())).collect();
    let members = [
        ("kind", Value::from(kind)),
        ("tenant", Value::from(who.tenant_id().to_ascii_lowercase())),
        ("id", Value::from(who.object_id().to_ascii_lowercase())),
        ("client", Value::from(who.client_id())),
        ("roles", Value::from(roles)),
    ];
    Value::from(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>())
}

/// The error without the values that it is about: they are the caller's, and the text is logged.
fn words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("there is no `{name}`"),
        ExecutionError::NoSuchOverload(error) => error.to_string(),
        ExecutionError::IndexOutOfBounds(_) => "a list is too short".to_owned(),
        ExecutionError::Overflow(..) => "a number is too large".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        _ => "a value is of another type".to_owned(),
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source()).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Condition {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;
    use serde_json::value::RawValue;

    use super::*;
    use crate::clock::Timestamp;
    use crate::principal::Identity;

    fn who(kind: Kind, roles: &[&str]) -> Principal {
        Principal::new(Identity {
            kind,
            object_id: "AAAA".into(),
            tenant_id: "t".into(),
            client_id: "c".into(),
            username: None,
            email: None,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scopes: Vec::new(),
            groups: Vec::new(),
            groups_overage: false,
            agent_blueprint: None,
            token_id: None,
            issued_at: None,
            ends_at: Timestamp::from_unix(u64::MAX),
            expires_at: Timestamp::from_unix(u64::MAX),
        })
    }

    fn given(text: &str) -> Arguments {
        Arguments::Given(RawValue::from_string(text.to_owned()).unwrap())
    }

    fn judged(expression: &str, arguments: &Arguments) -> Result<(), Why> {
        let condition = Condition::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        condition.judge(&who(Kind::User, &["Approver"]), arguments).map_err(|unmet| unmet.why)
    }

    #[track_caller]
    fn holds(expression: &str, text: &str) -> bool {
        judged(expression, &given(text)).is_ok()
    }

    #[test]
    fn what_is_true_of_the_arguments_holds() {
        for (expression, text) in [
            ("args.amount < 1000", r#"{"amount":999}"#),
            ("args.amount < 1000", r#"{"amount":999.5,"more":[1,{"a":2}]}"#),
            ("args.amount >= -5 && args.amount <= 9007199254740991", r#"{"amount":9007199254740991}"#),
            ("args.path.startsWith('/public/') && !args.path.contains('..')", r#"{"path":"/public/x"}"#),
            ("args['a path'] == 'x'", r#"{"a path":"x"}"#),
            ("args.to in ['a', 'b']", r#"{"to":"b"}"#),
            ("args.items.all(item, item.price < 10)", r#"{"items":[{"price":1},{"price":9}]}"#),
            ("args.tags.exists(tag, tag == 'safe')", r#"{"tags":["x","safe"]}"#),
            ("!has(args.force) || args.force == false", "{}"),
            ("!has(args.force) || args.force == false", r#"{"force":false}"#),
            ("args.a == null", r#"{"a":null}"#),
            ("size(args.text) < 5", r#"{"text":"äöü"}"#),
            ("size(args) == 1", r#"{"x":1}"#),
            ("args.amount < 10 || 'Approver' in caller.roles", r#"{"amount":99}"#),
            (
                "caller.kind == 'user' && caller.tenant == 't' && caller.id == 'aaaa' && caller.client == 'c'",
                "{}",
            ),
            ("args.n == 1 ? args.m == 2 : false", r#"{"n":1,"m":2}"#),
        ] {
            assert!(
                holds(expression, text),
                "{expression} of {text}: {:?}",
                judged(expression, &given(text))
            );
        }
    }

    #[test]
    fn whatever_is_not_true_refuses() {
        for (expression, text, why) in [
            ("args.amount < 1000", r#"{"amount":1000}"#, ""),
            ("args.amount < 1000", "{}", "there is no `amount`"),
            ("args.amount < 1000", r#"{"amount":"5"}"#, "no matching overload"),
            ("args.amount < 1000", r#"{"amount":null}"#, "no matching overload"),
            ("args.amount < 1000", r#"{"amount":[1]}"#, "no matching overload"),
            ("args.amount < 1000 && args.to == 'a'", r#"{"amount":1}"#, "there is no `to`"),
            ("!(args.amount > 1000)", "{}", "there is no `amount`"),
            ("args.flag", r#"{"flag":"true"}"#, "neither true nor false"),
            ("args.list[3] == 1", r#"{"list":[1]}"#, ""),
            ("args.a.b.c == 1", r#"{"a":{"b":7}}"#, ""),
            ("args.n / args.m > 1", r#"{"n":1,"m":0}"#, "divides by zero"),
            ("args.n * args.n * args.n * args.n > 0", r#"{"n":9007199254740991}"#, "too large"),
            ("args.items.all(item, item.price < 10)", r#"{"items":[{"price":1},{}]}"#, "there is no `price`"),
            ("args.items.all(item, item < 10)", r#"{"items":7}"#, ""),
        ] {
            let unmet = judged(expression, &given(text)).expect_err(expression);
            let unmet = Unmet { condition: String::new(), why: unmet };
            assert!(unmet.detail().unwrap_or_default().contains(why), "{expression} of {text}: {unmet:?}");
        }
    }

    #[test]
    fn what_another_parser_could_read_differently_refuses() {
        for (text, why) in [
            (r#"{"amount":1,"amount":9999}"#, "there twice"),
            (r#"{"amount":1,"Amount":9999}"#, "must be written"),
            (r#"{"Amount":9999}"#, "must be written"),
            (r#"{"amount":1,"\u0061mount":9999}"#, "there twice"),
            (r#"{"amount":1,"x":1,"X":2}"#, "there twice"),
            (r#"{"amount":9007199254740993}"#, "same to every parser"),
            (r#"{"amount":-9007199254740993}"#, "same to every parser"),
            (r#"{"amount":123456789012345678901234567890}"#, "same to every parser"),
            (r#"{"amount":1e17}"#, "same to every parser"),
            (r#"{"amount":1e999}"#, "out of range"),
            ("[1]", "an object of arguments"),
            ("\"amount\"", "an object of arguments"),
        ] {
            match judged("args.amount < 99999999999999999", &given(text)) {
                Err(Why::Unreadable(found)) => assert!(found.contains(why), "{text}: {found}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in [
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":{"b":1,"B":2}}"#,
            r#"{"a":{"B":2}}"#,
            r#"{"a":{"b":"\ud800"}}"#,
        ] {
            assert!(!holds("args.a.b != 7", text), "{text}");
        }
        // What is not read is not looked at, except for its name.
        assert!(holds("args.a == 1", r#"{"a":1,"other":{"x":1,"x":2}}"#));
    }

    #[test]
    fn hostile_arguments_are_refused_before_they_are_evaluated() {
        let list = |length: usize| format!(r#"{{"a":[{}]}}"#, vec!["1"; length].join(","));
        let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let long = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length));
        for (fits, does_not) in
            [(list(900), list(1000)), (deep(15), deep(5000)), (long(60_000), long(70_000))]
        {
            assert!(holds("size(args.a) >= 0", &fits), "{}", fits.len());
            match judged("size(args.a) >= 0", &given(&does_not)) {
                Err(Why::Unreadable(_)) => {}
                other => panic!("{} bytes: {other:?}", does_not.len()),
            }
            // The same beside what is read costs nothing.
            let beside = does_not.replacen('a', "b", 1).replacen('{', r#"{"a":"","#, 1);
            assert!(holds("size(args.a) >= 0", &beside));
        }
    }

    #[test]
    fn before_the_call_is_made_only_the_caller_counts() {
        let lists = |expression: &str| judged(expression, &Arguments::Unknown).is_ok();
        assert!(lists("args.amount < 1000"));
        assert!(lists("args.amount < 1000 && 'Approver' in caller.roles"));
        assert!(lists("args.amount < 1000 || 'Admin' in caller.roles"));
        assert!(!lists("args.amount < 1000 && 'Admin' in caller.roles"));
        assert!(!lists("caller.kind == 'app'"));
        assert!(!lists("(args.a == 1 && caller.tenant == 'x') && args.b == 2"));
        // Without arguments, and where they were not read.
        assert!(judged("!has(args.force)", &Arguments::Absent).is_ok());
        assert!(judged("args.x == 1", &Arguments::Absent).is_err());
        assert!(judged("!has(args.force)", &Arguments::NotRead).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "[{}\\[\\]:,\"a0.e\\\\-]{0,40}") {
            // Most of it is no JSON, and what is not an object with `a` never holds.
            if let Ok(raw) = RawValue::from_string(text) {
                let has_a = serde_json::from_str::<Json>(raw.get()).is_ok_and(|json| json.get("a").is_some());
                prop_assert!(has_a || judged("args.a == args.a", &Arguments::Given(raw)).is_err());
            }
        }

        #[test]
        fn what_is_read_is_what_the_other_parser_reads(a in -1_000_000_i64..1_000_000, b in "[a-z]{0,5}", limit in -1_000_000_i64..1_000_000) {
            let text = serde_json::json!({ "b": b, "a": a }).to_string();
            prop_assert_eq!(holds(&format!("args.a < {limit} && args.b == '{b}'"), &text), a < limit);
        }
    }
}
