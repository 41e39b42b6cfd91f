//! What is private leaves by no door: marked values are planted everywhere, and looked for in all
//! that the public, and people who stand in no relation to them, can get.

use domain::account::Role;
use serde_json::{Value, json};
use tests::{Service, Who};

/// What must be seen by nobody but who it is for.
const MARK: &str = "rahasia7f3";

fn mark(what: &str) -> String {
    format!("{MARK} {what}")
}

/// A maker, published, with something private in every corner; her slug.
async fn plant(service: &Service, sri: &Who, officer: &Who) -> String {
    let ok = async |who: &Who, method: &str, path: &str, body: Value| {
        let reply = service.say(who, method, path, &body).await;
        assert!(reply.status.is_success(), "{path}: {}", reply.text);
        reply
    };
    let picture = json!([{"src": "https://contoh.example/a.jpg", "width": 1, "height": 1,
        "alt": {"id": "Kain"}, "credit": "Sri", "licence": "CC0-1.0"}]);
    let made = ok(
        sri,
        "POST",
        "/v1/producers",
        json!({
            "name": {"id": "Batik Terbuka"}, "category": "craft.batik", "form": "maker",
            "craft": "batik", "visit": "none", "location": {"lat": -7.92, "lon": 110.39},
            "media": picture,
            "address": {"street": mark("jalan"), "directions": {"id": mark("arah")}},
            "contacts": [{"type": "email", "value": "terbuka@contoh.example", "public": true},
                         {"type": "website", "value": format!("https://{MARK}.example")},
                         {"type": "instagram", "value": format!("{MARK}.ig")}],
        }),
    );
    let slug = made.await.body["slug"].as_str().unwrap().to_owned();
    let listing = format!("/v1/listings/{slug}");
    ok(sri, "POST", &format!("{listing}/submit"), json!({})).await;
    let reason = json!({"reason": mark("alasan")});
    ok(officer, "POST", &format!("{listing}/refuse"), reason.clone()).await;
    ok(sri, "POST", &format!("{listing}/submit"), json!({})).await;
    let queue = service.read(officer, "/v1/moderation/queue").await;
    let item = queue.body["items"][0]["id"].as_str().unwrap().to_owned();
    let comments = format!("/v1/moderation/queue/{item}/comments");
    ok(officer, "POST", &comments, json!({"text": mark("catatan")})).await;
    ok(officer, "POST", &format!("{listing}/publish"), json!({})).await;
    // A proposal that nobody has decided on, a claim, a draft.
    let path = format!("/v1/producers/{slug}");
    let proposal = json!({"summary": {"id": mark("usulan")}, "tags": [MARK]});
    assert!(service.change(sri, &path, &proposal).await.status.is_success());
    let claims = "/v1/listings/sentra-batik-tulis-giriloyo/claims";
    ok(sri, "POST", claims, json!({"evidence": mark("bukti")})).await;
    ok(sri, "POST", "/v1/places", json!({
        "slug": format!("{MARK}-draf"), "name": {"id": mark("draf")}, "category": "nature.beach",
        "location": {"lat": -8.0, "lon": 110.3},
    })).await;
    // What was public once and was taken back is the past's.
    let taken_back = json!({"contacts": [{"type": "phone", "value": "+6281200000001"}]});
    ok(officer, "POST", &format!("{listing}/suspend"), reason).await;
    assert!(service.change(officer, &path, &taken_back).await.status.is_success());
    ok(officer, "POST", &format!("{listing}/restore"), json!({})).await;
    slug
}

#[tokio::test]
async fn nothing_private_leaves_by_any_door() {
    let service = Service::start().await;
    let (sri, officer) = (
        service.person(Role::Producer, &[]).await,
        service.person(Role::Editor, &["dinas-kukmp"]).await,
    );
    let slug = plant(&service, &sri, &officer).await;
    let others = [
        service.person(Role::Producer, &[]).await,
        service.person(Role::Editor, &["dinas-kebudayaan"]).await,
    ];
    let listing = format!("/v1/listings/{slug}");
    let paths = [
        format!("/v1/producers/{slug}"),
        format!("/v1/producers/{slug}?texts=all"),
        format!("/v1/producers/{slug}?format=geojson"),
        format!("/v1/producers/{slug}/products"),
        format!("{listing}/history"),
        listing.clone(),
        format!("{listing}/revisions"),
        format!("{listing}/maintainers"),
        "/v1/listings/sentra-batik-tulis-giriloyo/history".to_owned(),
        "/v1/listings/sentra-batik-tulis-giriloyo/revisions".to_owned(),
        format!("/v1/listings/{MARK}-draf"),
        format!("/v1/places/{MARK}-draf"),
        "/v1/discover?limit=100&sort=updated".to_owned(),
        format!("/v1/discover?q={MARK}"),
        format!("/v1/discover?q={MARK}%20usulan&highlight=true"),
        format!("/v1/suggest?q={MARK}"),
        "/v1/producers?limit=100&sort=updated&format=geojson".to_owned(),
        "/v1/places?limit=100&sort=updated".to_owned(),
        "/v1/categories".to_owned(),
        "/v1/areas".to_owned(),
        "/v1/agencies".to_owned(),
        "/v1/moderation/queue".to_owned(),
        "/openapi.json".to_owned(),
        "/health/ready".to_owned(),
    ];
    for path in &paths {
        let public = service.get(path).await;
        let mut replies = vec![public];
        for who in &others {
            replies.push(service.read(who, path).await);
        }
        for reply in replies {
            let mut text = reply.text.clone();
            // What the asker has sought is said back: in a problem's path, and put right.
            if path.contains(MARK) {
                let mut body = reply.body.clone();
                for echo in ["instance", "did_you_mean"] {
                    body.as_object_mut().map(|body| body.remove(echo));
                }
                text = body.to_string();
            }
            assert!(!text.contains(MARK), "{path}: {}", reply.text);
            assert!(!text.contains("+6281200000001"), "{path}: {}", reply.text);
            let ids = [&sri, &officer].map(|who| who.id.to_string());
            assert!(!ids.iter().any(|id| text.contains(id)), "{path}: {}", reply.text);
        }
    }
    // Whom it is for sees it.
    assert!(service.read(&sri, &listing).await.text.contains("usulan"));
    assert!(service.read(&officer, &format!("{listing}/history")).await.text.contains("alasan"));
}
