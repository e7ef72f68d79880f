//! A flood of sign-in requests is stopped before it reaches Entra (DC-01, AS-39).

use std::num::NonZeroU32;
use std::time::Duration;

use entragate_emulator::fixtures;

use crate::world::World;

#[tokio::test]
async fn as_39_sign_in_endpoints_are_rate_limited_and_metadata_is_not() {
    let three = NonZeroU32::new(3).unwrap();
    let world = World::builder().gate(move |gate| gate.sign_in_rate(three, three)).start().await;
    let form = [("grant_type", "refresh_token"), ("client_id", fixtures::MCP), ("refresh_token", "made-up")];
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(world.token(&form).await.status().as_u16());
    }
    assert_eq!(statuses[..3], [400, 400, 400]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let asked = world.control().requests().iter().filter(|request| request.path.ends_with("/token")).count();
    assert_eq!(asked, statuses.iter().filter(|status| **status == 400).count());

    for path in ["/oauth/register", "/oauth/authorize"] {
        let refused = world.http.post(world.url(path)).send().await.unwrap();
        assert_eq!(refused.status(), 429, "{path}");
        assert_eq!(refused.headers()["retry-after"], "1");
    }
    assert_eq!(world.get("/.well-known/oauth-authorization-server").await.status(), 200);
    world.control().advance(Duration::from_secs(10));
    assert_eq!(world.token(&form).await.status(), 400);
}
