//! Pictures: brought whole or in parts, described, shown; and what hostile files leave behind.

use std::{collections::BTreeSet, convert::Infallible, io::Write as _, net::TcpStream, path::Path};

use chrono::TimeDelta;
use domain::{
    account::Role,
    audit::digest,
    media::picture::MAX_BYTES,
    record,
    writer::{Unit, Write},
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};
use tests::{NOON, Place, Reply, Service, at};

const FORM: &str = "multipart/form-data; boundary=edge";
const PART: &str = "application/offset+octet-stream";

/// A picture of `width` × `height` pixels, unlike that of any other `shade`.
fn picture(format: ImageFormat, width: u32, height: u32, shade: u8) -> Vec<u8> {
    let share = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap_or(u8::MAX);
    let shaded =
        RgbImage::from_fn(width, height, |x, y| Rgb([shade, share(x, width), share(y, height)]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(shaded).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn photo(shade: u8) -> Vec<u8> {
    picture(ImageFormat::Jpeg, 800, 600, shade)
}

/// The form with the parts `(name, content)`.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.exe\"\r\n\
             Content-Type: application/x-msdownload\r\n\r\n"
        );
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(b"--edge--\r\n");
    body
}

async fn send(service: &Service, token: &str, media: &str, body: Vec<u8>) -> Reply {
    let request = service.method("POST", "/v1/media").bearer_auth(token);
    service.send(request.header("content-type", media).body(body)).await
}

async fn bring(service: &Service, token: &str, file: &[u8]) -> Reply {
    send(service, token, FORM, form(&[("file", file)])).await
}

async fn open(service: &Service, token: &str, body: Value) -> Reply {
    let request = service.method("POST", "/v1/media/uploads").bearer_auth(token);
    service.send(request.json(&body)).await
}

async fn part(service: &Service, location: &str, offset: usize, bytes: &[u8]) -> Reply {
    let request = service.method("PATCH", location).header("content-type", PART);
    service.send(request.header("upload-offset", offset).body(bytes.to_vec())).await
}

async fn head(service: &Service, location: &str) -> Reply {
    service.send(service.method("HEAD", location)).await
}

/// The names of all files below `folder`.
fn files(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { [path.display().to_string()].into() }
        })
        .collect()
}

/// What is on its way, and what is on the shelf.
fn kept(service: &Service) -> (BTreeSet<String>, BTreeSet<String>) {
    let folder = service.place.folder();
    (files(&folder.join("uploads")), files(&folder.join("media")))
}

#[tokio::test]
async fn a_picture_that_is_brought_can_be_put_into_a_listing_and_seen() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let sent = photo(1);
    let reply = bring(&service, &token, &sent).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let id = digest(&sent);
    assert_eq!(reply.header("location"), format!("/v1/media/{id}"));
    assert_eq!(reply.body["id"], id);
    assert_eq!(reply.body["src"], format!("/media/{id}/800.webp"));
    assert_eq!((&reply.body["width"], &reply.body["height"]), (&json!(800), &json!(600)));
    assert_eq!(
        reply.body["srcset"],
        format!("/media/{id}/320.webp 320w, /media/{id}/640.webp 640w, /media/{id}/800.webp 800w")
    );
    assert_eq!(reply.body["types"]["image/jpeg"]["src"], format!("/media/{id}/800.jpg"));
    assert_eq!(service.get(&format!("/v1/media/{id}")).await.body, reply.body);
    let bytes = service.request(&format!("/media/{id}/320.webp"));
    let bytes = service.send(bytes.header("accept", "application/octet-stream")).await;
    assert_eq!(bytes.header("content-type"), "application/octet-stream");
    assert_eq!(bytes.header("vary"), "Accept");
    let image = json!({
        "src": reply.body["src"], "srcset": reply.body["srcset"], "width": 800, "height": 600,
        "thumbhash": reply.body["thumbhash"], "alt": {"id": "Batik"}, "credit": "Sri", "licence": "CC-BY-4.0"
    });
    assert!(serde_json::from_value::<domain::listing::Image>(image).is_ok());
    for (media, source) in reply.body["types"].as_object().unwrap() {
        for path in source["srcset"].as_str().unwrap().split(", ") {
            let (path, width) = path.split_once(' ').unwrap();
            let answer = service.request(path).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], media.as_str());
            let bytes = answer.bytes().await.unwrap();
            let shown = image::load_from_memory(&bytes).unwrap();
            assert_eq!(format!("{}w", shown.width()), width);
        }
    }
}

#[tokio::test]
async fn the_bytes_of_a_picture_never_change_and_need_no_database() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let src = bring(&service, &token, &photo(2)).await.body["src"].as_str().unwrap().to_owned();
    service.app.store.reader.clone().close().await.unwrap();
    let reply = service.get(&src).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    let length: usize = reply.header("content-length").parse().unwrap();
    assert!(length > 100);
    let tag = reply.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag} is strong");
    let again = service.send(service.request(&src).header("if-none-match", tag)).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let only_head = service.send(service.method("HEAD", &src)).await;
    assert_eq!(only_head.header("content-length"), reply.header("content-length"));
    assert_eq!(only_head.text, "");
}

#[tokio::test]
async fn a_file_that_was_never_made_is_not_found() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let id = digest(photo(3));
    assert_eq!(bring(&service, &token, &photo(3)).await.status, 201);
    let (upper, other) = (id.to_uppercase(), digest("nothing"));
    for path in [
        format!("/media/{id}/801.webp"),
        format!("/media/{id}/0800.webp"),
        format!("/media/{id}/+800.webp"),
        format!("/media/{id}/800.png"),
        format!("/media/{id}/800"),
        format!("/media/{upper}/800.webp"),
        format!("/media/{other}/800.webp"),
        format!("/media/{id}/..%2F..%2Fgriya.db"),
        "/media/../griya.db".to_owned(),
        "/media/..%2F/griya.db".to_owned(),
        "/media/%FF/800.webp".to_owned(),
        format!("/v1/media/{other}"),
    ] {
        assert_eq!(service.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_same_picture_is_here_once_whoever_brings_it() {
    let service = Service::empty().await;
    let (one, other) = (
        service.person(Role::Producer, &[]).await.token,
        service.person(Role::Producer, &[]).await.token,
    );
    let sent = photo(4);
    // At the same moment, and once more.
    let (first, second) =
        futures_util::join!(bring(&service, &one, &sent), bring(&service, &other, &sent));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201], "{} {}", first.text, second.text);
    let before = kept(&service);
    let third = bring(&service, &other, &sent).await;
    assert_eq!((third.status.as_u16(), &third.body), (200, &first.body));
    assert_eq!(first.body, second.body);
    assert_eq!(kept(&service), before);
    assert_eq!(before.1.len(), 6);
}

#[tokio::test]
async fn a_picture_is_brought_by_somebody() {
    let service = Service::empty().await;
    let nobody = service.method("POST", "/v1/media").header("content-type", FORM);
    let reply = service.send(nobody.body(form(&[("file", &photo(5))]))).await;
    assert_eq!(reply.status, 401);
    let nobody = service.method("POST", "/v1/media/uploads");
    assert_eq!(service.send(nobody.json(&json!({"size": 10}))).await.status, 401);
    assert_eq!(kept(&service), Default::default());
}

#[tokio::test]
async fn a_form_that_is_not_as_it_should_be_leaves_nothing() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let (whole, photo) = (form(&[("file", &photo(6))]), photo(6));
    let cut = whole[..whole.len() / 2].to_vec();
    let cases = [
        (415, "application/json", b"{}".to_vec(), "unsupported-media"),
        (400, "multipart/form-data", whole.clone(), "invalid-body"),
        (400, "multipart/form-data; boundary=other", whole.clone(), "invalid-body"),
        (400, FORM, cut, "invalid-body"),
        (400, FORM, b"nonsense".to_vec(), "invalid-body"),
        (422, FORM, form(&[]), "invalid"),
        (422, FORM, form(&[("file", &photo), ("file", &photo)]), "invalid"),
        (422, FORM, form(&[("file", &photo), ("name", b"Sri")]), "invalid"),
        (422, FORM, form(&[("photo", &photo)]), "invalid"),
        (422, FORM, form(&[("file", b"")]), "invalid"),
    ];
    for (status, media, body, kind) in cases {
        let reply = send(&service, &token, media, body).await;
        assert_eq!(reply.status, status, "{media} {}", reply.text);
        assert_eq!(reply.body["type"], format!("/problems/{kind}"));
    }
    assert_eq!(kept(&service), Default::default());
}

#[tokio::test]
async fn a_file_that_is_no_picture_is_refused_with_the_place_of_the_fault_and_leaves_nothing() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let png = picture(ImageFormat::Png, 64, 64, 7);
    let mut huge = png.clone();
    // The checksum does not fit either: whatever is looked at first, it is refused.
    huge[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let gif = b"GIF89a/*\x01\0\x01\0*/=1;alert(1)//".to_vec();
    let hostile = [photo(7)[..900].to_vec(), png[..100].to_vec(), huge, gif, b"%PDF-1.7".to_vec()];
    for file in hostile {
        let reply = bring(&service, &token, &file).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.body["errors"][0]["pointer"], "/file");
    }
    assert_eq!(kept(&service), Default::default());
}

/// 30,000 × 30,000 pixels would be 900 MB of memory, 16,384 × 16,384 as WebP a gigabyte.
#[tokio::test]
async fn a_few_bytes_that_promise_a_gigabyte_of_pixels_are_refused() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let png = include_bytes!("../fuzz/corpus/picture/huge.png").to_vec();
    // RFC 9649 §3.4: a signature, then each side less one in 14 bits.
    let webp = b"RIFF\x16\0\0\0WEBPVP8L\x0A\0\0\0\x2F\xFF\xFF\xFF\x0F\0\0\0\0\0".to_vec();
    for bomb in [png, webp] {
        let reply = bring(&service, &token, &bomb).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.body["errors"][0]["code"], "out_of_range", "{}", reply.text);
    }
    assert_eq!(kept(&service), Default::default());
}

#[tokio::test]
async fn a_file_beyond_fifteen_megabytes_is_too_large_and_leaves_nothing() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let most = usize::try_from(MAX_BYTES).unwrap();
    assert_eq!(bring(&service, &token, &vec![0; most]).await.status, 422, "it is no picture");
    assert_eq!(bring(&service, &token, &vec![0; most + 1]).await.status, 413);
    // Without a length that could be looked at before.
    let chunks = form(&[("file", &vec![0; most + 1])]);
    let chunks: Vec<_> =
        chunks.chunks(1 << 20).map(|part| Ok::<_, Infallible>(part.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let request = service.method("POST", "/v1/media").bearer_auth(&token);
    let reply = service.send(request.header("content-type", FORM).body(body)).await;
    assert_eq!(reply.status, 413);
    assert_eq!(kept(&service), Default::default());
}

#[tokio::test]
async fn a_picture_comes_in_parts_over_a_bad_line() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let sent = photo(8);
    let half = sent.len() / 2;
    let opened = open(&service, &token, json!({"size": sent.len(), "sha256": digest(&sent)})).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert_eq!(opened.body["offset"], 0);
    assert_eq!(at(opened.body["expires_at"].as_str().unwrap()), at(NOON) + TimeDelta::hours(24));
    let location = opened.body["location"].as_str().unwrap();
    assert_eq!(opened.header("location"), location);
    // No token from here on: the ticket is enough.
    let first = part(&service, location, 0, &sent[..half]).await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (204, ""));
    assert_eq!(first.header("upload-offset"), half.to_string());
    let asked = head(&service, location).await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("upload-offset"), half.to_string());
    assert_eq!(asked.header("upload-length"), sent.len().to_string());
    assert_eq!(asked.header("cache-control"), "no-store");
    for wrong in [0, half - 1, half + 1] {
        let reply = part(&service, location, wrong, &sent[half..]).await;
        assert_eq!(reply.status, 409, "{wrong}");
        assert_eq!(reply.header("upload-offset"), half.to_string());
    }
    let last = part(&service, location, half, &sent[half..]).await;
    assert_eq!(last.status, 201, "{}", last.text);
    assert_eq!(last.body, bring(&service, &token, &sent).await.body);
    assert_eq!(head(&service, location).await.status, 410);
    assert_eq!(part(&service, location, sent.len(), b"").await.status, 410);
    assert!(kept(&service).0.is_empty());
}

#[tokio::test]
async fn what_came_before_a_line_was_cut_is_kept() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let sent = photo(9);
    let opened = open(&service, &token, json!({"size": sent.len()})).await;
    let location = opened.body["location"].as_str().unwrap();
    let mut line = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).unwrap();
    let head_of_it = format!(
        "PATCH {location} HTTP/1.1\r\nHost: griya\r\nContent-Type: {PART}\r\n\
         Upload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        sent.len()
    );
    line.write_all(head_of_it.as_bytes()).unwrap();
    line.write_all(&sent[..1000]).unwrap();
    drop(line);
    // The service hears of it when it hears of it; then exactly these bytes are there.
    while head(&service, location).await.header("upload-offset") != "1000" {
        tokio::task::yield_now().await;
    }
    assert_eq!(part(&service, location, 1000, &sent[1000..]).await.status, 201);
}

#[tokio::test]
async fn a_ticket_is_good_for_what_it_was_given_for() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let sent = photo(10);
    for (body, pointer) in [
        (json!({"size": 0}), "/size"),
        (json!({"size": MAX_BYTES + 1}), "/size"),
        (json!({"size": 10, "sha256": "ABC"}), "/sha256"),
        (json!({"size": 10, "name": "x"}), "/name"),
    ] {
        let reply = open(&service, &token, body).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer);
    }
    let opened = open(&service, &token, json!({"size": 1000})).await;
    let location = opened.body["location"].as_str().unwrap();
    assert_eq!(part(&service, location, 0, &sent[..1001]).await.status, 413);
    let plain =
        service.method("PATCH", location).header("content-type", "application/octet-stream");
    let reply = service.send(plain.header("upload-offset", 0).body("")).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    let typed = service.method("PATCH", location).header("content-type", "image/jpeg");
    let reply = service.send(typed.header("upload-offset", 0).body(sent.clone())).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("accept-patch")),
        (415, "application/offset+octet-stream, application/octet-stream")
    );
    for offset in ["", "-1", "x", "99999999999999999999"] {
        let odd = service.method("PATCH", location).header("content-type", PART);
        let reply = service.send(odd.header("upload-offset", offset).body("x")).await;
        assert_eq!(reply.status, 400, "{offset}");
        assert_eq!(reply.body["errors"][0]["header"], "Upload-Offset");
    }
    let other = format!("/v1/media/uploads/{}", digest("guessed"));
    assert_eq!(part(&service, &other, 0, b"x").await.status, 404);
    assert_eq!(head(&service, &other).await.status, 404);
    assert_eq!(head(&service, location).await.header("upload-offset"), "0");
}

#[tokio::test]
async fn parts_that_come_to_no_picture_use_the_ticket_up_and_leave_nothing() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let (sent, wanted) = (photo(11), digest(photo(12)));
    for (bytes, sha256, code) in
        [(b"no picture".to_vec(), None, "bad_format"), (sent, Some(wanted), "bad_digest")]
    {
        let opened = open(&service, &token, json!({"size": bytes.len(), "sha256": sha256})).await;
        let location = opened.body["location"].as_str().unwrap();
        let reply = part(&service, location, 0, &bytes).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.body["errors"][0]["code"], code);
        assert_eq!(head(&service, location).await.status, 410);
    }
    assert_eq!(kept(&service), Default::default());
}

#[tokio::test]
async fn a_ticket_ends_after_a_day_and_what_came_with_it_goes() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let opened = open(&service, &token, json!({"size": 1000})).await;
    let location = opened.body["location"].as_str().unwrap();
    assert_eq!(part(&service, location, 0, &[7; 500]).await.status, 204);
    assert_eq!(kept(&service).0.len(), 1);
    service.clock.set(at(NOON) + TimeDelta::hours(24));
    assert_eq!(head(&service, location).await.status, 410);
    assert_eq!(part(&service, location, 500, &[7; 500]).await.status, 410);
    // Whoever comes next takes it out.
    assert_eq!(open(&service, &token, json!({"size": 1000})).await.status, 201);
    assert!(kept(&service).0.is_empty());
}

#[tokio::test]
async fn an_account_has_so_much_on_its_way_and_no_more() {
    let service = Service::empty().await;
    let (many, large) = (
        service.person(Role::Producer, &[]).await.token,
        service.person(Role::Producer, &[]).await.token,
    );
    for _ in 0..10 {
        assert_eq!(open(&service, &many, json!({"size": 1})).await.status, 201);
    }
    let reply = open(&service, &many, json!({"size": 1})).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert!(reply.header("retry-after").parse::<u32>().unwrap() > 0);
    for _ in 0..4 {
        assert_eq!(open(&service, &large, json!({"size": MAX_BYTES})).await.status, 201);
    }
    assert_eq!(open(&service, &large, json!({"size": 1})).await.status, 429);
    service.clock.set(at(NOON) + TimeDelta::hours(24));
    assert_eq!(open(&service, &many, json!({"size": 1})).await.status, 201);
}

#[tokio::test]
async fn damaged_and_random_files_are_refused_or_shown_and_never_break_anything() {
    let service = Service::empty().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40);
    let cases = (0..4_usize, damage, prop::collection::vec(any::<u8>(), 0..2000));
    let mut runner = TestRunner::deterministic();
    for _ in 0..48 {
        let (format, damage, noise) = cases.new_tree(&mut runner).unwrap().current();
        let file = match formats.get(format) {
            None => noise,
            Some(format) => {
                let mut file = picture(*format, 40, 30, 13);
                for (at, byte) in damage {
                    let at = at.index(file.len());
                    file[at] = byte;
                }
                file
            }
        };
        let before = kept(&service);
        let reply = bring(&service, &token, &file).await;
        let after = kept(&service);
        assert!(after.0.is_empty(), "something stayed on its way");
        if !reply.status.is_success() {
            assert!(reply.status.is_client_error(), "{}", reply.text);
            assert_eq!(after, before);
        }
    }
}

/// With `TEST_S3_URL` naming a server, such as `http://127.0.0.1:4568` with a bucket `griya`, and its
/// keys in `TEST_S3_KEY_ID` and `TEST_S3_SECRET`.
#[tokio::test]
async fn pictures_lie_on_an_s3_server_too() {
    #[expect(clippy::disallowed_methods, reason = "tests choose their server by environment")]
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let Some(endpoint) = variable("TEST_S3_URL") else { return };
    let (key, secret) = (variable("TEST_S3_KEY_ID").unwrap(), variable("TEST_S3_SECRET").unwrap());
    let endpoint = format!("--s3-endpoint={endpoint}");
    let (key, secret) = (format!("--s3-key-id={key}"), format!("--s3-secret={secret}"));
    let flags = ["--media-url=s3://griya/some/where", &endpoint, &key, &secret];
    let service = Service::over(Place::empty().await, &flags).await;
    let token = service.person(Role::Producer, &[]).await.token;
    for status in [201, 200] {
        let reply = bring(&service, &token, &photo(14)).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        let src = reply.body["types"]["image/jpeg"]["src"].as_str().unwrap();
        let shown = service.request(src).send().await.unwrap();
        assert_eq!(shown.headers()["content-type"], "image/jpeg");
        assert_eq!(image::load_from_memory(&shown.bytes().await.unwrap()).unwrap().width(), 800);
        assert_eq!(service.get(&src.replace("800", "801")).await.status, 404);
    }
    assert_eq!(kept(&service), Default::default(), "nothing lies here");
    let lost = [flags[0], "--s3-endpoint=http://127.0.0.1:1", flags[2], flags[3]];
    let service = Service::over(Place::empty().await, &lost).await;
    let token = service.person(Role::Producer, &[]).await.token;
    let reply = bring(&service, &token, &photo(14)).await;
    assert!(reply.status.is_server_error(), "a picture that lies nowhere is not promised");
    let id = digest(photo(14));
    assert_eq!(service.get(&format!("/v1/media/{id}")).await.status, 404);
}

#[tokio::test]
async fn the_first_picture_of_a_listing_is_in_the_bundles_at_its_narrowest() {
    let service = Service::start().await;
    let token = service.person(Role::Producer, &[]).await.token;
    let picture = bring(&service, &token, &photo(1)).await.body;
    let record = record::named(&service.app.store.reader, "pantai-parangtritis").await.unwrap();
    let mut record = record.unwrap();
    record.listing.version += 1;
    // A picture that never came is no reason to make none.
    for (missing, src) in
        [picture["src"].as_str().unwrap(), &format!("/media/{}/640.jpg", "0".repeat(64))]
            .into_iter()
            .enumerate()
    {
        let mut record = record.clone();
        record.listing.version += i64::try_from(missing).unwrap();
        let image = json!({"src": src, "width": 800, "height": 600, "alt": {"id": "Pantai"},
                           "credit": "Sri", "licence": "CC-BY-4.0"});
        record.listing.media.0 = vec![serde_json::from_value(image).unwrap()];
        let write = Write::Listing { record: Box::new(record), former_slug: None };
        service.app.write(Unit::new(vec![write], "test", at(NOON))).await.unwrap();
        let bundles = crate::bundles::made(&service).await;
        for code in ["all", "34.02.03"] {
            let members = crate::bundles::members(&service, &bundles[code]).await;
            let pictures: Vec<_> =
                members.iter().filter(|(name, _)| name.starts_with("media/")).collect();
            assert_eq!(pictures.len(), 1 - missing, "{code}");
            assert_eq!(bundles[code]["counts"]["pictures"], 1 - missing);
            for (name, bytes) in pictures {
                assert!(name.ends_with("/320.webp"));
                let file = service.request(&format!("/{name}")).send().await.unwrap();
                assert_eq!(file.bytes().await.unwrap(), bytes[..]);
            }
        }
    }
}
