//! Which language an answer is in: `lang=` wins over `Accept-Language`, else Indonesian.

use axum::http::{HeaderMap, header};
use domain::text::Lang;

use crate::params::Params;

/// The language that a request asks for. An unreadable `lang=` asks for none here; who reads the
/// parameters says that it is wrong.
pub fn of(params: &Params, headers: &HeaderMap) -> Lang {
    named(params).or_else(|| accepted_by(headers)).unwrap_or(Lang::Id)
}

/// The language that the address names.
pub fn named(params: &Params) -> Option<Lang> {
    params.peek("lang").and_then(|code| code.parse().ok())
}

/// The language that the headers ask for.
pub fn accepted_by(headers: &HeaderMap) -> Option<Lang> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    accepted(&lines.join(","))
}

/// The best of our languages in an `Accept-Language` (RFC 9110 §12.5.4; lookup of RFC 4647 §3.4:
/// `en-GB` is served by `en`). `*` stands for the default.
fn accepted(header: &str) -> Option<Lang> {
    let mut best: Option<(f32, Lang)> = None;
    for part in header.split(',').take(32) {
        let mut steps = part.split(';').map(str::trim);
        let range = steps.next().unwrap_or_default().to_ascii_lowercase();
        let weight = steps
            .find_map(|step| step.strip_prefix("q="))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        let primary = range.split('-').next().unwrap_or_default();
        let lang = if primary == "*" { Some(Lang::Id) } else { primary.parse().ok() };
        if let Some(lang) = lang
            && weight > 0.0
            && best.is_none_or(|(heaviest, _)| weight > heaviest)
        {
            best = Some((weight, lang));
        }
    }
    best.map(|(_, lang)| lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_we_speak_is_taken() {
        assert_eq!(accepted("fr, en-GB;q=0.8, jv;q=0.5"), Some(Lang::En));
        assert_eq!(accepted("en;q=0, *;q=0.1"), Some(Lang::Id));
        assert_eq!(accepted("de, fr"), None);
        assert_eq!(accepted(""), None);
    }
}
