//! Encoding: in which coding a body goes over the wire.
//!
//! Chosen once at the edge; the layer that packs is asked for exactly that one, so the key of the
//! cache and the body can never disagree.

use axum::http::{HeaderMap, HeaderValue, header};

/// A content coding that we have; where two are as welcome, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
}

impl Encoding {
    /// The most welcome in `Accept-Encoding` (RFC 9110 §12.5.3), identity where none is.
    pub fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
        let parts = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        let welcome = parts.take(32).filter_map(weigh).filter(|(weight, _)| *weight > 0.0);
        let best = welcome.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        best.map_or(Self::Identity, |(_, encoding)| encoding)
    }

    /// Asks for this one and no other.
    pub fn ask(self, headers: &mut HeaderMap) {
        let name = match self {
            Self::Identity => {
                headers.remove(header::ACCEPT_ENCODING);
                return;
            }
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(name));
    }
}

/// A member of the list with its weight, where it is one of ours. `*` is the best that we have.
fn weigh(part: &str) -> Option<(f32, Encoding)> {
    let (name, weight) = part.split_once(';').unwrap_or((part, "q=1"));
    let encoding = match name.trim().to_ascii_lowercase().as_str() {
        "identity" => Encoding::Identity,
        "gzip" | "x-gzip" => Encoding::Gzip,
        "br" => Encoding::Brotli,
        "zstd" | "*" => Encoding::Zstd,
        _ => return None,
    };
    let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
    (0.0..=1.0).contains(&weight).then_some((weight, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &'static str) -> Encoding {
        let name = header::ACCEPT_ENCODING;
        Encoding::of(&HeaderMap::from_iter([(name, HeaderValue::from_static(line))]))
    }

    #[test]
    fn the_most_welcome_coding_is_taken_and_of_equals_the_best() {
        assert_eq!(of("gzip, deflate, br, zstd"), Encoding::Zstd);
        assert_eq!(of("gzip, br;q=0.5"), Encoding::Gzip);
        assert_eq!(of("GZIP;q=1.0, identity"), Encoding::Gzip);
        assert_eq!(of("*"), Encoding::Zstd);
    }

    #[test]
    fn where_none_of_ours_is_welcome_the_body_goes_as_it_is() {
        assert_eq!(Encoding::of(&HeaderMap::new()), Encoding::Identity);
        for line in
            ["", "deflate", "gzip;q=0", "gzip;q=x", "gzip;q=2", "gzip;q=NaN", ";;,,", "*;q=0"]
        {
            assert_eq!(of(line), Encoding::Identity, "{line}");
        }
        assert_eq!(of("identity, gzip;q=0.5"), Encoding::Identity);
    }
}
