//! What of a rule earlier ones decide already: a guard in that place guards nothing.

use super::glob::Glob;
use super::rule::Rule;

/// A pattern of a rule that is never asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shadow {
    /// What it is a pattern of: `tools`, `prompts`, `resources` or `methods`.
    pub kind: &'static str,
    /// As written.
    pub pattern: String,
    /// The place of the earlier rule that leaves nothing to decide, counted from zero.
    pub by: usize,
}

impl Rule {
    /// The patterns that one of the earlier rules names too, so that they never decide.
    pub fn shadows(&self, earlier: &[Self]) -> Vec<Shadow> {
        const KINDS: [&str; 4] = ["tools", "prompts", "resources", "methods"];
        let mut shadows = Vec::new();
        for ((at, (methods, globs)), kind) in self.globs().into_iter().enumerate().zip(KINDS) {
            let of = |glob: &Glob| {
                let same = earlier.iter().position(|rule| {
                    rule.globs().get(at).is_some_and(|(_, wide)| covers(wide, glob.as_str()))
                });
                let by = same.or_else(|| by_methods(earlier, methods))?;
                Some(Shadow { kind, pattern: glob.as_str().to_owned(), by })
            };
            shadows.extend(globs.iter().filter_map(of));
        }
        shadows
    }

    /// Whether each of its patterns is named by one of the earlier rules, so that it never decides.
    pub(crate) fn is_never_asked(&self, earlier: &[Self]) -> bool {
        self.shadows(earlier).len() == self.patterns().len()
    }
}

/// A pattern that matches the other one's text, stars included, matches all that the other one does: its own text has no
/// star, so stars are matched by stars.
fn covers(wide: &[Glob], text: &str) -> bool {
    wide.iter().any(|glob| glob.matches(text))
}

/// The rule with which all these methods are named, so that what they act on is decided.
fn by_methods(earlier: &[Rule], methods: &[&str]) -> Option<usize> {
    let named = |method: &&str| {
        earlier
            .iter()
            .position(|rule| rule.globs().iter().any(|(of, globs)| of.is_empty() && covers(globs, method)))
    };
    let rules: Option<Vec<usize>> = methods.iter().map(named).collect();
    rules?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_earlier_ones_name_whole_is_never_asked() {
        let is_dead = |rule: Rule, earlier: &[Rule]| rule.is_never_asked(earlier);
        assert!(is_dead(Rule::tools(["whoami", "admin_*"]), &[Rule::tools(["*"])]));
        assert!(is_dead(Rule::tools(["a_*_b"]), &[Rule::tools(["a_*"])]));
        assert!(is_dead(
            Rule::tools(["a", "b"]),
            &[Rule::tools(["a"]), Rule::methods(["tools/call"]), Rule::default()]
        ));
        assert!(is_dead(Rule::resources(["file:*"]), &[Rule::methods(["resources/*"])]));
        assert!(is_dead(
            Rule::resources(["file:*"]),
            &[Rule::methods(["resources/read"]), Rule::methods(["resources/*subscribe"])]
        ));
        assert!(is_dead(Rule::methods(["x/y"]), &[Rule::methods(["x/*"])]));
        assert!(!is_dead(Rule::tools(["*"]), &[Rule::tools(["admin_*"]), Rule::prompts(["*"])]));
        assert!(!is_dead(Rule::tools(["a*"]), &[Rule::tools(["a*b"])]));
        assert!(!is_dead(Rule::tools(["a"]).and_prompts(["p"]), &[Rule::tools(["*"])]));
        assert!(!is_dead(Rule::resources(["file:*"]), &[Rule::methods(["resources/read"])]));
        assert!(!is_dead(Rule::tools(["a"]), &[]));
    }

    #[test]
    fn a_shadow_says_what_is_dead_and_which_rule_decides_instead() {
        let earlier = [Rule::tools(["x"]), Rule::tools(["a_*"]), Rule::methods(["prompts/*"])];
        let shadows = Rule::tools(["a_1", "b"]).and_prompts(["p"]).shadows(&earlier);
        let shadow = |kind, pattern: &str, by| Shadow { kind, pattern: pattern.to_owned(), by };
        assert_eq!(shadows, [shadow("tools", "a_1", 1), shadow("prompts", "p", 2)]);
    }
}
