//! Settings: every one of them, typed, with its flag, its variable and its default.

use std::{
    convert::Infallible, fmt, net::SocketAddr, num::NonZeroU16, path::PathBuf, str::FromStr,
};

use clap::{Args, ValueEnum};

use crate::{
    clock::Clock, line::tls::Tls, media::shelf::Shelf, messages::Messenger,
    oidc::provider::Provider, webhooks::outside::Private,
};

/// How the service runs. Flags win over variables, variables over defaults.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where to listen: address and port. Port 0 takes a free one.
    #[arg(long, global = true, env = "GRIYA_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The database: `sqlite:FILE` or `postgres://USER@HOST/NAME`. Without it, `griya.db` in the
    /// data folder.
    #[arg(long, global = true, env = "GRIYA_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// The folder for everything that Griya keeps in files.
    #[arg(long, global = true, env = "GRIYA_DATA_DIR", default_value = "griya-data")]
    pub data_dir: PathBuf,

    /// Where pictures lie: `s3://BUCKET/PREFIX`. Without it, `media` in the data folder.
    #[arg(long, global = true, env = "GRIYA_MEDIA_URL")]
    pub media_url: Option<String>,

    /// The S3 server, such as `https://s3.example`. Without it, that of Amazon for the region.
    #[arg(long, global = true, env = "GRIYA_S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,

    /// The region of the bucket.
    #[arg(long, global = true, env = "GRIYA_S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,

    /// The name of the key that may read and write the bucket.
    #[arg(long, global = true, env = "GRIYA_S3_KEY_ID", hide_env_values = true)]
    pub s3_key_id: Option<String>,

    /// The key itself.
    #[arg(long, global = true, env = "GRIYA_S3_SECRET", hide_env_values = true)]
    pub s3_secret: Option<Secret>,

    /// What to log: a level (`error`, `warn`, `info`, `debug`) or a list such as `info,api=debug`.
    #[arg(long, global = true, env = "GRIYA_LOG", default_value = "info")]
    pub log: String,

    /// How to log: for people or for machines.
    #[arg(long, global = true, env = "GRIYA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// The address that the world knows this service by, such as `https://griya.example`; links
    /// in answers start with it. Without it they are relative.
    #[arg(long, global = true, env = "GRIYA_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// What an empty database is filled with at the first start.
    #[arg(long, global = true, env = "GRIYA_SEED", value_enum, default_value_t = Seed::Bantul)]
    pub seed: Seed,

    /// Whether each address is held to 50 requests a second (burst 2,000), and to some dozens of
    /// codes asked for and tried an hour.
    #[arg(long, global = true, env = "GRIYA_RATE", value_enum, default_value_t = Rate::On)]
    pub rate: Rate,

    /// Whether a reverse proxy stands in front: then the rate limit goes by the last address of
    /// `X-Forwarded-For`, which the proxy wrote. Without a proxy anybody could write it.
    #[arg(long, global = true, env = "GRIYA_BEHIND_PROXY")]
    pub behind_proxy: bool,

    /// The server that takes e-mail: `smtp(s)://USER:PASSWORD@HOST:PORT`; `smtp://` uses TLS where
    /// the server has it, with `?tls=required` always. Without it, messages are files in `messages/`
    /// of the data folder.
    #[arg(long, global = true, env = "GRIYA_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// Whom e-mail is from, such as `Griya <kabar@griya.example>`.
    #[arg(long, global = true, env = "GRIYA_MAIL_FROM")]
    pub mail_from: Option<String>,

    /// The gateway that takes messages to phones: a POST of
    /// `{"to", "channel": "whatsapp", "text"}`. Without it, they are files as well.
    #[arg(long, global = true, env = "GRIYA_MESSAGE_GATEWAY_URL", hide_env_values = true)]
    pub message_gateway_url: Option<String>,

    /// What it knows us by: sent to it as a bearer token.
    #[arg(long, global = true, env = "GRIYA_MESSAGE_GATEWAY_TOKEN", hide_env_values = true)]
    pub message_gateway_token: Option<String>,

    /// For how many days the log of changes is kept: whoever follows `/v1/changes` and stays away
    /// longer starts anew. Without it, for ever.
    #[arg(long, global = true, env = "GRIYA_CHANGES_DAYS")]
    pub changes_days: Option<NonZeroU16>,

    /// Whether webhooks may call private addresses, and without TLS: where all receivers are one's
    /// own, and in tests.
    #[arg(long, global = true, env = "GRIYA_WEBHOOK_PRIVATE", value_enum, default_value_t = Private::Deny)]
    pub webhook_private: Private,

    /// The identity provider through which staff may sign in (OpenID Connect), such as
    /// `https://sso.example/realms/pemda`. Without it there is none.
    #[arg(long, global = true, env = "GRIYA_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,

    /// What it knows this service by.
    #[arg(long, global = true, env = "GRIYA_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,

    /// What this service proves that with.
    #[arg(long, global = true, env = "GRIYA_OIDC_CLIENT_SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<Secret>,

    /// How many seconds what a node shows may be behind the database before `/health/ready` says 503.
    #[arg(long, global = true, env = "GRIYA_MAX_LAG_S", default_value = "10")]
    pub max_lag_s: NonZeroU16,

    /// The certificate of this service with its chain, as PEM: then it speaks TLS by itself. It is read
    /// again when it changes, and on SIGHUP. Without it, a proxy does.
    #[arg(long, global = true, env = "GRIYA_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// Its key, as PEM.
    #[arg(long, global = true, env = "GRIYA_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// What whoever reads `/metrics` must bring as a bearer token. Without it, only who is on this
    /// machine may read them.
    #[arg(long, global = true, env = "GRIYA_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<Secret>,

    /// Where traces go: a collector that speaks OTLP over HTTP, such as `http://127.0.0.1:4318`. Without
    /// it, nothing is traced.
    #[arg(long, global = true, env = "GRIYA_OTLP_URL", hide_env_values = true)]
    pub otlp_url: Option<String>,

    /// How many connections may be open at once; to more it is said to come back (503). One address
    /// may have half of them, a thousand at least. Fewer where the system gives the process fewer files.
    #[arg(long, global = true, env = "GRIYA_CONNECTIONS", default_value_t = 10_000)]
    pub connections: usize,

    /// How many requests are worked on at once; more are told to come back (503).
    #[arg(long, global = true, env = "GRIYA_CONCURRENCY", default_value_t = 1024)]
    pub concurrency: usize,
}

/// A text that no log, help or report shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(raw: &str) -> Result<Self, Infallible> {
        Ok(Self(raw.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A readable line an event.
    Text,
    /// A JSON object an event.
    Json,
}

/// What an empty database is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Seed {
    /// The fixtures: places, producers and events of Bantul.
    Bantul,
    /// Nothing.
    None,
}

/// Whether requests are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rate {
    /// They are.
    On,
    /// They are not: for tests and judges.
    Off,
}

impl Settings {
    /// The database's address, with the default filled in.
    pub fn database(&self) -> String {
        match &self.database_url {
            Some(url) if url.starts_with("sqlite:") && !url.contains('?') => {
                format!("{url}?mode=rwc")
            }
            Some(url) => url.clone(),
            None => format!("sqlite:{}?mode=rwc", self.data_dir.join("griya.db").display()),
        }
    }

    /// What is wrong with them, each with what to do about it.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let database = self.database();
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|kind| database.starts_with(kind)) {
            faults.push(
                "GRIYA_DATABASE_URL: is neither sqlite:FILE nor postgres://…: use one of the two"
                    .to_owned(),
            );
        }
        if database.contains(":memory:") || database.contains("mode=memory") {
            faults.push(
                "GRIYA_DATABASE_URL: a database in memory is another one on each connection: use a file"
                    .to_owned(),
            );
        }
        if let Some(url) = &self.public_url {
            let web = url.starts_with("https://") || url.starts_with("http://");
            if !web || url.ends_with('/') || url.contains(['?', '#', ' ']) {
                faults.push(format!(
                    "GRIYA_PUBLIC_URL: `{url}` must be http(s)://HOST without a slash at its end"
                ));
            }
        }
        faults.extend(Messenger::of(self, Clock::system()).err().into_iter().flatten());
        faults.extend(Shelf::open(self).err());
        faults.extend(Tls::of(self).err());
        faults.extend(Provider::of(self, Clock::system()).err());
        if let Some(url) = &self.otlp_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            faults.push("GRIYA_OTLP_URL: is no address: use http(s)://HOST:PORT".to_owned());
        }
        if self.connections == 0 {
            faults.push("GRIYA_CONNECTIONS: 0 lets nobody in: use 1 or more".to_owned());
        }
        if self.concurrency == 0 {
            faults.push("GRIYA_CONCURRENCY: 0 answers nobody: use 1 or more".to_owned());
        }
        if let Err(error) = self.log.parse::<tracing_subscriber::EnvFilter>() {
            faults.push(format!("GRIYA_LOG: {error}: use a level such as `info`"));
        }
        faults
    }
}
