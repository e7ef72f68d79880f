//! What a client says about itself at the URL that is its id.

use serde::{Deserialize, Serialize};

use super::agent_id;
use crate::directory::{Access, App, Audience};
use crate::entra::Entra;

/// A document that is its URL's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Document {
    client_id: String,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
}

impl Document {
    pub(super) fn read(url: &str, text: &[u8]) -> Result<Self, &'static str> {
        let document: Self =
            serde_json::from_slice(text).map_err(|_| "the answer is no client metadata document")?;
        if document.client_id != url {
            return Err("'client_id' in the document is another one");
        }
        if document.redirect_uris.is_empty() {
            return Err("the document has no 'redirect_uris'");
        }
        // Nobody could have agreed on a secret.
        if document
            .token_endpoint_auth_method
            .as_deref()
            .is_some_and(|method| method.starts_with("client_secret"))
        {
            return Err("the document wants a client secret");
        }
        Ok(document)
    }

    /// The client as it stands now: a public one, and if approved, with consent to every delegated permission.
    pub(super) fn client(&self, entra: &Entra) -> App {
        let approved = entra.settings().approved_cimd_clients.contains(&self.client_id);
        let whole = |api: &App| Access {
            app: api.id.clone(),
            scopes: api.scopes.iter().map(|scope| scope.value.clone()).collect(),
            roles: Vec::new(),
        };
        let admin_consent =
            if approved { entra.directory.apps.iter().map(whole).collect() } else { Vec::new() };
        App {
            id: agent_id(&self.client_id),
            name: self.client_id.clone(),
            display_name: self.client_name.clone().unwrap_or_else(|| self.client_id.clone()),
            audience: Audience::MultipleOrgs,
            token_version: 2,
            public_redirect_uris: self.redirect_uris.clone(),
            admin_consent,
            ..App::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Document;

    #[test]
    fn a_document_belongs_to_its_url() {
        let url = "https://client.test/client.json";
        let of = |rest: &str| format!(r#"{{"client_id":"{url}",{rest}}}"#);
        let good = of(r#""redirect_uris":["http://localhost/callback"],"unknown":1"#);
        assert!(Document::read(url, good.as_bytes()).is_ok());
        assert!(Document::read("https://client.test/other.json", good.as_bytes()).is_err());
        for bad in [
            "<html>".to_owned(),
            of(r#""redirect_uris":[]"#),
            of(r#""client_name":"x""#),
            of(r#""redirect_uris":["http://localhost/"],"token_endpoint_auth_method":"client_secret_post""#),
        ] {
            assert!(Document::read(url, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
