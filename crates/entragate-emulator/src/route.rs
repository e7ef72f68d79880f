//! Which endpoint a path means. Everything else is 404, the RFC 8414 forms included: Entra has none.

use crate::discovery::Version;
use crate::fault::Endpoint;
use crate::params::decode_segment;

/// An endpoint with the parts of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Discovery {
        tenant: String,
        version: Version,
    },
    Keys {
        tenant: String,
        version: Version,
    },
    Instance,
    Authorize {
        tenant: String,
        version: Version,
    },
    Token {
        tenant: String,
        version: Version,
    },
    DeviceCode {
        tenant: String,
    },
    DevicePage,
    Logout,
    /// The metadata service of an Azure machine.
    ManagedIdentity,
    /// The rest of the path after `/v1.0`.
    Graph(String),
    UserInfo,
    /// Where `error_uri` points.
    ErrorLookup,
    Home,
    /// The rest of the path after `/__emulator`.
    Control(String),
    Nothing,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let tenant = |segment: &str| decode_segment(segment);
        match segments.as_slice() {
            [""] => Self::Home,
            ["error"] => Self::ErrorLookup,
            ["__emulator", rest @ ..] => Self::Control(rest.join("/")),
            ["v1.0", rest @ ..] => Self::Graph(rest.join("/")),
            ["oidc", "userinfo"] => Self::UserInfo,
            ["common", "discovery", "instance"] => Self::Instance,
            ["common", "oauth2", "deviceauth"] => Self::DevicePage,
            ["metadata", "identity", "oauth2", "token"] => Self::ManagedIdentity,
            [t, "v2.0", ".well-known", "openid-configuration"] => {
                Self::Discovery { tenant: tenant(t), version: Version::V2 }
            }
            [t, ".well-known", "openid-configuration"] => {
                Self::Discovery { tenant: tenant(t), version: Version::V1 }
            }
            [t, "discovery", "v2.0", "keys"] => Self::Keys { tenant: tenant(t), version: Version::V2 },
            [t, "discovery", "keys"] => Self::Keys { tenant: tenant(t), version: Version::V1 },
            [t, "oauth2", "v2.0", "authorize"] => Self::Authorize { tenant: tenant(t), version: Version::V2 },
            [t, "oauth2", "authorize"] => Self::Authorize { tenant: tenant(t), version: Version::V1 },
            [t, "oauth2", "v2.0", "token"] => Self::Token { tenant: tenant(t), version: Version::V2 },
            [t, "oauth2", "token"] => Self::Token { tenant: tenant(t), version: Version::V1 },
            [t, "oauth2", "v2.0", "devicecode"] => Self::DeviceCode { tenant: tenant(t) },
            [_, "oauth2", "v2.0", "logout"] | [_, "oauth2", "logout"] => Self::Logout,
            _ => Self::Nothing,
        }
    }

    /// What faults and events call it.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Discovery { .. } | Self::Instance => Endpoint::Discovery,
            Self::Keys { .. } => Endpoint::Keys,
            Self::Authorize { .. } => Endpoint::Authorize,
            Self::Token { .. } => Endpoint::Token,
            Self::DeviceCode { .. } | Self::DevicePage => Endpoint::DeviceCode,
            Self::Logout => Endpoint::Logout,
            Self::Graph(_) | Self::UserInfo => Endpoint::Graph,
            Self::ManagedIdentity | Self::ErrorLookup | Self::Home | Self::Control(_) | Self::Nothing => {
                Endpoint::Other
            }
        }
    }

    /// The methods a script of another origin may use, where any may be.
    pub(crate) fn cors_methods(&self) -> Option<&'static str> {
        match self {
            Self::Discovery { .. } | Self::Instance | Self::Keys { .. } => Some("GET, OPTIONS"),
            Self::Token { .. } | Self::DeviceCode { .. } => Some("POST, OPTIONS"),
            Self::Graph(_) | Self::UserInfo => Some("GET, POST, PATCH, DELETE, OPTIONS"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Route;
    use crate::discovery::Version;

    #[test]
    fn only_entra_s_paths_exist() {
        let tenant = "a b".to_owned();
        assert_eq!(
            Route::of("/a%20b/v2.0/.well-known/openid-configuration"),
            Route::Discovery { tenant, version: Version::V2 }
        );
        for path in [
            "",
            "/t/v2.0/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration/t/v2.0",
            "/t/oauth2/v2.0/token/",
            "//oauth2",
        ] {
            assert_eq!(Route::of(path), Route::Nothing, "{path}");
        }
        assert_eq!(Route::of("/__emulator/keys/rotate"), Route::Control("keys/rotate".to_owned()));
        assert_eq!(Route::of("/__emulator"), Route::Control(String::new()));
    }
}
