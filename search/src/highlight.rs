//! Highlight: a text as HTML with the words somebody looked for marked.

use domain::text::{Lang, Texts};

use crate::words::{Sought, matches, tokens};

/// The name for a reader of `lang`, escaped for HTML, each word that answers `sought` between
/// `<mark>` and `</mark>`; `None` when none does.
pub(crate) fn name(name: &Texts, lang: Lang, sought: &Sought) -> Option<String> {
    mark(name.get(lang).1, sought)
}

fn mark(text: &str, sought: &Sought) -> Option<String> {
    let mut html = String::with_capacity(text.len() + 32);
    let mut done = 0;
    let found = |term: &str| sought.words.iter().any(|word| matches(word, term).is_some());
    for token in tokens(text).into_iter().filter(|token| found(&token.term)) {
        escape(&text[done..token.at.start], &mut html);
        html.push_str("<mark>");
        escape(&text[token.at.clone()], &mut html);
        html.push_str("</mark>");
        done = token.at.end;
    }
    escape(&text[done..], &mut html);
    (done > 0).then_some(html)
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, q: &str) -> Option<String> {
        mark(text, &Sought::read(q))
    }

    #[test]
    fn the_words_found_are_marked_and_nothing_else() {
        assert_eq!(
            marked("Pantai Parangtritis", "parangtrits").as_deref(),
            Some("Pantai <mark>Parangtritis</mark>")
        );
        assert_eq!(marked("Candi Abang", "gerabah"), None);
    }

    #[test]
    fn what_is_html_in_a_name_is_text_in_the_answer() {
        assert_eq!(
            marked("<b>Batik</b> & \"Co\"", "batik").as_deref(),
            Some("&lt;b&gt;<mark>Batik</mark>&lt;/b&gt; &amp; &quot;Co&quot;")
        );
    }
}
