//! Which Application ID URIs a tenant lets its registrations have
//! (<https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions>).

use url::Url;

use super::existing::{Existing, Standing};
use super::wanted::{Wanted, WantedTokens};

/// A URI that Entra would not register.
#[derive(Debug, thiserror::Error)]
#[error("--identifier-uri: {uri} is not below a verified domain of the tenant ({})", domains.join(", "))]
pub(super) struct Unverified {
    uri: String,
    domains: Vec<String>,
    tenant: String,
}

impl Unverified {
    pub(super) fn hint(&self) -> String {
        format!(
            "verify the domain (Entra admin center, Custom domain names), or write api://{}/NAME; api://CLIENT-ID is there \
             without the option",
            self.tenant
        )
    }
}

/// Refuses what Entra would refuse after half of the plan is done. What is registered already stays.
pub(super) fn check(tenant: &str, wanted: &Wanted, existing: &Existing) -> Result<(), Unverified> {
    let Some(domains) = &existing.domains else { return Ok(()) };
    let app_id = existing.api.as_ref().map(|api| api.application.app_id.as_str());
    let ids: Vec<&str> = [Some(tenant), app_id].into_iter().flatten().collect();
    let is_fine = |uri: &&String| is_allowed(uri, domains, &ids, stays_at_version_1(wanted, existing));
    match fresh(wanted, existing).find(|uri| !is_fine(uri)) {
        None => Ok(()),
        Some(uri) => {
            let (domains, tenant) = (domains.clone(), tenant.to_owned());
            Err(Unverified { uri: uri.clone(), domains, tenant })
        }
    }
}

/// What whoever reads the plan should know about the URIs that are added.
pub(super) fn remarks(wanted: &Wanted, existing: &Existing) -> Vec<String> {
    let uris: Vec<&str> = fresh(wanted, existing).map(String::as_str).collect();
    if uris.is_empty() {
        return Vec::new();
    }
    let list = uris.join(", ");
    let mut remarks = Vec::new();
    if existing.domains.is_none() {
        remarks.push(format!(
            "Nobody has checked that the domain of {list} is a verified one of the tenant, because its domains could not be \
             read (Organization.Read.All): Entra refuses any other"
        ));
    }
    if stays_at_version_1(wanted, existing) {
        remarks.push(format!(
            "In tokens of version 1 Entra may write {list} into aud, whoever consumes them; the gateway takes it with \
             identifier_uris of the entragate.toml that is written. Some tenants let no such URI be added without --v2-tokens"
        ));
    }
    remarks
}

/// The URIs that an option names and the registration does not have.
fn fresh<'a>(wanted: &'a Wanted, existing: &'a Existing) -> impl Iterator<Item = &'a String> {
    let there =
        existing.api.as_ref().map(|api| api.application.identifier_uris.as_slice()).unwrap_or_default();
    wanted.api.named_uris().filter(move |uri| !there.contains(uri))
}

/// Version 1 tokens are what most tenants' restrictions are about.
fn stays_at_version_1(wanted: &Wanted, existing: &Existing) -> bool {
    existing.api.as_ref().is_some_and(|api| {
        api.standing == Standing::Adopted
            && wanted.tokens == WantedTokens::AsAdopted
            && api.application.api.requested_access_token_version != Some(2)
    })
}

fn is_allowed(uri: &str, domains: &[String], ids: &[&str], is_version_1: bool) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let below = |domain: &String| {
        let domain = domain.to_ascii_lowercase();
        host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if domains.iter().any(below) {
        return true;
    }
    let names_an_id = || {
        let parts = std::iter::once(host.as_str()).chain(url.path().split('/'));
        parts.into_iter().any(|part| ids.iter().any(|id| id.eq_ignore_ascii_case(part)))
    };
    // A word without a dot is no domain; only tokens of version 1 forbid it.
    url.scheme() == "api" && (names_an_id() || !host.contains('.') && !is_version_1)
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn what_is_somebody_elses_is_no_name_of_an_app() {
        let domains = ["contoso.com".to_owned(), "contoso.onmicrosoft.com".to_owned()];
        let ids = ["11111111-2222-3333-4444-555555555555"];
        for (uri, version_2, version_1) in [
            ("https://contoso.com", true, true),
            ("https://MCP.contoso.com/mcp", true, true),
            ("https://notcontoso.com", false, false),
            ("https://contoso.com.evil.test", false, false),
            ("https://evil.test/contoso.com", false, false),
            ("https://evil.test/11111111-2222-3333-4444-555555555555", false, false),
            ("https://gateway.azurewebsites.net", false, false),
            ("api://mcp.contoso.com/x", true, true),
            ("api://mcp.evil.test/x", false, false),
            ("api://11111111-2222-3333-4444-555555555555/x", true, true),
            ("api://tools/11111111-2222-3333-4444-555555555555", true, true),
            ("api://tools", true, false),
        ] {
            assert_eq!(is_allowed(uri, &domains, &ids, false), version_2, "{uri}");
            assert_eq!(is_allowed(uri, &domains, &ids, true), version_1, "{uri}");
        }
    }
}
