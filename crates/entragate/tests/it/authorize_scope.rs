//! Scope repair: whatever a client asks for, Entra gets one resource, qualified, that it accepts.

use entragate::{ApiApp, ClientId};
use entragate_emulator::fixtures;

use crate::world::{Reply, World, param};

const ALWAYS: &str = "openid profile offline_access";

fn api() -> ApiApp {
    ApiApp::new(ClientId::parse(fixtures::API).unwrap())
}

/// Signs alice in with each scope and compares what Entra got; that Entra took it shows in the code.
async fn repaired(world: &World, table: &[(Option<String>, String)]) {
    for (asked, expected) in table {
        world.control().clear_requests();
        let url = world.authorize_url(&[("scope", asked.as_deref())]);
        let callback = world.browse(&url, "alice").await;
        assert!(param(&callback, "code").is_some(), "{asked:?}: {callback}");
        let requests = world.control().requests();
        let at_entra = requests.iter().find(|request| request.path.ends_with("/authorize")).unwrap();
        assert_eq!(at_entra.param("scope"), Some(expected.as_str()), "{asked:?}");
        // And the code buys a token for this server.
        let code = param(&callback, "code").unwrap();
        let reply = world.token(&world.code_form(&code)).await;
        assert_eq!(reply.status(), 200, "{asked:?}: {}", reply.text().await.unwrap());
    }
}

#[tokio::test]
async fn k31_every_scope_a_client_sends_becomes_one_that_entra_accepts() {
    let world = World::builder().api(api().with_scopes(["access"]).unwrap()).start().await;
    let uri = format!("api://{}", fixtures::API);
    let access = format!("{uri}/access {ALWAYS}");
    let mut table: Vec<(Option<String>, String)> = vec![(None, access.clone())];
    for asked in [
        // Nothing, and nothing but OpenID: AADSTS900144, and a token for Graph.
        "",
        "openid",
        "openid profile offline_access",
        "offline_access",
        // Bare: AADSTS650053, looked up on Graph.
        "access",
        "access offline_access",
        "access access",
        "openid access",
        // Qualified, in every spelling.
        "{uri}/access",
        "{uri}/access {uri}/access offline_access",
        "{guid}/access",
        "{uri}//access",
        "{uri}/access access {guid}/access",
        // Other resources: AADSTS28000.
        "https://graph.microsoft.com/User.Read",
        "https://graph.microsoft.com/User.Read {uri}/access",
        "https://graph.microsoft.com/.default",
        "api://{sibling}/access",
        "{sibling}/access access",
        "https://evil.test/mcp/access",
        // `.default` beside a named scope: AADSTS70011.
        "{uri}/.default {uri}/access",
        "access .default",
        // OpenID scopes that Entra does not have.
        "openid address phone",
        "address",
        // White space.
        "  access \t offline_access  ",
        "access\r\nopenid",
    ] {
        let asked = asked.replace("{uri}", &uri).replace("{guid}", fixtures::API);
        table.push((Some(asked.replace("{sibling}", fixtures::SIBLING)), access.clone()));
    }
    for asked in ["openid email", "email openid profile offline_access", "email email access"] {
        table.push((Some(asked.to_owned()), format!("{access} email")));
    }
    table.push((Some(format!("{uri}/.default")), format!("{uri}/.default {ALWAYS}")));
    repaired(&world, &table).await;
}

#[tokio::test]
async fn k31_without_named_scopes_default_stands_alone_aadsts70011() {
    let world = World::builder().api(api()).start().await;
    let uri = format!("api://{}", fixtures::API);
    let default = format!("{uri}/.default {ALWAYS}");
    let mut table = vec![(None, default.clone())];
    for asked in [
        "",
        "openid",
        ".default",
        "{uri}/.default",
        "{uri}/.default access",
        "{uri}/.default {uri}/access offline_access",
    ] {
        table.push((Some(asked.replace("{uri}", &uri)), default.clone()));
    }
    table.push((Some("access".into()), format!("{uri}/access {ALWAYS}")));
    repaired(&world, &table).await;
}

#[tokio::test]
async fn k31_an_https_identifier_uri_qualifies_and_every_spelling_of_it_is_understood() {
    let api = api()
        .with_identifier_uris(["https://mcp.contoso.test/mcp"])
        .unwrap()
        .with_scopes(["access"])
        .unwrap();
    let world = World::builder().api(api).start().await;
    let access = format!("https://mcp.contoso.test/mcp/access {ALWAYS}");
    let mut table = vec![(None, access.clone())];
    for asked in [
        "access",
        "https://mcp.contoso.test/mcp/access",
        "https://mcp.contoso.test/mcp//access",
        "api://{guid}/access",
        "{guid}/access",
    ] {
        table.push((Some(asked.replace("{guid}", fixtures::API)), access.clone()));
    }
    repaired(&world, &table).await;
}

#[tokio::test]
async fn as_38_a_scope_that_does_not_exist_is_refused_by_entra_for_this_api_and_not_for_graph_aadsts650053() {
    let world = World::start().await;
    let mut at_entra = world.at_entra(&world.authorize_url(&[("scope", Some("no.such.scope"))])).await;
    let expected = format!("api://{}/no.such.scope {ALWAYS}", fixtures::API);
    assert_eq!(param(&at_entra, "scope"), Some(expected));
    at_entra.query_pairs_mut().append_pair("login_hint", "alice@contoso.test");
    let page = Reply::of(world.http.get(at_entra)).await;
    assert!(page.text.contains("AADSTS650053"), "{}", page.text);
    let names_the_api = page.text.contains(fixtures::API) && !page.text.contains(fixtures::GRAPH);
    assert!(names_the_api, "{}", page.text);
}
