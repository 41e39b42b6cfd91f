//! A maker's week, from the first code to the found listing, on a bad line and with other people at
//! the same desk.

use std::io::Cursor;

use domain::account::Role;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tests::{Reply, Service, Who};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LISTING: &str = "/v1/listings/sentra-batik-tulis-giriloyo";
const PRODUCER: &str = "/v1/producers/sentra-batik-tulis-giriloyo";

fn ok(reply: Reply) -> Reply {
    assert!(reply.status.is_success(), "{}", reply.text);
    reply
}

/// A photograph of 640 by 480 pixels, with as much in it as makes some ten thousand bytes.
fn photograph() -> Vec<u8> {
    let shade = |x: u32, y: u32| u8::try_from(((x * 7) ^ (y * 13)) % 256).unwrap_or(0);
    let picture = image::RgbImage::from_fn(640, 480, |x, y| {
        image::Rgb([shade(x, y), shade(y, x), shade(x + y, x)])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Sends a part of a picture and lets the line drop after `cut` bytes of it.
async fn drop_the_line(service: &Service, location: &str, part: &[u8], cut: usize) {
    let host = service.url.strip_prefix("http://").unwrap();
    let mut line = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PATCH {location} HTTP/1.1\r\nHost: {host}\r\nUpload-Offset: 0\r\nContent-Length: {}\r\n\
         Content-Type: application/offset+octet-stream\r\n\r\n",
        part.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&part[..cut]).await.unwrap();
    line.shutdown().await.unwrap();
    // What the service says to half a body, if anything, is nobody's to read.
    let _ = line.read_to_end(&mut Vec::new()).await;
}

/// Uploads a picture over a line that drops in the middle, and goes on where it stopped.
async fn upload(service: &Service, who: &Who) -> Value {
    let picture = photograph();
    let wanted = json!({"size": picture.len()});
    let ticket = ok(service.say(who, "POST", "/v1/media/uploads", &wanted).await);
    let location = ticket.header("location").to_owned();
    drop_the_line(service, &location, &picture, picture.len() / 2).await;
    let mut offset = 0;
    loop {
        let head = service.send(service.method("HEAD", &location)).await;
        let there: usize = head.header("upload-offset").parse().unwrap();
        assert!(there >= offset, "what came stays");
        offset = there;
        let rest = service
            .method("PATCH", &location)
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
            .body(picture[offset..].to_vec());
        let reply = service.send(rest).await;
        match reply.status.as_u16() {
            // The half that was under way came in between.
            409 => {}
            201 | 200 => return reply.body,
            other => panic!("{other}: {}", reply.text),
        }
    }
}

async fn tag(service: &Service, who: &Who) -> String {
    ok(service.read(who, LISTING).await).header("etag").to_owned()
}

#[tokio::test]
async fn a_makers_week() {
    let service = Service::start().await;
    let officer = service.person(Role::Editor, &["dinas-kukmp"]).await;

    // She comes in with a code to her phone, and asks to keep what is hers.
    let sri = service.come_in("0812 3456 7890").await;
    let evidence = json!({"evidence": "Saya ketua kelompok sejak 2008."});
    let claim = ok(service.say(&sri, "POST", &format!("{LISTING}/claims"), &evidence).await);
    let claim = claim.header("location").to_owned();
    ok(service.say(&officer, "POST", &format!("{claim}/approve"), &json!({})).await);
    assert!(service.letters("+6281234567890", 2).await[1].contains("kelola"));

    // A picture over a line that drops; it becomes part of a change that waits.
    let picture = upload(&service, &sri).await;
    let image = json!({"src": picture["src"], "srcset": picture["srcset"],
        "width": picture["width"], "height": picture["height"], "thumbhash": picture["thumbhash"],
        "alt": {"id": "Kain batik tulis"}, "credit": "Sri", "licence": "CC-BY-4.0"});
    ok(service.get(picture["src"].as_str().unwrap()).await);

    // Two people save at once from what both have read: the second is told.
    let (hers, his) = (tag(&service, &sri).await, tag(&service, &officer).await);
    let patch = |who: &Who, tag: &str, patch: &Value| {
        let name = HeaderName::from_static("if-match");
        service
            .saying(who, "PATCH", PRODUCER, patch)
            .header(name, HeaderValue::from_str(tag).unwrap())
    };
    let officers = patch(&officer, &his, &json!({"languages_spoken": ["id", "jv"]}));
    ok(service.send(officers).await);
    let proposal = json!({"media": [image], "hours": "Mo-Su 08:00-17:00"});
    let late = service.send(patch(&sri, &hers, &proposal)).await;
    assert_eq!(late.status, 412, "{}", late.text);
    let proposed = ok(service.send(patch(&sri, &tag(&service, &sri).await, &proposal)).await);
    assert_eq!(proposed.body["revision"]["status"], "pending");
    let before = ok(service.get(PRODUCER).await);
    assert_eq!(before.body["media"], json!([]), "the old state stays public");

    // Refused with a reason that she can read, in her language; changed; approved; found.
    let revision = |reply: &Reply| reply.body["revision"]["id"].as_str().unwrap().to_owned();
    let refuse = format!("{LISTING}/revisions/{}/refuse", revision(&proposed));
    let reason = json!({"reason": "Hari Minggu tutup, menurut ketua RT."});
    ok(service.say(&officer, "POST", &refuse, &reason).await);
    assert!(service.letters("+6281234567890", 3).await[2].contains("Hari Minggu tutup"));
    let better = json!({"media": proposal["media"], "hours": "Mo-Sa 08:00-17:00; Su off",
                        "tags": ["pewarna-alam-sri"]});
    let again = ok(service.send(patch(&sri, &tag(&service, &sri).await, &better)).await);
    let approve = format!("{LISTING}/revisions/{}/approve", revision(&again));
    ok(service.say(&officer, "POST", &approve, &json!({})).await);

    // The moment the answer arrives.
    let found = ok(service.get("/v1/discover?tag=pewarna-alam-sri").await);
    assert_eq!(found.body["total"], 1);
    assert_eq!(found.body["items"][0]["image"]["src"], picture["src"]);
    let history = ok(service.read(&officer, &format!("{LISTING}/history")).await);
    let items = history.body["items"].as_array().unwrap();
    let actions: Vec<&str> = items.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions[..4], ["approve", "propose", "refuse", "propose"], "{actions:?}");
    let verdict = domain::audit::verify(&service.app.store.reader, None).await.unwrap();
    assert_eq!(verdict.findings, []);
}
