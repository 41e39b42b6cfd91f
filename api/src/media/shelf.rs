//! Shelf: where the files of pictures lie, in a folder or on an S3 server.
//!
//! A file is put once and never replaced, so whoever has it has it for ever. Every call to a server
//! ends within a set time.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{
    ClientOptions, Error, GetResult, ObjectStore, ObjectStoreExt as _, PutMode, RetryConfig,
    aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};
use tokio::time::timeout;

use crate::{config::Settings, tls};

/// How long one call may take, with all its tries.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one try of a call may take.
const TRY: Duration = Duration::from_secs(10);
/// How long it may take to reach the server.
const CONNECT: Duration = Duration::from_secs(3);

/// The shelf. Cheap to clone.
#[derive(Clone)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

/// Why a file was not put or not found.
#[derive(Debug, thiserror::Error)]
pub enum Fallen {
    /// It took too long.
    #[error("the storage of pictures did not answer in time")]
    TooLong,
    /// The storage failed.
    #[error("the storage of pictures failed")]
    Failed(#[from] Error),
}

impl Shelf {
    /// The shelf that `settings` name. Nothing is made and nobody is asked yet.
    ///
    /// # Errors
    /// A sentence for whoever set them, when they name none.
    pub fn open(settings: &Settings) -> Result<Self, String> {
        match &settings.media_url {
            Some(url) => Self::on_a_server(url, settings),
            None => Self::in_a_folder(&settings.data_dir.join("media")),
        }
    }

    fn in_a_folder(folder: &std::path::Path) -> Result<Self, String> {
        let absolute = std::path::absolute(folder).map_err(|error| error.to_string());
        let root = absolute
            .and_then(|folder| Path::from_absolute_path(folder).map_err(|error| error.to_string()))
            .map_err(|error| format!("GRIYA_DATA_DIR: {error}: use a folder with a plain name"))?;
        // On disk before the row that promises it.
        Ok(Self { store: Arc::new(LocalFileSystem::new().with_fsync(true)), root })
    }

    fn on_a_server(url: &str, settings: &Settings) -> Result<Self, String> {
        let at = url.strip_prefix("s3://").map(|at| at.split_once('/').unwrap_or((at, "")));
        let Some((bucket, prefix)) = at.filter(|(bucket, _)| !bucket.is_empty()) else {
            return Err(format!(
                "GRIYA_MEDIA_URL: `{url}` must be s3://BUCKET or s3://BUCKET/PREFIX"
            ));
        };
        let (Some(key), Some(secret)) = (&settings.s3_key_id, &settings.s3_secret) else {
            return Err(
                "GRIYA_MEDIA_URL: s3:// needs GRIYA_S3_KEY_ID and GRIYA_S3_SECRET".to_owned()
            );
        };
        tls::choose();
        let client = ClientOptions::new()
            .with_timeout(TRY)
            .with_connect_timeout(CONNECT)
            .with_content_type_for_suffix("webp", "image/webp")
            .with_content_type_for_suffix("jpg", "image/jpeg");
        let retry =
            RetryConfig { max_retries: 2, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let mut server = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&settings.s3_region)
            .with_access_key_id(key)
            .with_secret_access_key(secret.reveal())
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = &settings.s3_endpoint {
            server = server
                .with_allow_http(endpoint.starts_with("http://"))
                .with_endpoint(endpoint.trim_end_matches('/'));
        }
        let root = Path::parse(prefix.trim_end_matches('/'))
            .map_err(|error| format!("GRIYA_MEDIA_URL: {error}"))?;
        let store = server.build().map_err(|error| format!("GRIYA_MEDIA_URL: {error}"))?;
        Ok(Self { store: Arc::new(store), root })
    }

    /// Puts `bytes` as the file `name` of the picture `id`; where there is one, that one stays.
    ///
    /// # Errors
    /// When the storage fails or does not answer.
    pub async fn put(&self, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), Fallen> {
        let path = self.path(id, name);
        let put = self.store.put_opts(&path, bytes.into(), PutMode::Create.into());
        match timeout(PATIENCE, put).await {
            Ok(Ok(_) | Err(Error::AlreadyExists { .. })) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Fallen::TooLong),
        }
    }

    /// The file `name` of the picture `id`, if there is one.
    ///
    /// # Errors
    /// When the storage fails or does not answer.
    pub async fn get(&self, id: &str, name: &str) -> Result<Option<GetResult>, Fallen> {
        match timeout(PATIENCE, self.store.get(&self.path(id, name))).await {
            Ok(Ok(file)) => Ok(Some(file)),
            Ok(Err(Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Fallen::TooLong),
        }
    }

    /// All bytes of the file `name` of the picture `id`, if there is one.
    ///
    /// # Errors
    /// When the storage fails or does not answer.
    pub async fn read(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, Fallen> {
        let Some(file) = self.get(id, name).await? else { return Ok(None) };
        match timeout(PATIENCE, file.bytes()).await {
            Ok(Ok(bytes)) => Ok(Some(bytes.into())),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Fallen::TooLong),
        }
    }

    /// How many bytes the file `name` of the picture `id` has, if there is one.
    ///
    /// # Errors
    /// When the storage fails or does not answer.
    pub async fn size(&self, id: &str, name: &str) -> Result<Option<u64>, Fallen> {
        match timeout(PATIENCE, self.store.head(&self.path(id, name))).await {
            Ok(Ok(file)) => Ok(Some(file.size)),
            Ok(Err(Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Fallen::TooLong),
        }
    }

    fn path(&self, id: &str, name: &str) -> Path {
        self.root.clone().join(id).join(name)
    }
}

/// Without what opens the server.
impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shelf({}, {})", self.store, self.root)
    }
}
