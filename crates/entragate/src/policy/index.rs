//! Which rule names a call: the first one that does, found without asking each of a thousand.

use std::collections::HashMap;

use super::call::Call;
use super::glob::Glob;
use super::rule::{Rule, USES_OF_RESOURCES};

/// The rules' names, by what they are names of.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    methods: Names,
    tools: Names,
    prompts: Names,
    resources: Names,
}

/// Names with the place of the first rule that has them.
#[derive(Debug, Clone, Default)]
struct Names {
    exact: HashMap<String, usize>,
    /// In the order of the rules.
    patterns: Vec<(Glob, usize)>,
}

impl Index {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            let Self { methods, tools, prompts, resources } = &mut index;
            for (names, globs) in [tools, prompts, resources, methods].into_iter().zip(rule.globs()) {
                names.add(globs.1, at);
            }
        }
        index
    }

    /// The place of the first rule that names the call.
    pub(super) fn first(&self, call: &Call) -> Option<usize> {
        let by_method = self.methods.first(call.method());
        let by_target = call.target().and_then(|target| match call.method() {
            "tools/call" => self.tools.first(target),
            "prompts/get" => self.prompts.first(target),
            method if USES_OF_RESOURCES.contains(&method) => self.resources.first(target),
            _ => None,
        });
        by_method.into_iter().chain(by_target).min()
    }
}

impl Names {
    fn add(&mut self, globs: &[Glob], at: usize) {
        for glob in globs {
            if glob.is_exact() {
                self.exact.entry(glob.as_str().to_owned()).or_insert(at);
            } else {
                self.patterns.push((glob.clone(), at));
            }
        }
    }

    fn first(&self, name: &str) -> Option<usize> {
        let exact = self.exact.get(name).copied();
        let earlier = self.patterns.iter().take_while(|(_, at)| exact.is_none_or(|exact| *at < exact));
        earlier.into_iter().find(|(glob, _)| glob.matches(name)).map(|(_, at)| *at).or(exact)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(rule: &Rule, call: &Call) -> bool {
        rule.globs().iter().any(|(methods, globs)| {
            let name = if methods.is_empty() {
                Some(call.method())
            } else {
                call.target().filter(|_| methods.contains(&call.method()))
            };
            name.is_some_and(|name| globs.iter().any(|glob| glob.matches(name)))
        })
    }

    proptest! {
        #[test]
        fn finds_the_rule_that_asking_one_after_the_other_finds(
            rules in prop::collection::vec(
                (prop::collection::vec("[ab*]{1,3}", 0..3), prop::collection::vec("(tools|prompts)/[cg*]{1,2}", 0..2)),
                0..6,
            ),
            name in "[ab]{1,3}",
        ) {
            let rules: Vec<Rule> = rules
                .into_iter()
                .map(|(names, methods)| Rule::tools(names.clone()).and_prompts(names).and_methods(methods))
                .collect();
            for method in ["tools/call", "prompts/get", "resources/read", "ping"] {
                let call = Call::probe(method, &name);
                let asked = rules.iter().position(|rule| names(rule, &call));
                prop_assert_eq!(Index::new(&rules).first(&call), asked);
            }
        }
    }
}
