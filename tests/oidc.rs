//! Staff who come in through their government's identity provider, and those who should not.

use api::ids;
use chrono::TimeDelta;
use domain::{
    account::{self, Role},
    handshake, identity, session,
};
use sea_orm::EntityTrait as _;
use serde_json::json;
use tests::{NOON, Place, Reply, Service, at, client};

use crate::auth::everything;

mod provider;

use provider::{BACK, CLIENT, Provider, SECRET, Trick, persona};

/// Where an officer of the tests is reached.
const WATI: &str = "wati@bantul.example";
/// Who she is at the provider.
const NUMBER: &str = "198001012005012001";
/// The cookie where there is TLS.
const COOKIE: &str = "__Host-griya-oidc";

/// A browser that has begun: the address it is sent to, the cookie it keeps.
struct Begun {
    page: String,
    cookie: String,
}

async fn over(place: Place, provider: &Provider, more: &[&str]) -> Service {
    over_at(place, &provider.url, more).await
}

async fn over_at(place: Place, provider: &str, more: &[&str]) -> Service {
    let issuer = format!("--oidc-issuer={provider}");
    let (id, secret) =
        (format!("--oidc-client-id={CLIENT}"), format!("--oidc-client-secret={SECRET}"));
    let flags = [issuer.as_str(), &id, &secret, "--public-url=https://griya.example"];
    Service::over(place, &[&flags, more].concat()).await
}

/// A provider that has signed her in, and a service where she is appointed.
async fn house() -> (Provider, Service) {
    let provider = Provider::start(NUMBER, WATI).await;
    let service = over(Place::empty().await, &provider, &[]).await;
    appoint(&service, WATI, Role::Editor).await;
    (provider, service)
}

async fn appoint(service: &Service, email: &str, role: Role) -> account::Model {
    let address = account::Address::Email(email.to_owned());
    let who = account::Model::new(ids::new(at(NOON)), address, domain::text::Lang::Id, at(NOON));
    let who = account::Model { role, ..who };
    let unit = domain::writer::Unit::new(vec![who.clone().into()], "test", at(NOON));
    service.app.write(unit).await.unwrap();
    who
}

async fn begin(service: &Service) -> Begun {
    let sent = service.get("/v1/auth/oidc").await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let kept = sent.header("set-cookie");
    let cookie = kept.split(';').next().unwrap().to_owned();
    Begun { page: sent.header("location").to_owned(), cookie }
}

/// The path that the provider sends the browser back to.
async fn sign_in(begun: &Begun) -> String {
    let sent = client().get(&begun.page).send().await.unwrap();
    let back = sent.headers()["location"].to_str().unwrap();
    assert!(back.starts_with(BACK), "{back}");
    back.strip_prefix("https://griya.example").unwrap().to_owned()
}

async fn come_back(service: &Service, path: &str, cookie: &str) -> Reply {
    service.send(service.request(path).header("cookie", cookie)).await
}

/// All of the way.
async fn come_in(service: &Service) -> Reply {
    let begun = begin(service).await;
    let path = sign_in(&begun).await;
    come_back(service, &path, &begun.cookie).await
}

async fn doors(service: &Service) -> usize {
    let db = &service.app.store.reader;
    let sessions = session::entity::Entity::find().all(db).await.unwrap();
    let identities = identity::entity::Entity::find().all(db).await.unwrap();
    sessions.len() + identities.len()
}

#[tokio::test]
async fn an_officer_comes_in_as_with_a_code() {
    let (provider, service) = house().await;
    let begun = begin(&service).await;
    assert!(begun.page.starts_with(&format!("{}/authorize?", provider.url)), "{}", begun.page);
    let secret = begun.cookie.strip_prefix(&format!("{COOKIE}=")).unwrap();
    assert!(!begun.page.contains(secret), "what goes through the provider is not the secret");
    let path = sign_in(&begun).await;
    let came = come_back(&service, &path, &format!("lain=1; {}", begun.cookie)).await;
    assert_eq!(came.status, 200, "{}", came.text);
    assert_eq!(came.header("cache-control"), "private, no-store");
    assert_eq!(
        came.header("set-cookie"),
        "__Host-griya-oidc=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(came.body["token_type"], "Bearer");
    assert_eq!(came.body["expires_at"], "2027-02-22T12:00:00+07:00");
    assert_eq!(came.body["account"]["role"], "editor");
    let token = came.body["access_token"].as_str().unwrap();
    let me = service.send(service.request("/v1/me").bearer_auth(token)).await;
    assert_eq!(me.body["email"], WATI);
    let all = everything(&service.app.store.writer).await;
    for private in [secret, token, NUMBER, SECRET] {
        assert!(!all.contains(private), "{private} is kept");
    }
    assert!(!format!("{:?}{:?}", service.app.settings, service.app).contains(SECRET));
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_no_script() {
    let (provider, service) = house().await;
    let sent = service.get("/v1/auth/oidc").await;
    let kept = sent.header("set-cookie");
    assert!(kept.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{kept}");
    assert_eq!(sent.header("cache-control"), "private, no-store");
    assert_eq!(provider.inside().asked, 1);
    service.get("/v1/auth/oidc").await;
    assert_eq!(provider.inside().asked, 1, "what it says of itself is kept for an hour");
    service.clock.set(at(NOON) + TimeDelta::hours(1));
    service.get("/v1/auth/oidc").await;
    assert_eq!(provider.inside().asked, 2);
}

#[tokio::test]
async fn elliptic_keys_are_as_good() {
    let (provider, service) = house().await;
    provider.inside().elliptic = true;
    assert_eq!(come_in(&service).await.status, 200);
}

#[tokio::test]
async fn what_is_begun_at_one_node_ends_at_another() {
    let (provider, service) = house().await;
    let other = over(service.place.shared(), &provider, &[]).await;
    let begun = begin(&service).await;
    let path = sign_in(&begun).await;
    assert_eq!(come_back(&other, &path, &begun.cookie).await.status, 200);
    assert_eq!(come_back(&service, &path, &begun.cookie).await.status, 401);
}

#[tokio::test]
async fn who_gets_her_address_later_does_not_get_her_account() {
    let (provider, service) = house().await;
    let first = come_in(&service).await;
    assert_eq!(first.status, 200, "{}", first.text);
    // Somebody new in the office was given the address.
    provider.inside().persona = persona("200001012025011001", WATI);
    assert_eq!(come_in(&service).await.status, 403);
    // She has another there, and is who she was.
    provider.inside().persona = persona(NUMBER, "wati.baru@bantul.example");
    let again = come_in(&service).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.body["account"]["id"], first.body["account"]["id"]);
    // No longer appointed, she is nobody here.
    let known = account::at(&service.app.store.reader, &WATI.parse().unwrap()).await.unwrap();
    let dismissed = account::Model { role: Role::Producer, ..known.unwrap().changed() };
    let unit = domain::writer::Unit::new(vec![dismissed.into()], "test", at(NOON));
    service.app.write(unit).await.unwrap();
    assert_eq!(come_in(&service).await.status, 403);
}

#[tokio::test]
async fn nobody_comes_in_whom_nobody_appointed() {
    let (provider, service) = house().await;
    appoint(&service, "sri@contoh.example", Role::Producer).await;
    let unverified = |verified| provider::Persona { verified, ..persona(NUMBER, WATI) };
    let strangers = [
        persona("1", "siapa@bantul.example"),
        persona("1", "sri@contoh.example"),
        unverified(Some(false)),
        unverified(None),
        provider::Persona { email: None, ..persona(NUMBER, WATI) },
        persona(NUMBER, "bukan alamat"),
    ];
    for stranger in strangers {
        provider.inside().persona = stranger.clone();
        let came = come_in(&service).await;
        assert_eq!(came.status, 403, "{stranger:?}: {}", came.text);
        assert_eq!(came.body["type"], "/problems/forbidden");
    }
    assert_eq!(doors(&service).await, 0, "nothing of them is kept");
    // Upper case at the provider is the same address.
    provider.inside().persona = persona(NUMBER, "Wati@Bantul.Example");
    assert_eq!(come_in(&service).await.status, 200);
}

#[tokio::test]
async fn a_token_that_proves_nothing_opens_nothing() {
    let (provider, service) = house().await;
    for trick in [
        Trick::WrongNonce,
        Trick::NoNonce,
        Trick::WrongAudience,
        Trick::WrongIssuer,
        Trick::Expired,
        Trick::OtherKey,
        Trick::Unsigned,
        Trick::Shared,
    ] {
        provider.inside().trick = trick;
        let came = come_in(&service).await;
        assert_eq!(came.status, 401, "{trick:?}: {}", came.text);
    }
    assert_eq!(doors(&service).await, 0);
    provider.inside().trick = Trick::None;
    assert_eq!(come_in(&service).await.status, 200);
}

#[tokio::test]
async fn one_comes_back_once_in_the_same_browser_in_time() {
    let (_provider, service) = house().await;
    let (mine, theirs) = (begin(&service).await, begin(&service).await);
    let path = sign_in(&mine).await;
    // An address that somebody was sent, opened by who began nothing, or something else.
    for cookie in ["", &theirs.cookie, &format!("{COOKIE}=x"), &format!("{}0", mine.cookie)] {
        let came = come_back(&service, &path, cookie).await;
        assert_eq!(came.status, 401, "{cookie}: {}", came.text);
        assert_eq!(came.header("set-cookie"), "", "another's sign-in goes on");
    }
    // A second cookie of the name was planted.
    let two = format!("{}; {}", mine.cookie, theirs.cookie);
    assert_eq!(come_back(&service, &path, &two).await.status, 401);
    for path in ["/v1/auth/oidc/callback", "/v1/auth/oidc/callback?code=kode-0&state="] {
        assert_eq!(come_back(&service, path, &mine.cookie).await.status, 401);
    }
    let other_provider = path.replace("iss=http", "iss=https");
    assert_eq!(come_back(&service, &path, &mine.cookie).await.status, 200);
    let again = come_back(&service, &path, &mine.cookie).await;
    assert_eq!(again.status, 401, "{}", again.text);
    assert_eq!(come_back(&service, &other_provider, &mine.cookie).await.status, 401);

    // Refused there, or mixed up with another provider.
    for tail in ["&error=access_denied", "&iss=https://lain.example"] {
        let begun = begin(&service).await;
        let path = sign_in(&begun).await;
        let path = path.split("&session_state").next().unwrap().to_owned() + tail;
        assert_eq!(come_back(&service, &path, &begun.cookie).await.status, 401);
        assert_eq!(come_back(&service, &path, &begun.cookie).await.status, 401);
    }

    let late = begin(&service).await;
    let path = sign_in(&late).await;
    service.clock.set(at(NOON) + TimeDelta::minutes(10));
    assert_eq!(come_back(&service, &path, &late.cookie).await.status, 401);
    service.app.forget().await.unwrap();
    let left = handshake::entity::Entity::find().all(&service.app.store.reader).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_not_exchanged() {
    let (_provider, service) = house().await;
    let (mine, theirs) = (begin(&service).await, begin(&service).await);
    let (path, other) = (sign_in(&mine).await, sign_in(&theirs).await);
    let code = |path: &str| path.split(['=', '&']).nth(1).unwrap().to_owned();
    // Planted in the way back of somebody else, it fails at the provider: PKCE.
    let mixed = path.replace(&code(&path), &code(&other));
    assert_eq!(come_back(&service, &mixed, &mine.cookie).await.status, 401);
}

#[tokio::test]
async fn of_those_who_come_back_at_the_same_moment_one_comes_in() {
    let (_provider, service) = house().await;
    let begun = begin(&service).await;
    let path = sign_in(&begun).await;
    let all = (0..8).map(|_| come_back(&service, &path, &begun.cookie));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|came| came.status == 200).count(), 1);
    assert_eq!(all.iter().filter(|came| came.status == 401).count(), 7);
}

#[tokio::test]
async fn a_provider_that_cannot_be_used_is_said_to_be_away() {
    let (provider, service) = house().await;
    let mut now = at(NOON);
    for trick in [Trick::Down, Trick::Huge, Trick::Impostor] {
        provider.inside().trick = trick;
        let sent = service.get("/v1/auth/oidc?lang=en").await;
        assert_eq!(sent.status, 503, "{trick:?}: {}", sent.text);
        assert_eq!(sent.header("retry-after"), "10");
        assert!(sent.body["detail"].as_str().unwrap().contains("come in with a code"));
        assert_eq!(sent.header("set-cookie"), "");
        let asked = provider.inside().asked;
        assert_eq!(service.get("/v1/auth/oidc").await.status, 503);
        assert_eq!(provider.inside().asked, asked, "it is left alone for a while");
        now += TimeDelta::seconds(5);
        service.clock.set(now);
    }
    provider.inside().trick = Trick::None;
    for trick in [Trick::TokensDown, Trick::Elsewhere, Trick::HugeToken, Trick::NoToken] {
        provider.inside().trick = trick;
        let came = come_in(&service).await;
        assert_eq!(came.status, 503, "{trick:?}: {}", came.text);
    }
    provider.inside().trick = Trick::None;
    assert_eq!(come_in(&service).await.status, 200);
    // Nobody listens at all.
    let nowhere = "http://127.0.0.1:9";
    let service = over_at(Place::empty().await, nowhere, &[]).await;
    assert_eq!(service.get("/v1/auth/oidc").await.status, 503);
}

#[tokio::test]
async fn a_new_key_is_found() {
    let (provider, service) = house().await;
    assert_eq!(come_in(&service).await.status, 200);
    provider.inside().kid = "k2".to_owned();
    let asked = provider.inside().asked;
    assert_eq!(come_in(&service).await.status, 401, "asked a moment ago");
    assert_eq!(provider.inside().asked, asked);
    service.clock.set(at(NOON) + TimeDelta::minutes(1));
    assert_eq!(come_in(&service).await.status, 200);
}

#[tokio::test]
async fn what_is_kept_of_it_is_told_and_forgotten() {
    let (_provider, service) = house().await;
    let came = come_in(&service).await;
    let token = came.body["access_token"].as_str().unwrap();
    let export = service.send(service.request("/v1/me/export").bearer_auth(token)).await;
    let known = &export.body["identities"][0];
    assert!(known["issuer"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{}", export.text);
    let id = came.body["account"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        service.send(service.method("DELETE", "/v1/me").bearer_auth(token)).await.status,
        204
    );
    assert!(identity::of(&service.app.store.reader, id).await.unwrap().is_empty());
    assert_eq!(come_in(&service).await.status, 403);
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_door() {
    let service = Service::empty().await;
    for path in ["/v1/auth/oidc", "/v1/auth/oidc/callback?code=a&state=b"] {
        let reply = service.get(path).await;
        assert_eq!(reply.status, 404, "{}", reply.text);
        assert_eq!(reply.body["type"], "/problems/not-found");
    }
}

#[tokio::test]
async fn one_address_begins_thirty_times_an_hour() {
    let provider = Provider::start(NUMBER, WATI).await;
    let service = over(Place::empty().await, &provider, &["--rate=on"]).await;
    for _ in 0..30 {
        assert_eq!(service.get("/v1/auth/oidc").await.status, 303);
    }
    assert_eq!(service.get("/v1/auth/oidc").await.status, 429);
}

#[test]
fn half_a_provider_is_a_fault_of_the_settings() {
    let faults = |flags: &[&str]| tests::settings(flags).faults().join("\n");
    let rest = ["--oidc-client-id=a", "--oidc-client-secret=b", "--public-url=https://c.example"];
    let with = |issuer: &str| faults(&[&[issuer], &rest[..]].concat());
    assert_eq!(with("--oidc-issuer=https://sso.example/realms/pemda"), "");
    assert_eq!(with("--oidc-issuer=http://127.0.0.1:8081"), "", "to try it out");
    for issuer in ["http://sso.example", "sso.example", "https://sso.example/?a=b"] {
        let said = with(&format!("--oidc-issuer={issuer}"));
        assert!(said.contains("GRIYA_OIDC_ISSUER"), "{issuer}: {said}");
    }
    for missing in 0..3 {
        let mut flags = vec!["--oidc-issuer=https://sso.example"];
        flags.extend(rest.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, flag)| flag));
        assert!(faults(&flags).contains("set all four"), "{flags:?}");
    }
    assert!(faults(&["--oidc-client-secret=b"]).contains("set all four"));
    assert!(!json!(faults(&rest)).to_string().contains("=b"));
}
