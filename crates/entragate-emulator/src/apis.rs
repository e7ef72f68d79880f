//! Which API a name means: its id, one of its identifier URIs or, for Microsoft Graph, the emulator's own address. Graph is
//! below it, and the Azure CLI asks for a token for the address where Graph is, by no other name (`az cloud register`,
//! `microsoftGraphResourceId`).

use crate::directory::{App, Directory};
use crate::fixtures::GRAPH;

/// The APIs of a directory, at the emulator's address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Apis<'a> {
    pub(crate) directory: &'a Directory,
    /// Without a slash at the end.
    pub(crate) base: &'a str,
}

impl<'a> Apis<'a> {
    /// The API that a scope's prefix or a `resource` names. An app that has registered the address goes first.
    pub(crate) fn find(self, name: &str, tenant: Option<&str>) -> Option<&'a App> {
        let graph = || self.is_address(name).then(|| self.directory.api(GRAPH, tenant)).flatten();
        self.directory.api(name, tenant).or_else(graph)
    }

    /// Whether the URI is one of that app's.
    pub(crate) fn identifies(self, uri: &str, app: &App) -> bool {
        app.identifier_uris.iter().any(|own| own == uri) || app.id == GRAPH && self.is_address(uri)
    }

    /// With and without the slash, as with Graph's real address.
    fn is_address(self, uri: &str) -> bool {
        uri.strip_suffix('/').unwrap_or(uri) == self.base
    }
}

#[cfg(test)]
mod tests {
    use super::Apis;
    use crate::directory::Directory;
    use crate::fixtures::{API, GRAPH, TENANT};

    #[test]
    fn the_address_is_a_name_of_graph_and_of_nothing_else() {
        let mut directory = Directory::fixtures();
        let base = "https://localhost:8400";
        let apis = Apis { directory: &directory, base };
        let found = |name: &str| apis.find(name, Some(TENANT)).map(|api| api.id.as_str());
        assert_eq!((found(base), found("https://localhost:8400/")), (Some(GRAPH), Some(GRAPH)));
        assert_eq!(found("https://graph.microsoft.com"), Some(GRAPH));
        for other in [
            "https://localhost:8400//",
            "https://localhost:8401",
            "https://LOCALHOST:8400",
            "https://localhost",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
        assert!(!apis.identifies(base, directory.app(API).expect("an app")));
        assert!(apis.identifies(base, directory.app(GRAPH).expect("an app")));

        let api = directory.apps.iter_mut().find(|app| app.id == API).expect("an app");
        api.identifier_uris.push(base.to_owned());
        let apis = Apis { directory: &directory, base };
        assert_eq!(apis.find(base, Some(TENANT)).map(|api| api.id.as_str()), Some(API));
    }
}
