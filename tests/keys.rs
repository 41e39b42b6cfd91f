//! Keys of partners: made by oneself, said once, changed without a gap, ended at once.

use domain::account::Role;
use serde_json::{Value, json};
use tests::{Place, Reply, Service, Who, at};

/// A key of `who`: its path and what it opens with.
async fn key(service: &Service, who: &Who, body: &Value) -> (String, String) {
    let made = service.say(who, "POST", "/v1/keys", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.body["key"].as_str().unwrap().to_owned();
    assert_eq!(made.body["start"], key[..10]);
    (made.header("location").to_owned(), key)
}

async fn get(service: &Service, path: &str, key: &str) -> Reply {
    service.send(service.request(path).header("x-api-key", key)).await
}

#[tokio::test]
async fn whoever_came_in_by_e_mail_makes_a_key_that_is_said_once() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let (path, public) = key(&service, &partner, &json!({"name": "Peta wisata"})).await;
    let (_, secret) = key(
        &service,
        &partner,
        &json!({"name": "Pemberitahuan", "scopes": ["webhooks", "read", "read"]}),
    )
    .await;
    assert!(public.starts_with("gpk_") && secret.starts_with("gsk_"));
    let all = service.read(&partner, "/v1/keys").await;
    let mut names = all.each("name");
    names.sort_unstable();
    assert_eq!(names, ["Pemberitahuan", "Peta wisata"]);
    assert!(!all.text.contains(&public) && !all.text.contains(&secret));
    assert_eq!(get(&service, "/v1/places?limit=1", &public).await.status, 200);
    // It opens what is public, and nothing of its owner's.
    for path in ["/v1/me", "/v1/keys", "/v1/webhooks", "/v1/me/listings"] {
        assert_eq!(get(&service, path, &public).await.status, 403, "{path}");
    }
    assert_eq!(get(&service, "/v1/webhooks", &secret).await.status, 200);
    for path in ["/v1/me", "/v1/keys", path.as_str()] {
        assert_eq!(get(&service, path, &secret).await.status, 403, "{path}");
    }
    // Nor does it open anything together with a token, or twice.
    let both =
        service.request("/v1/places").bearer_auth(&partner.token).header("x-api-key", &public);
    assert_eq!(service.send(both).await.status, 401);
    let twice =
        service.request("/v1/places").header("x-api-key", &public).header("x-api-key", &public);
    assert_eq!(service.send(twice).await.status, 401);
    for wrong in ["gpk_0", "x", &public[..20], &format!("{public}0")] {
        assert_eq!(get(&service, "/v1/places", wrong).await.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_key_is_changed_without_a_gap_ends_by_itself_or_at_once() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let body = json!({"name": "Peta", "expires_at": "2026-12-01T00:00:00+07:00"});
    let (path, old) = key(&service, &partner, &body).await;
    let turned = service.say(&partner, "POST", &format!("{path}/rotate"), &json!({})).await;
    let new = turned.body["key"].as_str().unwrap().to_owned();
    assert_eq!(turned.body["old_key_until"], "2026-11-25T12:00:00+07:00");
    let opens = async |key: &str| get(&service, "/v1/places?limit=1", key).await.status.as_u16();
    assert_eq!((opens(&old).await, opens(&new).await), (200, 200));
    service.clock.set(at("2026-11-25T12:00:00+07:00"));
    assert_eq!((opens(&old).await, opens(&new).await), (401, 200));
    let at_once = json!({"overlap_hours": 0});
    let turned = service.say(&partner, "POST", &format!("{path}/rotate"), &at_once).await;
    let newest = turned.body["key"].as_str().unwrap().to_owned();
    assert_eq!((opens(&new).await, opens(&newest).await), (401, 200));
    service.clock.set(at("2026-12-01T00:00:00+07:00"));
    assert_eq!(opens(&newest).await, 401);
    let (path, other) = key(&service, &partner, &json!({"name": "Lain"})).await;
    assert_eq!(opens(&other).await, 200);
    let revoked = service.send(service.method("DELETE", &path).bearer_auth(&partner.token)).await;
    assert_eq!((revoked.status.as_u16(), opens(&other).await), (204, 401));
    assert_eq!(service.read(&partner, &path).await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said_at_once_and_whose_it_is_not_does_not_see_it() {
    let service = Service::start().await;
    let partner = service.come_in("mitra@contoh.example").await;
    let bad = json!({"name": "", "scopes": [], "expires_at": "2020-01-01T00:00:00Z"});
    let reply = service.say(&partner, "POST", "/v1/keys", &bad).await;
    let faults = reply.body["errors"].as_array().unwrap();
    let pointers: Vec<&Value> = faults.iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(
        (reply.status.as_u16(), pointers),
        (422, vec![&json!("/name"), &json!("/scopes"), &json!("/expires_at")])
    );
    let phone = service.come_in("+6281200000009").await;
    let named = json!({"name": "Peta"});
    assert_eq!(service.say(&phone, "POST", "/v1/keys", &named).await.status, 409);
    let (path, _) = key(&service, &partner, &named).await;
    let other = service.person(Role::Producer, &[]).await;
    let admin = service.person(Role::Admin, &[]).await;
    assert_eq!(service.read(&other, &path).await.status, 404);
    assert_eq!(service.read(&admin, &path).await.status, 200);
    let for_them = json!({"name": "Peta", "account": partner.id});
    assert_eq!(service.say(&other, "POST", "/v1/keys", &for_them).await.status, 403);
    assert_eq!(service.say(&admin, "POST", "/v1/keys", &for_them).await.status, 201);
    // Asked again under the same key of its own, it is not said again.
    let once =
        service.saying(&partner, "POST", "/v1/keys", &named).header("idempotency-key", "k-1");
    let again =
        service.saying(&partner, "POST", "/v1/keys", &named).header("idempotency-key", "k-1");
    let (once, again) = (service.send(once).await, service.send(again).await);
    assert_eq!((again.status.as_u16(), &again.body["id"]), (201, &once.body["id"]));
    assert!(once.body["key"].is_string() && again.body.get("key").is_none());
    let gone = service.send(service.method("DELETE", "/v1/me").bearer_auth(&partner.token)).await;
    assert!(gone.status.is_success(), "{}", gone.text);
    let secret = once.body["key"].as_str().unwrap();
    service.app.catch_up().await.unwrap();
    assert_eq!(get(&service, "/v1/places", secret).await.status, 401);
}

#[tokio::test]
async fn a_key_has_a_limit_of_its_own_and_is_counted_by_day() {
    let service = Service::over(Place::with_fixtures().await, &["--rate", "on"]).await;
    let partner = service.come_in("mitra@contoh.example").await;
    let (path, secret) = key(&service, &partner, &json!({"name": "Peta"})).await;
    // The first counts for the address: nobody knows yet whether it is one.
    assert!(
        get(&service, "/v1/places?limit=1", &secret)
            .await
            .header("ratelimit-policy")
            .starts_with("\"address\"")
    );
    let second = get(&service, "/v1/places?limit=1", &secret).await;
    assert_eq!(second.header("ratelimit-policy"), "\"key\";q=2000;w=10");
    assert!(
        second.header("ratelimit").starts_with("\"key\";r=1999"),
        "{}",
        second.header("ratelimit")
    );
    assert!(
        get(&service, "/v1/places?limit=1", "gpk_x")
            .await
            .header("ratelimit")
            .starts_with("\"address\"")
    );
    service.app.write_counts().await;
    service.clock.set(at("2026-11-25T12:00:00+07:00"));
    get(&service, "/v1/places?limit=1", &secret).await;
    service.app.write_counts().await;
    let used = service.read(&partner, "/v1/usage?days=2").await;
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(
        used.body["items"],
        json!([{"key": id, "day": "2026-11-24", "requests": 2}, {"key": id, "day": "2026-11-25", "requests": 1}])
    );
}
