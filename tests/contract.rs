//! The contract says what the service does, and its examples are what the service answers.

use api::openapi::EXAMPLES;
use serde_json::Value;
use tests::Service;

/// `BLESS=1` accepts what is now; examples go into the documents when they are compiled in, so a
/// new example takes two runs.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
fn blessing() -> bool {
    std::env::var("BLESS").is_ok()
}

#[test]
fn the_checked_in_contract_is_what_the_code_makes() {
    for (file, document) in openapi::documents() {
        let text = openapi::print(document);
        if blessing() {
            openapi::bless(file, &text).unwrap();
        }
        assert!(
            openapi::checked_in(file).unwrap() == text,
            "{file} is not what the code makes: run `BLESS=1 cargo test -p tests contract` and review the difference"
        );
    }
}

#[tokio::test]
async fn the_service_serves_the_contract_in_both_versions() {
    let service = Service::start().await;
    let [(_, newest), (_, older)] = openapi::documents();
    assert_eq!(&service.get("/openapi.json").await.body, newest);
    assert_eq!(&service.get("/openapi-3.0.json").await.body, older);
    let asked = service
        .request("/openapi.json")
        .header("accept", "application/vnd.oai.openapi+json;version=3.0");
    let reply = service.send(asked).await;
    assert_eq!(reply.header("content-type"), "application/vnd.oai.openapi+json;version=3.0");
    assert_eq!(reply.body["openapi"], "3.0.3");
}

#[tokio::test]
async fn the_examples_of_the_contract_are_real_answers() {
    let service = Service::start().await;
    for example in EXAMPLES {
        let reply = service.get(example.path).await;
        assert_eq!(reply.status, 200, "{}: {}", example.path, reply.text);
        let media = reply.header("content-type").split(';').next();
        assert_eq!(media, Some(example.media), "{}", example.path);
        let file = format!("examples/{}", example.file);
        let text = if example.is_json() { openapi::print(&reply.body) } else { reply.text };
        if blessing() {
            openapi::bless(&file, &text).unwrap();
        }
        assert!(
            openapi::checked_in(&file).unwrap() == text,
            "{file} is no longer what the service answers"
        );
    }
}

#[test]
fn every_operation_has_examples_problems_and_a_name_of_its_kind() {
    let paths = api::document()["paths"].as_object().unwrap();
    let mut names = Vec::new();
    for (path, operation) in paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().values().map(move |operation| (path, operation))
    }) {
        let name = operation["operationId"].as_str().unwrap();
        let verbs = [
            "discover_",
            "list_",
            "get_",
            "create_",
            "update_",
            "delete_",
            "submit_",
            "withdraw_",
            "publish_",
            "refuse_",
            "suspend_",
            "archive_",
            "restore_",
            "merge_",
            "claim_",
            "approve_",
            "assign_",
            "comment_",
            "trust_",
            "set_",
            "stream_",
            "test_",
            "rotate_",
            "replay_",
        ];
        assert!(verbs.iter().any(|verb| name.starts_with(verb)), "{name}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
        assert!(!operation["tags"].as_array().unwrap().is_empty(), "{name}");
        for status in ["400", "429", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{name} has no {status}");
        }
        let responses = operation["responses"].as_object().unwrap();
        let leads = |status: &str| status.starts_with('2') || ["303", "307"].contains(&status);
        let good = responses.iter().filter(|(status, _)| leads(status));
        assert!(good.clone().count() > 0, "{name} never succeeds");
        // What only a person reads has no answer that everybody could get.
        let public = !operation["security"][0]["bearer"].is_array();
        let contents = good.flat_map(|(_, good)| good["content"].as_object().into_iter().flatten());
        for (media, content) in contents.filter(|_| public) {
            // A picture cannot be written down, nor a bundle.
            let shown = media.starts_with("image/")
                || media.ends_with("octet-stream")
                || media.ends_with("zip")
                || !content["example"].is_null();
            assert!(shown, "{name} has no example of {media}");
        }
        let writes = operation["requestBody"].is_object();
        for status in ["408", "413", "415", "422"].iter().filter(|_| writes) {
            assert!(operation["responses"][status].is_object(), "{name} has no {status}");
        }
        for status in ["401", "403"].iter().filter(|_| !public) {
            assert!(operation["responses"][status].is_object(), "{name} has no {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(!parameter["description"].as_str().unwrap().is_empty(), "{path} {parameter}");
            assert!(parameter["schema"].is_object(), "{path} {parameter}");
        }
        names.push(name);
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "an operation id stands twice");
}

#[test]
fn the_contract_refers_to_nothing_outside_and_to_nothing_missing() {
    for (file, document) in openapi::documents() {
        let mut references = Vec::new();
        collect(document, &mut references);
        for reference in references {
            let pointer =
                reference.strip_prefix('#').unwrap_or_else(|| panic!("{file}: {reference}"));
            assert!(document.pointer(pointer).is_some(), "{file}: {reference} leads nowhere");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.push(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn every_curl_of_the_documentation_works_as_it_stands() {
    let service = Service::start().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut run = 0;
    for file in ["README.md", "openapi/README.md", "docs/api-design.md", "docs/operations.md"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for line in text.lines().filter(|line| line.contains("curl ")) {
            let Some(path) = line.split("http://127.0.0.1:8080").nth(1) else { continue };
            let path = path.split(['\'', '"', ' ']).next().unwrap();
            let reply = service.get(path).await;
            // Some show what a mistake looks like.
            assert!(
                [200, 400].contains(&reply.status.as_u16()),
                "{file}: {line}: {}",
                reply.status
            );
            run += 1;
        }
    }
    assert!(run >= 3, "the README has three");
}
