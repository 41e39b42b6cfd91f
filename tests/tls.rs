//! TLS: a certificate of the service itself, and a new one while it runs.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Certificate;
use tests::{Place, Service};

/// A certificate for this machine, in files; it as PEM.
fn certify(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    cert.pem()
}

/// A client that trusts `certificate` alone.
fn trusting(certificate: &str) -> reqwest::Client {
    api::tls::choose();
    let root = Certificate::from_pem(certificate.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).build().unwrap()
}

/// Whether `client` gets an answer; all of it, so that its connection can be used again.
async fn hears(client: &reqwest::Client, url: &str) -> bool {
    match client.get(url).send().await {
        Ok(answer) => answer.status() == 200 && answer.text().await.is_ok(),
        Err(_) => false,
    }
}

async fn with_certificate(folder: &Path) -> Service {
    let name = |file: &str| folder.join(file).display().to_string();
    let flags =
        [format!("--tls-cert={}", name("cert.pem")), format!("--tls-key={}", name("key.pem"))];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Service::over(Place::empty().await, &flags).await
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_open_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let old = certify(folder.path());
    let first = trusting(&old);
    let service = with_certificate(folder.path()).await;
    let url = service.url.replace("http://127.0.0.1", "https://localhost") + "/health/live";
    assert!(hears(&first, &url).await);
    let tls = service.app.tls.clone().unwrap();

    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    tls.reload();
    assert!(hears(&trusting(&old), &url).await, "nonsense changes nothing");

    let second = trusting(&certify(folder.path()));
    assert!(!hears(&second, &url).await, "it is not shown yet");
    tls.reload();
    assert!(hears(&second, &url).await);
    assert!(hears(&first, &url).await, "the open connection stays");
    assert!(!hears(&trusting(&old), &url).await, "a new one sees the new certificate");
    // Who speaks no TLS is let go, and nobody is disturbed.
    assert!(service.request("/health/live").send().await.is_err());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_told_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let (cert, other) = (folder.path().join("cert.pem"), tempfile::tempdir().unwrap());
    certify(other.path());
    let faults = |cert: &Path, key: Option<&Path>| {
        let mut flags = vec![format!("--tls-cert={}", cert.display())];
        flags.extend(key.map(|key| format!("--tls-key={}", key.display())));
        tests::settings(&flags.iter().map(String::as_str).collect::<Vec<_>>()).faults()
    };
    assert!(faults(&cert, Some(&folder.path().join("key.pem"))).is_empty());
    let wrong = [
        (&*cert, None),
        (&*cert, Some(other.path().join("key.pem"))),
        (&*folder.path().join("none.pem"), Some(folder.path().join("key.pem"))),
        (&*folder.path().join("key.pem"), Some(folder.path().join("key.pem"))),
    ];
    for (cert, key) in wrong {
        let said = faults(cert, key.as_deref());
        assert!(said.len() == 1 && said[0].starts_with("GRIYA_TLS_CERT"), "{said:?}");
    }
}
