//! No secret is ever in the log, at whatever level: they are planted in settings and in requests, and looked
//! for in every line.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tests::{client, code_in, letters, program};

/// Nobody listens there: what is sent to it fails, and failures are what a log likes to tell of.
const NOBODY: &str = "127.0.0.1:1";

/// Settings that hold a secret, each with the secret.
fn settings() -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "GRIYA_SMTP_URL",
            format!("smtp://griya:planted-smtp@{NOBODY}?tls=opportunistic"),
            "planted-smtp",
        ),
        (
            "GRIYA_MESSAGE_GATEWAY_URL",
            format!("http://gate:planted-gate@{NOBODY}/?key=planted-query"),
            "planted-gate",
        ),
        ("GRIYA_MESSAGE_GATEWAY_TOKEN", "planted-gateway".into(), "planted-gateway"),
        ("GRIYA_S3_KEY_ID", "planted-s3-id".into(), "planted-s3-id"),
        ("GRIYA_S3_SECRET", "planted-s3-secret".into(), "planted-s3-secret"),
        ("GRIYA_OIDC_CLIENT_SECRET", "planted-oidc".into(), "planted-oidc"),
        ("GRIYA_METRICS_TOKEN", "planted-metrics".into(), "planted-metrics"),
    ]
}

/// Settings that the others need, and that everything is logged.
fn plain() -> [(&'static str, String); 9] {
    [
        ("GRIYA_MAIL_FROM", "Griya <kabar@griya.example>".into()),
        ("GRIYA_MEDIA_URL", "s3://griya/pictures".into()),
        ("GRIYA_S3_ENDPOINT", format!("http://{NOBODY}")),
        ("GRIYA_OIDC_ISSUER", format!("http://{NOBODY}")),
        ("GRIYA_OIDC_CLIENT_ID", "griya".into()),
        ("GRIYA_PUBLIC_URL", "http://127.0.0.1".into()),
        ("GRIYA_WEBHOOK_PRIVATE", "allow".into()),
        ("GRIYA_SEED", "none".into()),
        ("GRIYA_LOG", "trace".into()),
    ]
}

fn start(folder: &Path, with: impl IntoIterator<Item = (&'static str, String)>) -> (Child, String) {
    let mut service = Command::new(program())
        .env("GRIYA_DATA_DIR", folder)
        .env("GRIYA_LISTEN", "127.0.0.1:0")
        .env("GRIYA_LOG", "trace")
        .env_remove("GRIYA_DATABASE_URL")
        .envs(with)
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("Griya is at ").expect("the address").to_owned();
    (service, url)
}

/// Ends a service; what it logged.
fn ended(mut service: Child, folder: &Path) -> String {
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(service.wait().unwrap().success());
    logged(folder)
}

/// What was logged so far.
fn logged(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap()
}

/// A token of an administrator, made at the terminal.
fn administrator(folder: &Path) -> String {
    let made = Command::new(program())
        .args(["admin", "create", "kepala@dinas.example"])
        .env("GRIYA_DATA_DIR", folder)
        .env_remove("GRIYA_DATABASE_URL")
        .output()
        .unwrap();
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// None of `secrets` is in `log`, which holds each of `signs`.
fn hidden(log: &str, secrets: &BTreeMap<&str, String>, signs: &[&str]) {
    for sign in signs {
        assert!(log.contains(sign), "{sign} was not even tried:\n{log}");
    }
    for (what, secret) in secrets {
        assert!(secret.len() > 5, "{what} is none: {secret}");
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{what} is in the log: {line:?}");
    }
}

#[test]
fn secrets_of_the_settings_are_in_no_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let planted = settings();
    let mut secrets: BTreeMap<&str, String> =
        planted.iter().map(|(name, _, secret)| (*name, (*secret).to_owned())).collect();
    secrets.insert("the query of the gateway", "planted-query".to_owned());
    let with = planted.into_iter().map(|(name, value, _)| (name, value)).chain(plain());
    let (service, url) = start(folder.path(), with);
    let token = administrator(folder.path());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = client();
        // A code by each way, none of which leads anywhere.
        for to in ["sri@contoh.example", "+6281234567890"] {
            let asked = client.post(format!("{url}/v1/auth/code")).json(&json!({"to": to}));
            assert_eq!(asked.send().await.unwrap().status(), 202);
        }
        assert_eq!(client.get(format!("{url}/v1/auth/oidc")).send().await.unwrap().status(), 503);
        let metrics = client.get(format!("{url}/metrics")).bearer_auth("planted-metrics");
        let page = metrics.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("griya_build_info"), "{page}");
        let picture = client.get(format!("{url}/metrics")).bearer_auth(&token);
        assert_eq!(picture.send().await.unwrap().status(), 401);
    });
    secrets.insert("a token", token);
    // Both codes are sent after the answer.
    while logged(folder.path()).matches("a code was not sent").count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let log = ended(service, folder.path());
    hidden(
        &log,
        &secrets,
        &["a code was not sent", "the identity provider cannot be used", "/metrics"],
    );
}

#[test]
fn secrets_of_requests_are_in_no_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let with = [("GRIYA_WEBHOOK_PRIVATE", "allow".to_owned()), ("GRIYA_SEED", "none".to_owned())];
    let (service, url) = start(folder.path(), with);
    let token = administrator(folder.path());
    let mut secrets = BTreeMap::from([("the token of the terminal", token.clone())]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = client();
        let say = async |path: &str, token: Option<&str>, body: Value| {
            let asked = client.post(format!("{url}{path}")).json(&body);
            let asked = token.into_iter().fold(asked, |asked, token| asked.bearer_auth(token));
            let answer = asked.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
        };
        let text = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let to = "sri@contoh.example";
        assert_eq!(say("/v1/auth/code", None, json!({"to": to})).await.0, 202);
        let code = loop {
            if let [letter] = &letters(folder.path(), to)[..] {
                break code_in(letter).to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let (_, wrong) =
            say("/v1/auth/token", None, json!({"to": to, "code": "planted-code"})).await;
        assert!(wrong["type"].is_string(), "{wrong}");
        let (status, came) = say("/v1/auth/token", None, json!({"to": to, "code": code})).await;
        assert_eq!(status, 200, "{came}");
        let token = text(&came, "access_token");
        let scopes = json!({"name": "Mitra", "scopes": ["read", "webhooks"]});
        let (status, key) = say("/v1/keys", Some(&token), scopes).await;
        assert_eq!(status, 201, "{key}");
        let hook = json!({"url": format!("http://{NOBODY}/planted-hook-path")});
        let (status, hook) = say("/v1/webhooks", Some(&token), hook).await;
        assert_eq!(status, 201, "{hook}");
        let test = format!("/v1/webhooks/{}/test", text(&hook, "id"));
        assert_eq!(say(&test, Some(&token), json!({})).await.0, 200);
        let key = text(&key, "key");
        for (header, value) in [
            ("x-api-key", key.as_str()),
            ("x-api-key", "planted-key"),
            ("authorization", "Bearer planted-bearer"),
            ("authorization", "Basic cGxhbnRlZC1iYXNpYw=="),
            ("cookie", "session=planted-cookie"),
        ] {
            let asked =
                client.get(format!("{url}/v1/places?q=planted-words&lat=-7.91234&lon=110.3"));
            asked.header(header, value).send().await.unwrap();
        }
        for path in
            ["/v1/media/uploads/planted-ticket", "/v1/auth/oidc/callback?code=planted-oidc&state=x"]
        {
            client.get(format!("{url}{path}")).send().await.unwrap();
        }
        secrets.extend([
            ("a token", token),
            ("a key", key),
            ("the secret of a webhook", text(&hook, "secret")),
            ("an address", to.to_owned()),
            ("what somebody looks for, or brings that is wrong", "planted".to_owned()),
            ("a password", "cGxhbnRlZC1iYXNpYw".to_owned()),
            ("a place", "7.91234".to_owned()),
        ]);
        // A code is short: only as a word of its own.
        let log = logged(folder.path());
        assert!(log.split(|c: char| !c.is_alphanumeric()).all(|word| word != code), "{log}");
    });
    let log = ended(service, folder.path());
    hidden(&log, &secrets, &["/v1/auth/token", "/v1/webhooks", "/v1/media/uploads/"]);
}
