//! What an expression may consist of. It is checked before it is ever evaluated, so that evaluating is bounded: no loop
//! within a loop, nothing deep, no function that is dear. And whatever it reads has to exist.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::{Env, IdedExpr};

use crate::policy::call::folded;

/// Longest expression, in characters.
const LONGEST: usize = 1000;
/// Deepest nesting of brackets in the text, and of expressions in what it means.
const DEEPEST: (usize, usize) = (16, 48);
/// The parser is recursive and its frames are large.
const STACK: usize = 16 * 1024 * 1024;
/// What a `caller` has.
const CALLER: [&str; 5] = ["kind", "tenant", "id", "client", "roles"];
/// Functions that cost no more than their arguments are long.
const FUNCTIONS: [&str; 9] =
    ["size", "startsWith", "endsWith", "contains", "int", "double", "string", "bool", "type"];
/// Operators whose result is a truth value.
const TRUTHS: [&str; 9] = [
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::LESS,
    operators::LESS_EQUALS,
];
/// The other operators.
const OPERATORS: [&str; 10] = [
    operators::IN,
    operators::CONDITIONAL,
    operators::INDEX,
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
    operators::NOT_STRICTLY_FALSE,
];

/// Why an expression is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at line {line}, character {column}: {what}")]
#[non_exhaustive]
pub struct ConditionError {
    /// Counted from one.
    pub line: usize,
    /// Counted from one, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// An expression that may be evaluated.
pub(super) struct Checked {
    pub(super) source: String,
    pub(super) whole: IdedExpr,
    /// The parts that must hold and are about the caller alone.
    pub(super) of_the_caller: Vec<IdedExpr>,
    pub(super) reads: Reads,
}

/// What an expression looks at.
#[derive(Debug, Default, Clone)]
pub(super) struct Reads {
    pub(super) caller: bool,
    /// All arguments, whatever they are called.
    all: bool,
    /// Arguments by name.
    named: HashSet<String>,
    /// Every name of a member that is in the expression, as it is written, by how it reads without case.
    names: HashMap<String, String>,
}

impl Reads {
    pub(super) fn arguments(&self) -> bool {
        self.all || !self.named.is_empty()
    }

    pub(super) fn wants(&self, argument: &str) -> bool {
        self.all || self.named.contains(argument)
    }

    /// The name that is meant, if this is another spelling of it: a decoder that matches without case would read it.
    pub(super) fn misspelt(&self, member: &str, folded: &str) -> Option<&str> {
        self.names.get(folded).map(String::as_str).filter(|name| *name != member)
    }
}

pub(super) fn checked(source: &str, language: &Arc<Env>) -> Result<Checked, ConditionError> {
    let at_start =
        |what: String, hint: &str| ConditionError { line: 1, column: 1, what, hint: hint.to_owned() };
    if source.chars().count() > LONGEST {
        let what = format!("it has more than {LONGEST} characters");
        return Err(at_start(what, "write several rules, each with a part of it"));
    }
    if depth_of_brackets(source) > DEEPEST.0 {
        let what = format!("brackets are nested more than {} deep", DEEPEST.0);
        return Err(at_start(what, "write it flatter"));
    }
    let (language, text) = (Arc::clone(language), source.to_owned());
    let parse = move || language.compile(&text);
    // A thread of its own, because how much stack the caller's has left is not known.
    let parsed = thread::Builder::new().stack_size(STACK).spawn(parse).map(thread::JoinHandle::join);
    let Ok(Ok(parsed)) = parsed else {
        return Err(at_start("it cannot be read".to_owned(), "write it as CEL, such as args.amount < 1000"));
    };
    let program = parsed.map_err(|errors| {
        let first = errors.errors.into_iter().next();
        let (line, column, what) = first.map_or((1, 1, String::new()), |error| {
            let at = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
            (at(error.pos.0), at(error.pos.1), error.msg)
        });
        ConditionError {
            line,
            column,
            what: format!("it is no CEL: {what}"),
            hint: "strings are quoted, == compares, && and || join: args.amount < 1000 && args.to == 'x'"
                .to_owned(),
        }
    })?;
    let mut walk =
        Walk { source: program.source_info(), reads: Reads::default(), scope: Vec::new(), depth: 0 };
    walk.expression(program.expression())?;
    walk.truth(program.expression())?;
    let reads = walk.reads;
    let of_the_caller = conjuncts(program.expression())
        .into_iter()
        .filter(|part| !reads_arguments(part, program.source_info()))
        .cloned()
        .collect();
    Ok(Checked { source: source.to_owned(), whole: program.expression().clone(), of_the_caller, reads })
}

fn depth_of_brackets(source: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for character in source.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The parts that `&&` joins.
fn conjuncts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
            call.args.iter().flat_map(conjuncts).collect()
        }
        _ => vec![expression],
    }
}

/// Whether it is a number, or nothing.
fn is_number(part: &IdedExpr) -> bool {
    const ARITHMETIC: [&str; 5] =
        [operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::MODULO, operators::NEGATE];
    match &part.expr {
        Expr::Literal(literal) => {
            matches!(literal, LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_))
        }
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            ARITHMETIC.contains(&name)
                || ["size", "int", "double"].contains(&name)
                || (name == operators::ADD && call.args.iter().any(is_number))
        }
        _ => false,
    }
}

fn reads_arguments(part: &IdedExpr, source: &SourceInfo) -> bool {
    let mut walk = Walk { source, reads: Reads::default(), scope: Vec::new(), depth: 0 };
    // It was walked before, as a part of the whole.
    walk.expression(part).is_err() || walk.reads.arguments()
}

/// Looks at every part of an expression.
struct Walk<'a> {
    source: &'a SourceInfo,
    reads: Reads,
    /// The variables of the loop that it is in.
    scope: Vec<&'a str>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn expression(&mut self, part: &'a IdedExpr) -> Result<(), ConditionError> {
        self.depth += 1;
        if self.depth > DEEPEST.1 {
            return Err(self.error(
                part,
                "it is nested too deep",
                "write several rules, each with a part of it",
            ));
        }
        self.kind_of_expression(part)?;
        self.depth -= 1;
        Ok(())
    }

    fn kind_of_expression(&mut self, part: &'a IdedExpr) -> Result<(), ConditionError> {
        match &part.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => return self.name(part, name),
            Expr::Select(select) => {
                self.remember(&select.field);
                return match &select.operand.expr {
                    Expr::Ident(name) if name == "caller" && !self.is_variable(name) => {
                        self.of_caller(part, &select.field)
                    }
                    Expr::Ident(name) if name == "args" && !self.is_variable(name) => {
                        self.reads.named.insert(select.field.clone());
                        Ok(())
                    }
                    _ => self.expression(&select.operand),
                };
            }
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                if !TRUTHS.contains(&name) && !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
                    let what = format!("there is no function `{name}` here");
                    let hint = format!("a condition can call {}", FUNCTIONS.join(", "));
                    return Err(self.error(part, what, hint));
                }
                if name == operators::INDEX
                    && let [of, index] = call.args.as_slice()
                    && let (Expr::Ident(args), Expr::Literal(LiteralValue::String(name))) =
                        (&of.expr, &index.expr)
                    && args == "args"
                    && !self.is_variable(args)
                {
                    self.reads.named.insert(name.inner().to_owned());
                    return self.expression(index);
                }
                if name == operators::ADD && !self.scope.is_empty() && !self.adds_numbers(&call.args) {
                    let hint = "begin with a number, as in 0 + x.net + x.tax";
                    return Err(self.error(part, "in a loop, + is for numbers only", hint));
                }
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    self.expression(part)?;
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.expression(element)?;
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return Err(self.unsupported(part));
                    };
                    self.expression(&entry.key)?;
                    self.expression(&entry.value)?;
                }
            }
            Expr::Comprehension(comprehension) => return self.comprehension(part, comprehension),
            Expr::Struct(_) | Expr::Unspecified => return Err(self.unsupported(part)),
        }
        Ok(())
    }

    /// `all`, `exists`, `exists_one`, `map` and `filter`. One in another would take the square of what one takes.
    fn comprehension(
        &mut self,
        part: &'a IdedExpr,
        comprehension: &'a ComprehensionExpr,
    ) -> Result<(), ConditionError> {
        if !self.scope.is_empty() {
            let hint = "look at one list at a time";
            return Err(self.error(part, "there is a loop within a loop", hint));
        }
        self.expression(&comprehension.iter_range)?;
        let variables = [Some(&comprehension.iter_var), comprehension.iter_var2.as_ref()];
        for name in variables.into_iter().flatten() {
            if ["args", "caller"].contains(&name.as_str()) {
                let what = format!("`{name}` is taken, and names no element of a list");
                return Err(self.error(part, what, "give the element another name"));
            }
            self.scope.push(name);
        }
        self.scope.push(&comprehension.accu_var);
        for part in [
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ] {
            self.expression(part)?;
        }
        self.scope.clear();
        Ok(())
    }

    /// Texts and lists that are joined for each element of a list would take its length times theirs. Whatever is added to a
    /// number must be one. What a loop itself collects has a name that nobody can write.
    fn adds_numbers(&self, parts: &[IdedExpr]) -> bool {
        let is_collected = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if name.starts_with('@') && self.is_variable(name));
        parts.first().is_some_and(is_collected) || parts.iter().any(is_number)
    }

    fn literal(&mut self, literal: &'a LiteralValue) {
        // It may be compared with a member's name.
        if let LiteralValue::String(text) = literal {
            self.remember(text.inner());
        }
    }

    fn name(&mut self, part: &IdedExpr, name: &str) -> Result<(), ConditionError> {
        if self.is_variable(name) {
            return Ok(());
        }
        match name {
            "args" => {
                self.reads.all = true;
                Ok(())
            }
            "caller" => {
                let hint = format!("write caller.{}", CALLER.join(", caller."));
                Err(self.error(part, "`caller` is no value by itself", hint))
            }
            "int" | "double" | "string" | "bool" | "list" | "map" | "null_type" => Ok(()),
            _ => {
                let hint = format!("a condition reads args.NAME and caller.{}", CALLER.join(", caller."));
                Err(self.error(part, format!("there is no `{name}` here"), hint))
            }
        }
    }

    fn of_caller(&mut self, part: &IdedExpr, member: &str) -> Result<(), ConditionError> {
        if !CALLER.contains(&member) {
            let hint = match member {
                "scopes" | "groups" => format!("ask for {member} with the rule's own `{member}`"),
                _ => format!(
                    "there are caller.{}; names and addresses can change hands",
                    CALLER.join(", caller.")
                ),
            };
            return Err(self.error(part, format!("`caller` has no `{member}`"), hint));
        }
        self.reads.caller = true;
        Ok(())
    }

    /// Whether the whole can be true at all.
    fn truth(&self, whole: &IdedExpr) -> Result<(), ConditionError> {
        let may_be = match &whole.expr {
            Expr::Literal(literal) => matches!(literal, LiteralValue::Boolean(_)),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                TRUTHS.contains(&name)
                    || [operators::IN, operators::CONDITIONAL, operators::INDEX].contains(&name)
                    || ["startsWith", "endsWith", "contains", "bool"].contains(&name)
            }
            Expr::Select(_) | Expr::Comprehension(_) => true,
            _ => false,
        };
        let hint = "compare with something: args.amount < 1000, args.to in ['a', 'b']";
        if may_be { Ok(()) } else { Err(self.error(whole, "it is neither true nor false", hint)) }
    }

    fn remember(&mut self, name: &str) {
        self.reads.names.insert(folded(name), name.to_owned());
    }

    fn is_variable(&self, name: &str) -> bool {
        self.scope.contains(&name)
    }

    fn unsupported(&self, part: &IdedExpr) -> ConditionError {
        self.error(part, "this is no part of a condition", "compare arguments with values")
    }

    fn error(&self, part: &IdedExpr, what: impl Into<String>, hint: impl Into<String>) -> ConditionError {
        let offset = self.source.offset_for(part.id).map_or(0, |(start, _)| start);
        let offset = usize::try_from(offset).unwrap_or_default();
        let before: String = self.source.source.chars().take(offset).collect();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConditionError { line, column, what: what.into(), hint: hint.into() }
    }
}

#[cfg(test)]
mod tests {
    use crate::Condition;

    #[test]
    fn a_wrong_expression_is_refused_with_its_place_and_the_fix() {
        for (source, place, what, hint) in [
            ("args.amount <", (1, 14), "it is no CEL", "== compares"),
            ("args.amount = 5", (1, 13), "it is no CEL", "== compares"),
            ("", (1, 1), "it is no CEL", "&& and || join"),
            ("arg.amount < 1", (1, 1), "there is no `arg` here", "reads args.NAME"),
            ("true &&\n  arg.amount < 1", (2, 3), "there is no `arg` here", "reads args.NAME"),
            ("caller.email == 'x'", (1, 1), "`caller` has no `email`", "can change hands"),
            ("'write' in caller.scopes", (1, 1), "`caller` has no `scopes`", "the rule's own `scopes`"),
            ("caller == 'x'", (1, 1), "`caller` is no value by itself", "caller.tenant"),
            ("args.a.matches('(a*)*')", (1, 1), "there is no function `matches`", "startsWith"),
            ("now() > 1", (1, 1), "there is no function `now`", "a condition can call size"),
            ("args.amount + 1", (1, 1), "neither true nor false", "args.amount < 1000"),
            ("'yes'", (1, 1), "neither true nor false", "compare"),
            ("[true]", (1, 1), "neither true nor false", "compare"),
            ("args.a.all(x, x.all(y, y > 0))", (1, 1), "a loop within a loop", "one list at a time"),
            ("args.a.map(x, x + args.b).size() < 9", (1, 15), "+ is for numbers only", "begin with a number"),
            ("args.a.all(x, [x] + [x] == x)", (1, 15), "+ is for numbers only", "begin with a number"),
            ("args.a.all(args, true)", (1, 1), "`args` is taken", "another name"),
            ("Thing{a: 1} == 1", (1, 1), "no part of a condition", "compare arguments"),
        ] {
            let error = Condition::parse(source).map(drop).expect_err(source);
            assert!(error.what.contains(what), "{source}: {error}");
            assert!(error.hint.contains(hint), "{source}: {}", error.hint);
            assert!(error.line == place.0 && error.column >= place.1, "{source}: {error}");
        }
    }

    #[test]
    fn a_loop_may_add_numbers_and_collect() {
        for source in [
            "args.a.all(x, 0 + x.net + x.tax < 10)",
            "args.a.all(x, x.net * 2 + x.tax < 10)",
            "args.a.map(x, x.id).size() < 10",
            "args.a.filter(x, x > 1).size() < 10",
            "args.a.exists_one(x, x == 1)",
            "args.a + args.b == 'ab'",
        ] {
            assert!(Condition::parse(source).is_ok(), "{source}: {:?}", Condition::parse(source).map(drop));
        }
    }

    #[test]
    fn an_expression_that_could_take_long_to_read_is_refused() {
        for (source, what) in [
            (format!("args.a == '{}'", "x".repeat(1000)), "more than 1000 characters"),
            (format!("{}args.a{} == 1", "(".repeat(17), ")".repeat(17)), "nested more than 16 deep"),
            (vec!["args.a"; 60].join(" + ") + " > 1", "nested too deep"),
            ("[".repeat(400), "nested more than 16 deep"),
        ] {
            let error = Condition::parse(&source).map(drop).expect_err(what);
            assert!(error.what.contains(what), "{error}");
        }
    }
}
