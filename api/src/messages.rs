//! Messages: the one port through which anything leaves for a person, and its three ways: a file
//! (the default), SMTP, and a gateway to a phone.
//!
//! What is sent is in nobody's log: not the text, not the code, not the address. A failure says
//! what kind it is, and nothing that a server said, for servers say addresses back.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::{account::Address, text::Lang};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use reqwest::{Url, redirect::Policy};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, sync::Semaphore};

use crate::{
    clock::Clock,
    config::Settings,
    ids,
    problem::{Kind, Problem},
};

pub mod outbox;

/// How long a server may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses after which a code is tried again: it is good for ten minutes, and somebody waits.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// Codes on their way at once; who asks for more is told to come back.
const ON_THEIR_WAY: usize = 512;

/// What somebody is told.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The one-time code in it, for whoever reads files.
    pub code: Option<String>,
}

impl Letter {
    /// The letter that brings a code.
    pub fn with_code(code: String, lang: Lang) -> Self {
        let (subject, text) = match lang {
            Lang::Id => (
                "Kode masuk Griya",
                format!(
                    "Kode masuk Anda: {code}\n\nKode ini berlaku 10 menit dan hanya sekali. Jangan \
                     berikan kepada siapa pun. Jika Anda tidak memintanya, abaikan pesan ini."
                ),
            ),
            Lang::En => (
                "Your Griya sign-in code",
                format!(
                    "Your sign-in code: {code}\n\nIt is good for 10 minutes, and once. Give it to \
                     nobody. If you did not ask for it, please ignore this message."
                ),
            ),
            Lang::Jv => (
                "Kode mlebet Griya",
                format!(
                    "Kode mlebet panjenengan: {code}\n\nKode punika lumampah 10 menit lan namung \
                     sapisan. Mugi sampun dipunparingaken dhateng sinten kemawon. Menawi \
                     panjenengan mboten nyuwun, pesen punika saged dipunlirwakaken."
                ),
            ),
        };
        Self { subject: subject.to_owned(), text, code: Some(code) }
    }
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// Our own folder.
    #[error("the folder for messages cannot be written")]
    Folder(#[from] std::io::Error),
    /// Nobody answered in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// There is no connection, or it broke.
    #[error("the server cannot be reached")]
    Unreachable,
    /// It answered, and would not.
    #[error("the server refused with {0}")]
    Refused(String),
    /// It cannot be put into the form that the way needs.
    #[error("the message cannot be written for this way")]
    Unwritable,
}

/// The ways to people. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Messenger {
    folder: PathBuf,
    smtp: Option<Smtp>,
    gateway: Option<Gateway>,
    clock: Clock,
    patience: Duration,
    room: Arc<Semaphore>,
}

#[derive(Debug, Clone)]
struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

#[derive(Clone)]
struct Gateway {
    client: reqwest::Client,
    url: Url,
    token: Option<String>,
}

/// The token is nobody's to see.
impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("url", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Messenger {
    /// The ways that the settings name.
    ///
    /// # Errors
    /// What is wrong with them, each with what to do about it.
    pub fn of(settings: &Settings, clock: Clock) -> Result<Self, Vec<String>> {
        let (smtp, gateway) = (Smtp::of(settings), Gateway::of(settings));
        let faults: Vec<String> =
            [smtp.as_ref().err(), gateway.as_ref().err()].into_iter().flatten().cloned().collect();
        let (Ok(smtp), Ok(gateway)) = (smtp, gateway) else { return Err(faults) };
        Ok(Self {
            folder: settings.data_dir.join("messages"),
            smtp,
            gateway,
            clock,
            patience: PATIENCE,
            room: Arc::new(Semaphore::new(ON_THEIR_WAY)),
        })
    }

    /// Sends `letter` to `to`: an e-mail address by SMTP, a phone by the gateway, either into the
    /// folder where there is no such way.
    ///
    /// # Errors
    /// When it is not known to have been taken over.
    pub async fn send(&self, to: &Address, letter: &Letter) -> Result<(), Unsent> {
        let sending = async {
            match (to, &self.smtp, &self.gateway) {
                (Address::Email(to), Some(smtp), _) => smtp.send(to, letter).await,
                (Address::Phone(to), _, Some(gateway)) => gateway.send(to, letter).await,
                _ => self.put(to, letter).await,
            }
        };
        tokio::time::timeout(self.patience, sending).await.map_err(|_| Unsent::TimedOut)?
    }

    /// Sends `letter` while the caller goes on: how long that takes, and whether anything is sent
    /// at all, is not to be seen from outside. A code is not stored in clear, so where the server
    /// stays away it is lost, and somebody asks for another.
    ///
    /// # Errors
    /// 503 where too many are on their way.
    pub fn send_soon(&self, to: Address, letter: Letter) -> Result<(), Problem> {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Problem::retry_after(Kind::Unavailable, 5));
        };
        let messenger = self.clone();
        tokio::spawn(async move {
            let _place = place;
            let mut pauses = PAUSES.iter();
            while let Err(error) = messenger.send(&to, &letter).await {
                tracing::error!(%error, "a code was not sent");
                let Some(pause) = pauses.next() else { break };
                tokio::time::sleep(*pause).await;
            }
        });
        Ok(())
    }

    /// One file a message, whole or not there, for its owner's eyes alone.
    async fn put(&self, to: &Address, letter: &Letter) -> Result<(), Unsent> {
        let name = ids::of_message(self.clock.now());
        let code = letter.code.as_ref().map(|code| format!("Code: {code}\n")).unwrap_or_default();
        let text = format!("To: {to}\nSubject: {}\n{code}\n{}\n", letter.subject, letter.text);
        let half = self.folder.join(format!(".{name}"));
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).await?;
        let mut open = tokio::fs::OpenOptions::new();
        let mut file = open.write(true).create_new(true).mode(0o600).open(&half).await?;
        file.write_all(text.as_bytes()).await?;
        file.sync_all().await?;
        tokio::fs::rename(&half, self.folder.join(format!("{name}.txt"))).await?;
        Ok(())
    }
}

impl Smtp {
    fn of(settings: &Settings) -> Result<Option<Self>, String> {
        let Some(url) = &settings.smtp_url else { return Ok(None) };
        let Some(from) = &settings.mail_from else {
            return Err(
                "GRIYA_MAIL_FROM: say whom mail is from, such as Griya <kabar@griya.example>"
                    .to_owned(),
            );
        };
        let from = from.parse().map_err(|_| {
            "GRIYA_MAIL_FROM: is no address: use one such as Griya <kabar@griya.example>".to_owned()
        })?;
        // What follows `?` says how strictly TLS is asked for; unsaid, it is used where there is one.
        let plain = url.starts_with("smtp://") && !url.contains('?');
        let url = if plain { format!("{url}?tls=opportunistic") } else { url.clone() };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(|_| {
            "GRIYA_SMTP_URL: is no smtp(s)://USER:PASSWORD@HOST:PORT: use one".to_owned()
        })?;
        Ok(Some(Self { transport: transport.timeout(Some(PATIENCE)).build(), from }))
    }

    async fn send(&self, to: &str, letter: &Letter) -> Result<(), Unsent> {
        let to = to.parse().map_err(|_| Unsent::Unwritable)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| Unsent::Unwritable)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_timeout() => Err(Unsent::TimedOut),
            Err(error) => Err(match error.status() {
                Some(code) => Unsent::Refused(code.to_string()),
                None => Unsent::Unreachable,
            }),
        }
    }
}

impl Gateway {
    fn of(settings: &Settings) -> Result<Option<Self>, String> {
        let Some(url) = &settings.message_gateway_url else { return Ok(None) };
        let url = url.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or("GRIYA_MESSAGE_GATEWAY_URL: is no http(s)://…: use one")?;
        // The one that the rest of the program uses; that another has been set before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A redirect would carry the token, the number and the code to somebody else.
            .redirect(Policy::none())
            .build()
            .map_err(|_| "GRIYA_MESSAGE_GATEWAY_URL: TLS cannot be used here".to_owned())?;
        Ok(Some(Self { client, url, token: settings.message_gateway_token.clone() }))
    }

    async fn send(&self, to: &str, letter: &Letter) -> Result<(), Unsent> {
        let body = json!({"to": to, "channel": "whatsapp", "text": letter.text});
        let mut request = self.client.post(self.url.clone()).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(Unsent::Refused(response.status().as_u16().to_string())),
            Err(error) if error.is_timeout() => Err(Unsent::TimedOut),
            Err(_) => Err(Unsent::Unreachable),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn messenger(flags: &[&str]) -> Result<Messenger, Vec<String>> {
        let settings = Line::parse_from([&["tests"], flags].concat()).settings;
        Messenger::of(&settings, Clock::system())
    }

    fn letter() -> Letter {
        Letter::with_code("123456".to_owned(), Lang::Jv)
    }

    #[tokio::test]
    async fn a_server_that_takes_the_call_and_says_nothing_is_left_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (smtp, gateway) = (
            format!("--smtp-url=smtp://127.0.0.1:{port}"),
            format!("http://127.0.0.1:{port}/send"),
        );
        let gateway = format!("--message-gateway-url={gateway}");
        let flags = [smtp.as_str(), "--mail-from=kabar@griya.example", gateway.as_str()];
        let mut messenger = messenger(&flags).unwrap();
        messenger.patience = Duration::from_millis(200);
        let hanging = async {
            let mut held = Vec::new();
            for _ in 0..2 {
                held.push(listener.accept().await.unwrap().0);
            }
            held
        };
        let (email, phone) = (Address::Email("a@b.id".into()), Address::Phone("+6281".into()));
        let letter = letter();
        let sending = async {
            (messenger.send(&email, &letter).await, messenger.send(&phone, &letter).await)
        };
        let (held, (by_mail, by_phone)) = tokio::join!(hanging, sending);
        assert!(matches!(by_mail, Err(Unsent::TimedOut)), "{by_mail:?}");
        assert!(matches!(by_phone, Err(Unsent::TimedOut)), "{by_phone:?}");
        drop(held);
    }

    #[tokio::test]
    async fn what_a_server_says_back_is_not_in_the_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let smtp = format!("--smtp-url=smtp://127.0.0.1:{port}");
        let messenger = messenger(&[&smtp, "--mail-from=kabar@griya.example"]).unwrap();
        let refusing = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"554 sri@example.id is unknown here\r\n").await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        };
        let to = Address::Email("sri@example.id".into());
        let letter = letter();
        let (sent, ()) = tokio::join!(messenger.send(&to, &letter), refusing);
        let said = sent.unwrap_err().to_string();
        assert_eq!(said, "the server refused with 554");
    }

    #[test]
    fn a_mail_server_with_tls_can_be_named() {
        for url in ["smtps://griya:rahasia@mail.example", "smtp://mail.example:587?tls=required"] {
            let smtp = format!("--smtp-url={url}");
            assert!(messenger(&[&smtp, "--mail-from=kabar@griya.example"]).is_ok(), "{url}");
        }
    }

    #[test]
    fn settings_that_lead_nowhere_are_told_without_their_secrets() {
        let said = messenger(&[
            "--smtp-url=http://user:geheim@host",
            "--mail-from=kabar@griya.example",
            "--message-gateway-url=geheim",
        ])
        .unwrap_err();
        assert_eq!(said.len(), 2);
        assert!(said.iter().all(|fault| fault.contains(": use ") && !fault.contains("geheim")));
        assert!(messenger(&["--smtp-url=smtp://host"]).unwrap_err()[0].contains("GRIYA_MAIL_FROM"));
    }
}
