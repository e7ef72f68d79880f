//! The placeholders in the catalogue's texts.

/// What the placeholders stand for where a configuration says it; without one they are named after the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// `{tenant}`: the tenant id.
    pub tenant: Option<String>,
    /// `{api}`: client id of the API app.
    pub api: Option<String>,
    /// `{client}`: client id of the app that signs people in. In broker mode often the same as `{api}`.
    pub client: Option<String>,
    /// `{base_url}`: the gateway's public URL.
    pub base_url: Option<String>,
    /// `{authority}`: the sign-in host of the cloud, as a URL; without one that of the public cloud.
    pub authority: Option<String>,
}

impl Names {
    /// The text with its placeholders filled in.
    pub fn fill(&self, text: &str) -> String {
        let names = [
            ("{tenant}", &self.tenant, "<AZURE_TENANT_ID>"),
            ("{api}", &self.api, "<AZURE_CLIENT_ID>"),
            ("{client}", &self.client, "<client id>"),
            ("{base_url}", &self.base_url, "<BASE_URL>"),
            ("{authority}", &self.authority, "https://login.microsoftonline.com"),
        ];
        names.into_iter().fold(text.to_owned(), |text, (blank, name, otherwise)| {
            text.replace(blank, name.as_deref().unwrap_or(otherwise))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn what_is_not_known_is_named_after_its_setting() {
        let text = "az ad sp create --id {api} for {base_url}/auth/callback";
        assert_eq!(
            Names::default().fill(text),
            "az ad sp create --id <AZURE_CLIENT_ID> for <BASE_URL>/auth/callback"
        );
        let names = Names { api: Some("a0".to_owned()), ..Names::default() };
        assert_eq!(names.fill(text), "az ad sp create --id a0 for <BASE_URL>/auth/callback");
    }
}
