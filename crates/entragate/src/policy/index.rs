//! Which rule names a call: the first one that does, found without asking each of a thousand.

use std::collections::{BTreeSet, HashMap};

use super::call::Call;
use super::glob::Glob;
use super::rule::{Rule, USES_OF_RESOURCES};
use super::uri;

/// The rules' names, by what they are names of.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    methods: Names,
    tools: Names,
    prompts: Names,
    resources: Names,
    /// The same as careless readers of URIs take them ([`uri::loose`]).
    resources_loosely: Names,
}

/// Names with the place of the first rule that has them.
#[derive(Debug, Clone, Default)]
struct Names {
    exact: HashMap<String, usize>,
    /// By what is in front of their first star; those of one beginning in the order of the rules.
    patterns: HashMap<String, Vec<(Glob, usize)>>,
    /// How long these beginnings are: each once, and a handful.
    lengths: BTreeSet<usize>,
}

impl Index {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            let Self { methods, tools, prompts, resources, resources_loosely } = &mut index;
            for (names, globs) in [tools, prompts, &mut *resources, methods].into_iter().zip(rule.globs()) {
                globs.1.iter().for_each(|glob| names.add(glob, at));
            }
            for pattern in rule.resources_named().map(Glob::as_str) {
                uri::normal_patterns(pattern).for_each(|form| resources.add(&Glob::new(form), at));
                for form in uri::loose_patterns(pattern) {
                    resources_loosely.add(&Glob::new(form), at);
                }
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

    /// Whether the use of a resource is named by the rule that `first` found, however the URI is read: by no other in its
    /// normal form, and by no earlier one if it is read loosely. So a guard guards in every spelling.
    pub(super) fn reads_alike(&self, call: &Call, uri: &str, first: Option<usize>) -> bool {
        let by_method = self.methods.first(call.method());
        let at = |names: &Names, uri: &str| by_method.into_iter().chain(names.first(uri)).min();
        let normal = uri::normal(uri);
        if *normal != *uri && at(&self.resources, &normal) != first {
            return false;
        }
        // Before the first rule there is none that could guard.
        first.is_none_or(|first| first == 0)
            || uri::loose(uri).is_some_and(|all| {
                all.iter()
                    .map(|loose| at(&self.resources_loosely, loose))
                    .all(|guard| guard.is_none() || guard >= first)
            })
    }
}

impl Names {
    fn add(&mut self, glob: &Glob, at: usize) {
        if let Some(beginning) = glob.beginning() {
            self.lengths.insert(beginning.len());
            self.patterns.entry(beginning.to_owned()).or_default().push((glob.clone(), at));
        } else {
            self.exact.entry(glob.as_str().to_owned()).or_insert(at);
        }
    }

    fn first(&self, name: &str) -> Option<usize> {
        let mut first = self.exact.get(name).copied();
        for beginning in self.lengths.iter().filter_map(|length| name.get(..*length)) {
            let patterns = self.patterns.get(beginning).into_iter().flatten();
            let mut earlier = patterns.take_while(|(_, at)| first.is_none_or(|first| *at < first));
            if let Some((_, at)) = earlier.find(|(glob, _)| glob.matches(name)) {
                first = Some(*at);
            }
        }
        first
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

    #[test]
    fn a_beginning_that_ends_inside_a_character_stops_nothing() {
        let rules = ["aé_*", "ab*", "*"].map(|tools| Rule::tools([tools]));
        let index = Index::new(&rules);
        for (tool, at) in [("aé_x", 0), ("abé", 1), ("é", 2), ("", 2)] {
            assert_eq!(index.first(&Call::probe("tools/call", tool)), Some(at), "{tool}");
        }
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
