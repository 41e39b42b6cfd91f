//! What can go wrong, without a word of HTTP.
//!
//! Two families. A [`Fault`] is the caller's: one rule, broken at one place, said in Indonesian and
//! English, and always collected so that one answer names them all. Everything else in [`Error`]
//! is a meeting of true states (nobody there, somebody was faster) or ours to repair; `api` gives
//! each its HTTP meaning in one `match`, and shows the cause of the last kind to the log alone.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::text::Lang;

/// One rule broken at one place of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// RFC 6901 pointer into the body, such as `/name/id`; empty for the whole of it.
    pub pointer: String,
    /// Stable, for machines: `out_of_range`, `too_long`, `unknown_member` …
    pub code: &'static str,
    /// For people.
    pub said: Said,
}

impl Fault {
    /// A fault of the value itself; see [`Fault::below`] for saying where it stood.
    pub fn new(code: &'static str, id: impl Into<String>, en: impl Into<String>) -> Self {
        Self { pointer: String::new(), code, said: Said { id: id.into(), en: en.into() } }
    }

    /// The same fault, seen from the object that holds the value as `member`.
    #[must_use]
    pub fn below(mut self, member: impl fmt::Display) -> Self {
        let token = member.to_string().replace('~', "~0").replace('/', "~1");
        self.pointer = format!("/{token}{}", self.pointer);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.said.en)
    }
}

impl std::error::Error for Fault {}

/// A sentence in the two languages every message of ours has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Indonesian; also what a reader of Javanese gets.
    pub id: String,
    /// English.
    pub en: String,
}

impl Said {
    /// The sentence for a reader of `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Id | Lang::Jv => &self.id,
        }
    }
}

/// Why a domain operation did not happen. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input was read and breaks these rules; never empty.
    #[error("{}", list(.0))]
    Invalid(Vec<Fault>),
    /// Somebody else wrote first: the row is not at the version the write was made from.
    #[error("`{0}` has changed since it was read")]
    Stale(String),
    /// The writer task is gone (the process is stopping): try again on the next one.
    #[error("the store is closing")]
    Closing,
    /// The database did not answer: whether the write happened is to be read from it.
    #[error("the database did not answer")]
    Unanswered,
    /// The database refused or failed; ours to repair.
    #[error("the database failed")]
    Db(#[from] DbErr),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// Whether the database is away, and not the question at fault: it cannot be reached, is coming up or
/// going down, has no room, or may only be read, as one that stands by. Whoever asks again later may
/// get an answer.
pub fn is_away(error: &DbErr) -> bool {
    let cause = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            cause.as_ref()
        }
        _ => return false,
    };
    match cause {
        sqlx::Error::Database(refusal) => {
            refusal.code().is_some_and(|code| is_a_state(&code, refusal.as_ref()))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Whether a code is about the database and not about the statement.
///
/// PostgreSQL's classes 08 (connection), 53 (resources), 57P (operator) and 58 (system), 25006 (read
/// only), and what its time-outs end: 25P03 (idle in a transaction), 55P03 (a lock), 57014 (a
/// statement); SQLite's READONLY, IOERR, FULL and CANTOPEN, whose extended codes carry them in the low byte.
fn is_a_state(code: &str, refusal: &dyn sqlx::error::DatabaseError) -> bool {
    if refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return ["25006", "25P03", "55P03", "57014"].contains(&code)
            || ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| [8, 10, 13, 14].contains(&(code & 0xff)))
}
