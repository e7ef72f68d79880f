//! What careless readers take a URI for: each takes it apart in its own way, and decodes it when it likes.

use std::collections::BTreeSet;

use url::Url;

use super::encoding::{fully_decoded, levels};

/// A URI as one reader takes it apart, without fragment, its parts decoded and in lower case.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reading {
    /// With its colon.
    scheme: String,
    /// What may be its host, empty where it has none.
    hosts: BTreeSet<String>,
    /// Without empty segments.
    path: String,
    /// With its question mark.
    query: String,
}

/// As all of them read it, however often they decode it before they take it apart.
pub(super) fn readings(uri: &str) -> BTreeSet<Reading> {
    let written = Url::parse(uri).ok().map(String::from).filter(|written| written != uri);
    let mut all = BTreeSet::new();
    for text in written.as_deref().into_iter().chain([uri]).flat_map(levels) {
        // Some parsers read them as slashes (WHATWG URL §4.4).
        let text = text.replace('\\', "/");
        let text = text.trim();
        let others = [as_a_path(text), without_user(text)].into_iter().flatten();
        all.extend(others.map(|other| Parts::of(&other).read()));
        all.insert(Parts::of(text).read());
    }
    all
}

/// A pattern, read once: a star is as good as any host, port and user.
pub(super) fn reading_of_pattern(pattern: &str) -> Reading {
    let parts = Parts::of(pattern);
    let host = parts.host().filter(|host| !parts.is_file() || host.contains('*')).unwrap_or_default();
    let query = if parts.is_file() { "" } else { parts.query };
    Parts { query, ..parts }.with_hosts([host])
}

impl Reading {
    /// How much there is to compare, in bytes.
    pub(super) fn weight(&self) -> usize {
        let rest = self.scheme.len() + self.path.len() + self.query.len();
        self.hosts.iter().map(|host| host.len() + rest).sum()
    }

    /// As it is, with and without the slashes before its host.
    pub(super) fn spellings(&self) -> impl Iterator<Item = String> {
        self.hosts.iter().flat_map(|host| self.spelt(host, &self.path)).map(|one| one + &self.query)
    }

    /// And as whoever looks at its host, or at its path alone, takes it, with and without its query: with the path in the
    /// place of a host that is not there, and of a file the path alone.
    pub(super) fn alike(&self) -> impl Iterator<Item = String> {
        let hosts = self.hosts.iter().map(|host| (host.as_str(), self.path.as_str()));
        let is_file = self.scheme == "file:";
        let in_its_place =
            (!is_file && self.hosts.contains("")).then(|| ("", self.path.trim_start_matches('/')));
        let spelt = hosts.chain(in_its_place).flat_map(|(host, path)| self.spelt(host, path));
        let all = spelt.chain(is_file.then(|| self.path.clone()));
        all.flat_map(|one| [one.clone() + &self.query, one])
    }

    fn spelt(&self, host: &str, path: &str) -> [String; 2] {
        let slashes = if self.scheme.is_empty() { "" } else { "//" };
        [slashes, ""].map(|slashes| format!("{}{slashes}{host}{path}", self.scheme))
    }
}

/// A file's path, with whatever begins with a slash or `file:` taken for one: `//x` is `/x` to an operating system.
fn as_a_path(text: &str) -> Option<String> {
    let scheme = text.get(.."file:".len()).filter(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let path = if text.starts_with('/') { text } else { text.get(scheme?.len()..)? };
    // Three slashes behind the scheme say nothing else.
    (scheme.is_none() || !path.starts_with("///")).then(|| format!("file:///{path}"))
}

/// As whoever looks for the user before the end of the authority reads it: `db://x?@y/z` is `db://y/z`.
fn without_user(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("//")?;
    let authority = rest.split('/').next()?;
    let (_, host) = authority.rsplit_once('@').filter(|(user, _)| user.contains(['?', '#']))?;
    Some(format!("{scheme}//{host}{}", rest.get(authority.len()..)?))
}

/// A URI taken apart, without fragment.
#[derive(Clone, Copy)]
struct Parts<'a> {
    /// With its colon.
    scheme: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    /// With its question mark.
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let whole = text.split('#').next().unwrap_or_default();
        let (whole, query) = whole.split_at(whole.find('?').unwrap_or(whole.len()));
        // A colon behind a slash is one of a path.
        let colon = whole.find([':', '/']).filter(|at| whole.as_bytes().get(*at) == Some(&b':'));
        let (scheme, rest) = whole.split_at(colon.map_or(0, |colon| colon + 1));
        let Some(rest) = rest.strip_prefix("//") else {
            return Self { scheme, authority: None, path: rest, query };
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self { scheme, authority: Some(authority), path, query }
    }

    fn is_file(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("file:")
    }

    /// Without user.
    fn host(&self) -> Option<&'a str> {
        self.authority?.rsplit('@').next()
    }

    /// What readers take for its host, empty where it has none: with and without the port, whatever that is (Python's ends at
    /// the first colon), and the dots at its end; what is in brackets; the user of several; each of several hosts.
    fn hosts(&self) -> Vec<&'a str> {
        let Some((host, authority)) = self.host().zip(self.authority).filter(|_| !self.is_file()) else {
            return vec![""];
        };
        let is_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
        let bare = host.rsplit_once(':').filter(is_port).map_or(host, |(host, _)| host);
        let mut all = vec![host, bare.trim_end_matches('.')];
        for one in authority.split(['@', '[', ']', ',', ';']) {
            let (name, port) = one.split_once(':').unwrap_or((one, ""));
            let digits = port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let with_port = one.get(..name.len() + 1 + digits).filter(|_| digits > 0);
            let name = name.trim().trim_end_matches('.');
            all.extend(with_port.into_iter().chain([name]).filter(|host| !host.is_empty()));
        }
        all
    }

    fn read(&self) -> Reading {
        self.with_hosts(self.hosts())
    }

    fn with_hosts(&self, hosts: impl IntoIterator<Item = &'a str>) -> Reading {
        let read = |text: &str| fully_decoded(text).to_lowercase();
        let mut path = String::with_capacity(self.path.len());
        for c in fully_decoded(self.path).chars().map(|c| if c == '\\' { '/' } else { c }) {
            if !(c == '/' && path.ends_with('/')) {
                path.push(c);
            }
        }
        Reading {
            scheme: self.scheme.to_lowercase(),
            hosts: hosts.into_iter().map(read).collect(),
            path: path.to_lowercase(),
            query: read(self.query),
        }
    }
}
