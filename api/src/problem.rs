//! Problem: everything that is not as it should be, as RFC 9457 `application/problem+json`.
//!
//! Status codes stand here alone. A [`Problem`] says what happened; the outermost layer
//! ([`speak`]) puts it into the caller's language and adds path and request id, so that an answer
//! looks the same whoever made it: a handler, a layer, or the framework.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{Error, Fault, Said, text::Lang};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{lang, params::Params};

/// Declares the kinds of problem: status, name in the `type` URI, title in Indonesian and English,
/// and what its page says.
macro_rules! kinds {
    ($($item:ident = $status:ident, $name:literal, $id:literal, $en:literal, $page_id:literal, $page_en:literal;)+) => {
        /// What kind of problem it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $page_en] $item),+
        }

        impl Kind {
            /// All of them, by status.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// Its status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$item => StatusCode::$status),+ }
            }

            /// Its name: the last step of `type`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$item => $name),+ }
            }

            /// Its title.
            pub fn title(self) -> Said {
                match self { $(Self::$item => Said { id: $id.into(), en: $en.into() }),+ }
            }

            /// What its page says.
            pub fn page(self) -> Said {
                match self { $(Self::$item => Said { id: $page_id.into(), en: $page_en.into() }),+ }
            }
        }
    };
}

kinds! {
    InvalidParameter = BAD_REQUEST, "invalid-parameter", "Parameter tidak valid", "Invalid parameter",
        "Sebuah parameter, bagian jalur, atau kepala permintaan melanggar aturan. `errors` menyebut semuanya sekaligus.",
        "A query parameter, a part of the path or a header breaks a rule. `errors` names all of them at once.";
    InvalidBody = BAD_REQUEST, "invalid-body", "Badan permintaan tidak terbaca", "Body not readable",
        "Badan permintaan bukan JSON atau terputus di tengah.",
        "The body of the request is no JSON, or was cut off.";
    Malformed = BAD_REQUEST, "malformed", "Permintaan tidak terbaca", "Request not readable",
        "Kepala permintaan bukan HTTP/1.1.",
        "The head of the request is no HTTP/1.1.";
    Unauthorized = UNAUTHORIZED, "unauthorized", "Kredensial tidak berlaku", "Credential not accepted",
        "Permintaan memerlukan token, atau membawa kunci atau token yang tidak berlaku. Bacaan publik tidak memerlukannya: kirim tanpa kredensial.",
        "The request needs a token, or carries a key or token that is not valid. Public reads need none: send it without.";
    Forbidden = FORBIDDEN, "forbidden", "Tidak berwenang", "Not allowed",
        "Akun ini tidak berwenang melakukannya di sini.",
        "This account may not do that here.";
    NotFound = NOT_FOUND, "not-found", "Tidak ditemukan", "Not found",
        "Tidak ada apa pun di alamat ini.",
        "There is nothing at this address.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Metode tidak didukung", "Method not allowed",
        "Alamat ini ada, tetapi tidak untuk metode itu. Kepala `Allow` menyebut yang didukung.",
        "The address exists, but not for this method. The `Allow` header names those that work.";
    NotAcceptable = NOT_ACCEPTABLE, "not-acceptable", "Format tidak tersedia", "Not acceptable",
        "Alamat ini tidak dapat dijawab dalam format yang diminta `Accept` atau `format`.",
        "This address has no representation that `Accept` or `format` asks for.";
    TooSlow = REQUEST_TIMEOUT, "too-slow", "Permintaan terlalu lama tiba", "Request came too slowly",
        "Kepala permintaan harus utuh dalam 10 detik; badannya tidak boleh terhenti 15 detik.",
        "The head of a request must be whole within 10 seconds; its body must not pause for 15 seconds.";
    Conflict = CONFLICT, "conflict", "Bertentangan dengan keadaannya", "Conflict with its state",
        "Entri tidak berada dalam keadaan yang memungkinkan langkah itu. `detail` menyebut keadaannya.",
        "The listing is not in a state that allows this step. `detail` says in which it is.";
    Gone = GONE, "gone", "Sudah tidak ada", "Gone",
        "Entri ini pernah terbuka untuk umum dan kini tidak lagi. `merged_into`, bila ada, adalah penggantinya.",
        "This listing was public once and is no longer. `merged_into`, where present, is the one that stayed.";
    CursorExpired = GONE, "cursor-expired", "Kursor kedaluwarsa", "Cursor expired",
        "Catatan perubahan tidak lagi menjangkau kursor ini, atau catatan itu sudah lain. Mulai lagi dari awal: minta tanpa `since`, lalu buang yang tidak ikut terkirim.",
        "The log of changes does not reach back to this cursor any more, or is another one. Start anew: ask without `since`, then drop what did not come.";
    Stale = PRECONDITION_FAILED, "stale", "Sudah berubah", "Changed since",
        "Entri berubah sejak dibaca. `ETag` membawa tanda keadaan sekarang: baca ulang, lalu coba lagi.",
        "It has changed since it was read. `ETag` carries the tag of its state now: read it again, then try again.";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "Badan permintaan terlalu besar", "Request body too large",
        "Badan permintaan melebihi batas.",
        "The request body is beyond the limit.";
    UriTooLong = URI_TOO_LONG, "uri-too-long", "Alamat terlalu panjang", "Address too long",
        "Alamat beserta kuerinya melebihi 49152 bita.",
        "The address with its query is longer than 49152 bytes.";
    UnsupportedMedia = UNSUPPORTED_MEDIA_TYPE, "unsupported-media", "Jenis badan tidak didukung", "Body of another type",
        "Alamat ini tidak menerima badan jenis itu. `Accept` atau `Accept-Patch` menyebut yang diterima.",
        "This address takes no body of that type. `Accept` or `Accept-Patch` names those that it takes.";
    RangeNotSatisfiable = RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "Bagian itu tidak ada", "No such part",
        "Bagian yang diminta `Range` berada di luar berkas. `Content-Range` menyebut panjang berkas.",
        "The part that `Range` asks for lies beyond the file. `Content-Range` says how long the file is.";
    Invalid = UNPROCESSABLE_ENTITY, "invalid", "Isi tidak memenuhi aturan", "Content breaks a rule",
        "Badan permintaan terbaca tetapi melanggar aturan. `errors` menyebut semuanya sekaligus.",
        "The body was read and breaks a rule. `errors` names all of them at once.";
    Unconditional = PRECONDITION_REQUIRED, "precondition-required", "Perlu If-Match", "If-Match required",
        "Perubahan memerlukan kepala `If-Match` dengan `ETag` yang dibaca, supaya tidak menimpa perubahan orang lain.",
        "A change needs the header `If-Match` with the `ETag` that was read, so that it overwrites nobody's work.";
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Terlalu banyak permintaan", "Too many requests",
        "Batas laju terlampaui. Coba lagi setelah `Retry-After` detik.",
        "The rate limit is used up. Try again after `Retry-After` seconds.";
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "Kepala permintaan terlalu besar", "Request head too large",
        "Kepala permintaan melebihi 64 KiB atau 100 baris.",
        "The head of the request is larger than 64 KiB or has more than 100 lines.";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Kesalahan pada kami", "We failed",
        "Ada yang rusak di pihak kami; sudah tercatat bersama `request_id`.",
        "Something broke on our side; it is on record with the `request_id`.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Sedang sibuk", "Unavailable",
        "Layanan belum siap atau terlalu sibuk. Coba lagi setelah `Retry-After` detik.",
        "The service is not ready or too busy. Try again after `Retry-After` seconds.";
}

/// Where a fault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// In a query parameter or a variable of the path.
    Parameter(String),
    /// In a header.
    Header(&'static str),
    /// In the body, where the fault's pointer says.
    Body,
}

/// Something that is not as it should be; not yet in anybody's language.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Option<Said>,
    faults: Vec<(At, Fault)>,
    merged_into: Option<Uuid>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem with nothing more to say than its kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            faults: Vec::new(),
            merged_into: None,
            headers: HeaderMap::new(),
        }
    }

    /// Rules that parameters, path or headers break.
    pub fn invalid_parameters(faults: Vec<(At, Fault)>) -> Self {
        Self { faults, ..Self::new(Kind::InvalidParameter) }
    }

    /// Rules that the body breaks.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let faults = faults.into_iter().map(|fault| (At::Body, fault)).collect();
        Self { faults, ..Self::new(Kind::Invalid) }
    }

    /// The same as a problem of another kind.
    #[must_use]
    pub fn becoming(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same with a sentence of its own.
    #[must_use]
    pub fn saying(self, id: impl Into<String>, en: impl Into<String>) -> Self {
        Self { detail: Some(Said { id: id.into(), en: en.into() }), ..self }
    }

    /// A listing that was public once.
    pub fn gone(merged_into: Option<Uuid>) -> Self {
        Self { merged_into, ..Self::new(Kind::Gone) }
    }

    /// Try again later.
    pub fn retry_after(kind: Kind, seconds: u64) -> Self {
        Self::new(kind).with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Whether it says that there is nothing, or nothing any more.
    pub fn says_there_is_none(&self) -> bool {
        matches!(self.kind, Kind::NotFound | Kind::Gone)
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A failure of ours: the cause goes to the log, under the request's id, and nowhere else.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "a request failed");
        Self::new(Kind::Internal)
    }

    /// What it says to a reader of `lang` where it is a line of an answer and no answer of its own: the
    /// same members, of the faults the first `most`.
    pub fn told(&self, lang: Lang, most: usize) -> serde_json::Map<String, serde_json::Value> {
        let few = Self { faults: self.faults.iter().take(most).cloned().collect(), ..self.clone() };
        let body = serde_json::to_value(few.body(lang, "", "")).unwrap_or_default();
        let members = body.as_object().cloned().unwrap_or_default();
        let own = |name: &String| !["instance", "request_id"].contains(&name.as_str());
        members.into_iter().filter(|(name, _)| own(name)).collect()
    }

    fn body(&self, lang: Lang, instance: &str, request_id: &str) -> Body {
        let errors: Vec<_> = self.faults.iter().map(|(at, fault)| error(at, fault, lang)).collect();
        let detail = self.detail.as_ref().map(|said| said.in_lang(lang).to_owned()).or_else(|| {
            (!errors.is_empty())
                .then(|| errors.iter().map(|error| error.sentence()).collect::<Vec<_>>().join("; "))
        });
        Body {
            kind: format!("/problems/{}", self.kind.name()),
            title: self.kind.title().in_lang(lang).to_owned(),
            status: self.kind.status().as_u16(),
            detail,
            instance: instance.to_owned(),
            request_id: request_id.to_owned(),
            errors,
            merged_into: self.merged_into,
        }
    }
}

fn error(at: &At, fault: &Fault, lang: Lang) -> FaultView {
    let (parameter, header, pointer) = match at {
        At::Parameter(name) => (Some(cut(name, 80)), None, None),
        At::Header(name) => (None, Some((*name).to_owned()), None),
        At::Body => (None, None, Some(cut(&fault.pointer, 400))),
    };
    // It may say back what was sent.
    let detail = cut(fault.said.in_lang(lang), 2000);
    FaultView { parameter, header, pointer, code: fault.code.to_owned(), detail }
}

/// A name that a caller made up is said back, but not at any length.
fn cut(name: &str, most: usize) -> String {
    name.chars().take(most).collect()
}

/// The wire form.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/invalid-parameter", "title": "Invalid parameter", "status": 400,
    "detail": "radius_m: must be a number between 1 and 100000", "instance": "/v1/places",
    "request_id": "0198c5f0-6a3e-7c4b-9b1e-2f3a4b5c6d7e",
    "errors": [{"parameter": "radius_m", "code": "out_of_range", "detail": "must be a number between 1 and 100000"}]
}))]
pub struct Body {
    /// The kind of problem, relative to the API's root; a page there explains it. Stable.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", max_length = 200)]
    kind: String,
    /// The kind of problem, in the language of the request.
    #[schema(max_length = 200)]
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, format = "int32")]
    status: u16,
    /// What happened this time, in the language of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100_000)]
    detail: Option<String>,
    /// The path that was asked for.
    #[schema(format = "uri-reference", max_length = 49_152)]
    instance: String,
    /// Under which our log knows this request; also in `X-Request-Id`.
    #[schema(max_length = 64)]
    request_id: String,
    /// Every rule that was broken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10_000)]
    errors: Vec<FaultView>,
    /// The listing that stayed when two became one.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<Uuid>,
}

/// One broken rule and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct FaultView {
    /// The query parameter or variable of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    parameter: Option<String>,
    /// The header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80)]
    header: Option<String>,
    /// The place in the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 400)]
    pointer: Option<String>,
    /// Which rule; stable.
    #[schema(max_length = 40, example = "out_of_range")]
    code: String,
    /// Which rule, in the language of the request.
    #[schema(max_length = 2000)]
    detail: String,
}

impl FaultView {
    fn sentence(&self) -> String {
        let at = [&self.parameter, &self.header, &self.pointer].into_iter().flatten().next();
        match at.filter(|at| !at.is_empty()) {
            Some(at) => format!("{at}: {}", self.detail),
            None => self.detail.clone(),
        }
    }
}

/// What a domain's error means over HTTP: the one place that says so.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(faults) => Self::invalid(faults),
            Error::Stale(_) => Self::new(Kind::Stale),
            Error::Closing | Error::Unanswered => Self::retry_after(Kind::Unavailable, 1),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        if domain::is_away(&error) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the database is away");
            return Self::retry_after(Kind::Unavailable, 5);
        }
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    /// Only the status and headers: [`speak`] writes the body, it alone knows the reader.
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.headers_mut().extend(self.headers.clone());
        response.extensions_mut().insert(self);
        response
    }
}

/// Whom an answer is for, should it be a problem.
#[derive(Debug)]
pub struct Caller {
    /// What was asked for.
    pub uri: Uri,
    /// The language that the headers ask for.
    pub lang: Option<Lang>,
    /// The id of the request.
    pub id: HeaderValue,
}

/// Puts the problem into words that `response` carries, if it carries one.
pub fn speak(mut response: Response, caller: &Caller) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let lang = lang::named(&Params::of(&caller.uri)).or(caller.lang).unwrap_or(Lang::Id);
    let id = caller.id.to_str().unwrap_or_default();
    let body = Json(problem.body(lang, caller.uri.path(), id)).into_response();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::CONTENT_LANGUAGE, lang.code()),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language"),
    ];
    for (name, value) in headers {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    Response::from_parts(parts, body.into_body())
}
