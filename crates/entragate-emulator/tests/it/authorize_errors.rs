//! Numbers 24–29, 31, 34, 39, 40, 43 and 58 of the checklist: the errors of /authorize before anybody signs in.

use entragate_emulator::fixtures::{API, CLI, NOURI, TENANT};

use crate::authorize_redirects::mismatch;
use crate::fixture::{Authorize, Entra, scope};

#[tokio::test]
async fn e024_error_page_is_200_html_with_config_and_no_location() {
    let entra = Entra::start().await;
    let uri = "http://localhost/Callback";
    let reply = entra.authorize(&Authorize::base().with("redirect_uri", uri)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.is_html());
    assert_eq!(reply.header("location"), None);
    let config = reply.config().expect("a $Config blob");
    assert_eq!(config["iHttpErrorCode"], 400);
    assert_eq!(config["iErrorCode"], 50011);
    assert!(reply.body.contains("$Config={"));
    let blob = reply.body.split_once("$Config=").map(|(_, rest)| rest).unwrap_or_default();
    assert!(blob.contains("};"), "the blob ends as a statement");
    let expected = format!("AADSTS50011: {}", mismatch(uri, CLI));
    let message = config["strServiceExceptionMessage"].as_str().expect("text");
    assert!(message.starts_with(&expected), "{message}");
    reply.page(50011).says(&mismatch(uri, CLI));
}

#[tokio::test]
async fn e024_nothing_from_the_request_becomes_markup() {
    let entra = Entra::start().await;
    for hostile in ["</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "';alert(1);//"]
    {
        let uri = format!("http://localhost/{hostile}");
        let request = Authorize::base().with("redirect_uri", &uri);
        let reply = entra.authorize(&request).await;
        assert!(!reply.body.contains("<script>alert(1)"), "{}", reply.body);
        assert!(!reply.body.contains("<img src=x"), "{}", reply.body);
        assert_eq!(reply.page(50011).message, mismatch(&uri, CLI));
        let unknown = entra.authorize(&Authorize::base().with("client_id", hostile)).await;
        assert!(!unknown.body.contains("<script>alert(1)"), "{}", unknown.body);
        assert!(!unknown.body.contains("<img src=x"), "{}", unknown.body);
    }
}

#[tokio::test]
async fn e025_unknown_client_700016_names_id_and_directory() {
    let entra = Entra::start().await;
    let unknown = "99999999-9999-4999-8999-999999999999";
    let page = entra.authorize(&Authorize::base().with("client_id", unknown)).await.page(700_016);
    page.begins(&format!("Application with identifier '{unknown}' was not found in the directory '"));
    let directory = page.message.split('\'').nth(3).expect("the directory is quoted");
    assert!(
        [TENANT, "Contoso", "contoso.onmicrosoft.com"].contains(&directory),
        "not the directory: {}",
        page.message
    );
    assert!(
        page.message.ends_with(
            "'. This can happen if the application has not been installed by the administrator of the tenant or consented \
             to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
        "{}",
        page.message
    );
}

#[tokio::test]
async fn e025_missing_client_id_900144() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().without("client_id")).await.page(900_144);
    page.says("The request body must contain the following parameter: 'client_id'.");
}

#[tokio::test]
async fn e026_app_without_redirect_uris_500113() {
    let entra = Entra::start().await;
    let request = Authorize::base().with("client_id", NOURI).without("redirect_uri");
    let page = entra.authorize(&request).await.page(500_113);
    page.says("No reply address is registered for the application.");
}

#[tokio::test]
async fn e026_malformed_redirect_uri_90102() {
    let entra = Entra::start().await;
    for malformed in ["foo", "/callback", "//evil.test/callback"] {
        let page = entra.authorize(&Authorize::base().with("redirect_uri", malformed)).await.page(90102);
        page.says("'redirect_uri' value must be a valid absolute URI.");
    }
}

#[tokio::test]
async fn e027_single_tenant_app_on_common_50194() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().tenant("common").user("alice")).await.page(50194);
    page.begins(&format!("Application '{CLI}'("));
    assert!(
        page.message.ends_with(
            ") is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such \
             applications created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be \
             multi-tenant."
        ),
        "{}",
        page.message
    );
}

#[tokio::test]
async fn e028_user_of_another_tenant_50020() {
    let entra = Entra::start().await;
    let page = entra.authorize(&Authorize::base().user("mallory")).await.page(50020);
    page.begins("User account 'mallory@fabrikam.onmicrosoft.com' from identity provider '");
    let rest = page.message.split_once("' does not exist in tenant '").map(|(_, rest)| rest);
    let rest = rest.unwrap_or_else(|| panic!("{}", page.message));
    assert!(rest.contains(&format!("' and cannot access the application '{CLI}'(")), "{rest}");
    assert!(
        rest.contains(
            ") in that tenant. The account needs to be added as an external user in the tenant first."
        ),
        "{rest}"
    );
}

#[tokio::test]
async fn e029_response_type_token_is_redirected_700051() {
    let entra = Entra::start().await;
    for kinds in ["token", "code token", "id_token token"] {
        let request = Authorize::base().with("response_type", kinds);
        for request in [request.clone(), request.with("prompt", "none")] {
            let location = entra.authorize(&request).await.location();
            let message = location.refusal("unsupported_response_type", 700_051);
            assert_eq!(message, "response_type 'token' is not enabled for the application.");
            // Whoever asks for tokens reads the fragment.
            assert_eq!(location.separator, '#', "{}", location.raw);
        }
    }
    let request = Authorize::base().with("response_type", "token").with("response_mode", "query");
    let location = entra.authorize(&request).await.location();
    location.refusal("unsupported_response_type", 700_051);
    assert_eq!(location.separator, '?', "{}", location.raw);
}

#[tokio::test]
async fn e029_unknown_response_type_is_redirected() {
    let entra = Entra::start().await;
    let location = entra.authorize(&Authorize::base().with("response_type", "foo")).await.location();
    assert_eq!(location.get("error"), Some("unsupported_response_type"));
    assert_eq!(location.get("state"), Some("xyz"));
    assert_eq!(location.get("code"), None);
    assert!(location.get("error_description").is_some_and(|text| text.starts_with("AADSTS70005: ")));
}

#[tokio::test]
async fn e029_missing_response_type_900144() {
    let entra = Entra::start().await;
    let location = entra.authorize(&Authorize::base().without("response_type")).await.location();
    let message = location.refusal("invalid_request", 900_144);
    assert_eq!(message, "The request body must contain the following parameter: 'response_type'.");
}

#[tokio::test]
async fn e031_hybrid_without_implicit_grant_700054() {
    let entra = Entra::start().await;
    let request = Authorize::web().user("alice").with("response_type", "code id_token").with("nonce", "n-1");
    let location = entra.authorize(&request).await.location();
    let message = location.refusal("unsupported_response_type", 700_054);
    assert_eq!(message, "response_type 'id_token' is not enabled for the application.");
}

#[tokio::test]
async fn e034_unsupported_prompt_90023() {
    let entra = Entra::start().await;
    for prompt in ["foo", "login consent", "none login"] {
        let location = entra.authorize(&Authorize::base().with("prompt", prompt)).await.location();
        assert_eq!(location.refusal("invalid_request", 90023), "Unsupported 'prompt' value.", "{prompt}");
    }
}

#[tokio::test]
async fn e039_missing_scope_900144() {
    let entra = Entra::start().await;
    let location = entra.authorize(&Authorize::base().without("scope")).await.location();
    let message = location.refusal("invalid_request", 900_144);
    assert_eq!(message, "The request body must contain the following parameter: 'scope'.");
}

#[tokio::test]
async fn e040_unknown_resource_500011_names_uri_and_tenant() {
    let entra = Entra::start().await;
    let location = entra.authorize(&Authorize::base().scope("api://nope/access")).await.location();
    let message = location.refusal("invalid_resource", 500_011);
    let tenant = message
        .strip_prefix("The resource principal named api://nope was not found in the tenant named ")
        .and_then(|rest| {
            rest.strip_suffix(
                ". This can happen if the application has not been installed by the administrator of the tenant or \
                 consented to by any user in the tenant. You might have sent your authentication request to the wrong \
                 tenant.",
            )
        });
    let tenant = tenant.unwrap_or_else(|| panic!("{message}"));
    assert!([TENANT, "Contoso", "contoso.onmicrosoft.com"].contains(&tenant), "{tenant}");
}

#[tokio::test]
async fn e040_another_path_on_the_host_of_an_api_500011() {
    let entra = Entra::start().await;
    let request = Authorize::base().scope("https://mcp.contoso.test/other/access");
    let message = entra.authorize(&request).await.location().refusal("invalid_resource", 500_011);
    assert!(
        message.starts_with("The resource principal named https://mcp.contoso.test/other was not found"),
        "{message}"
    );
}

#[tokio::test]
async fn e043_default_mixed_with_a_scope_of_the_resource_70011() {
    let entra = Entra::start().await;
    let mixed = format!("{} {}", scope(API, ".default"), scope(API, "access"));
    let location = entra.authorize(&Authorize::base().scope(&mixed)).await.location();
    let message = location.refusal("invalid_scope", 70011);
    assert_eq!(
        message,
        format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {mixed} is not valid."
        )
    );
}

#[tokio::test]
async fn e058_query_beyond_6_kb_is_a_page_90015() {
    let entra = Entra::start().await;
    let request = Authorize::base().user("alice");
    let page = entra.authorize(&request.clone().with("state", &"s".repeat(8000))).await.page(90015);
    page.says("Requested query string is too long.");
    let fits = "s".repeat(4000);
    let location = entra.authorize(&request.with("state", &fits)).await.location();
    assert_eq!(location.get("state"), Some(fits.as_str()));
}
