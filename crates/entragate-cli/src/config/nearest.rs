//! "Did you mean …": the known name that a misspelt one is nearest to.

/// The candidate nearest to `name`, when one is near enough to be what was meant.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = fold(name);
    candidates
        .into_iter()
        .map(|candidate| {
            let folded = fold(candidate);
            let distance = if lacks_a_section(&name, &folded) { 1 } else { distance(&name, &folded) };
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 4).clamp(1, 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether `name` is `candidate` without its first part (`tenant_id` for `entra.tenant_id`) or without one in the
/// middle (`ENTRAGATE_SCOPES` for `ENTRAGATE_ENTRA_SCOPES`): one mistake, however long the part is.
fn lacks_a_section(name: &str, candidate: &str) -> bool {
    if name.is_empty() || name.len() >= candidate.len() {
        return false;
    }
    let mut heads = std::iter::once(0).chain(name.match_indices('_').map(|(at, _)| at + 1));
    heads.any(|at| {
        let (head, tail) = name.split_at(at);
        !tail.is_empty() && candidate.starts_with(head) && candidate[at..].ends_with(&format!("_{tail}"))
    })
}

/// Case and the choice of separator are no difference worth counting.
fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_a_swap_and_a_forgotten_part_are_recognised() {
        let names = [
            "ENTRAGATE_LISTEN",
            "ENTRAGATE_ADMIN_LISTEN",
            "ENTRAGATE_UPSTREAM",
            "entra.tenant_id",
            "ENTRAGATE_ENTRA_SCOPES",
            "ENTRAGATE_ALLOWED_REDIRECT_URIS",
        ];
        for (typed, meant) in [
            ("ENTRAGATE_LISTENN", Some("ENTRAGATE_LISTEN")),
            ("ENTRAGATE_LSITEN", Some("ENTRAGATE_LISTEN")),
            ("ENTRAGATE_UPSTEAM", Some("ENTRAGATE_UPSTREAM")),
            ("tenant-id", Some("entra.tenant_id")),
            ("ENTRAGATE_SCOPES", Some("ENTRAGATE_ENTRA_SCOPES")),
            ("ENTRAGATE_REDIRECT_URIS", Some("ENTRAGATE_ALLOWED_REDIRECT_URIS")),
            ("ENTRAGATE_ENTRA", None),
            ("ENTRAGATE_", None),
            ("ENTRAGATE_COLOUR", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }

    #[test]
    fn distance_counts_single_steps() {
        for (a, b, steps) in
            [("", "", 0), ("abc", "", 3), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "xabc", 1)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }
}
