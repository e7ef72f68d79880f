//! Which paths MCP servers may have: plain ones, none of the gateway's own, and no two that a client could mix up.

use super::GateError;
use super::route::Route;

/// The gateway's own first path segments; an MCP server may not hide behind one of them.
const OWN: [&str; 6] = ["oauth", "authorize", "token", "register", "auth", ".well-known"];

/// Checks the paths of all routes together.
pub(super) fn check(routes: &[Route]) -> Result<(), GateError> {
    for path in routes.iter().flat_map(Route::paths) {
        check_one(path)?;
    }
    for (at, route) in routes.iter().enumerate() {
        for other in routes.iter().take(at) {
            let mut pairs = other.paths().flat_map(|theirs| route.paths().map(move |ours| (theirs, ours)));
            if let Some((theirs, ours)) = pairs.find(|(theirs, ours)| overlap(theirs, ours)) {
                return Err(GateError::Overlap(theirs.to_owned(), ours.to_owned()));
            }
        }
    }
    Ok(())
}

/// The same path, or one below the other: clients accept the metadata of a resource whose URL begins theirs.
fn overlap(one: &str, other: &str) -> bool {
    let is_below = |path: &str, top: &str| {
        let rest = path.strip_prefix(top.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_below(one, other) || is_below(other, one)
}

fn check_one(path: &str) -> Result<(), GateError> {
    let bad = || GateError::Path(path.to_owned());
    if path == "/" {
        return Ok(());
    }
    let segments = path.strip_prefix('/').ok_or_else(bad)?;
    let is_plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    if !segments.split('/').all(is_plain)
        || segments.split('/').next().is_some_and(|first| OWN.contains(&first))
    {
        return Err(bad());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_two_routes_never_overlap() {
        for (one, other) in [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("/", "/a"), ("/a", "/")] {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in [("/a", "/b"), ("/a", "/ab"), ("/a/b", "/a/c"), ("/ab", "/a")] {
            assert!(!overlap(one, other), "{one} {other}");
        }
        let routes = [Route::new("/a").also_protect("/messages"), Route::new("/b").also_protect("/messages")];
        assert!(matches!(check(&routes), Err(GateError::Overlap(..))));
        // Of one server they may.
        assert!(check(&[Route::new("/a").also_protect("/a/messages")]).is_ok());
    }
}
