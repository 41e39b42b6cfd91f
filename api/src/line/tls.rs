//! Tls: the certificate of this service, where no proxy has one.
//!
//! It is read again when its files change and when the process is told to (SIGHUP): new
//! connections get the new one, open ones stay. Files that do not fit together change nothing.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use crate::config::Settings;

/// How often it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(10);

/// The certificate that is shown, and where it comes from.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    shown: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// The one that the settings name, if they name one.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn of(settings: &Settings) -> Result<Option<Arc<Self>>, String> {
        let (certificate, key) = match (&settings.tls_cert, &settings.tls_key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => return Err("GRIYA_TLS_CERT, GRIYA_TLS_KEY: set both or none".to_owned()),
        };
        let shown = read(&certificate, &key).map_err(|error| {
            format!("GRIYA_TLS_CERT, GRIYA_TLS_KEY: {error}: use a chain and its key, both as PEM")
        })?;
        Ok(Some(Arc::new(Self { certificate, key, shown: RwLock::new(shown) })))
    }

    /// What shakes hands with whoever comes now.
    pub fn acceptor(&self) -> TlsAcceptor {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&shown))
    }

    /// Reads the files again. Where they cannot be used, what was shown is shown still.
    pub fn reload(&self) {
        match read(&self.certificate, &self.key) {
            Ok(new) => {
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!("shows a new certificate");
            }
            Err(error) => {
                let error = &*error as &dyn Error;
                tracing::error!(error, "the new certificate cannot be used; the old one is shown");
            }
        }
    }

    /// Reads the files again whenever they have changed, for as long as it is used.
    pub fn follow(self: &Arc<Self>) {
        let (tls, mut seen) = (Arc::downgrade(self), self.changed());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(tls) = tls.upgrade() else { return };
                let now = tls.changed();
                if now != seen {
                    seen = now;
                    tls.reload();
                }
            }
        });
    }

    /// When the files last changed.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|file| fs::metadata(file).and_then(|file| file.modified()).ok())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Box<dyn Error + Send + Sync>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
