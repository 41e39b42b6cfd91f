//! CSV (RFC 4180): a listing a row, with the same columns for every kind.
//!
//! Texts have a column for each language, lists are joined by `;`, what has parts of its own is JSON.
//! A cell that a spreadsheet would take for a formula begins with an apostrophe.

use std::borrow::Cow;

use serde_json::Value;

/// The columns: their name, and where it is in the listing as JSON with all languages.
const COLUMNS: [(&str, &str); 72] = [
    ("id", "/id"),
    ("kind", "/kind"),
    ("slug", "/slug"),
    ("name_id", "/name/id"),
    ("name_en", "/name/en"),
    ("name_jv", "/name/jv"),
    ("summary_id", "/summary/id"),
    ("summary_en", "/summary/en"),
    ("summary_jv", "/summary/jv"),
    ("description_id", "/description/id"),
    ("description_en", "/description/en"),
    ("description_jv", "/description/jv"),
    ("category", "/category/code"),
    ("category_name", "/category/name"),
    ("categories", "/categories/*/code"),
    ("lat", "/location/lat"),
    ("lon", "/location/lon"),
    ("accuracy_m", "/accuracy_m"),
    ("area", "/area/code"),
    ("area_name", "/area/name"),
    ("area_inferred", "/area/inferred"),
    ("street", "/address/street"),
    ("dusun", "/address/dusun"),
    ("rt", "/address/rt"),
    ("rw", "/address/rw"),
    ("postal_code", "/address/postal_code"),
    ("hours", "/hours"),
    ("zone", "/zone"),
    ("tags", "/tags"),
    ("accessibility", "/accessibility"),
    ("facilities", "/facilities"),
    ("payments", "/payments"),
    ("languages_spoken", "/languages_spoken"),
    ("contacts", "/contacts/*/link"),
    ("image", "/media/0/src"),
    ("image_credit", "/media/0/credit"),
    ("image_licence", "/media/0/licence"),
    ("notices", "/notices"),
    ("admission_free", "/admission/free"),
    ("admission_prices", "/admission/prices"),
    ("awards", "/awards"),
    ("duration_min", "/duration_min"),
    ("is_tourism_village", "/is_tourism_village"),
    ("form", "/form"),
    ("craft", "/craft"),
    ("materials", "/materials"),
    ("techniques", "/techniques"),
    ("certificates", "/certificates"),
    ("founded", "/founded"),
    ("centre", "/centre/id"),
    ("visit", "/visit"),
    ("workshops", "/workshops"),
    ("made_to_order", "/made_to_order"),
    ("products", "/products"),
    ("schedule", "/schedule"),
    ("event_status", "/event_status"),
    ("previous_start", "/previous_start"),
    ("venue", "/venue/id"),
    ("organiser", "/organiser"),
    ("registration_url", "/registration/url"),
    ("osm", "/external_ids/osm"),
    ("wikidata", "/external_ids/wikidata"),
    ("external_ids", "/external_ids"),
    ("responsible_agency", "/responsible_agency/id"),
    ("source_name", "/source/name"),
    ("source_url", "/source/url"),
    ("licence", "/licence"),
    ("version", "/version"),
    ("created_at", "/created_at"),
    ("updated_at", "/updated_at"),
    ("published_at", "/published_at"),
    ("verified_at", "/verified_at"),
];

/// Writes the names of the columns.
pub fn head(out: &mut Vec<u8>) {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    out.extend_from_slice(names.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Writes a listing.
pub fn row(listing: &Value, out: &mut Vec<u8>) {
    for (at, (_, path)) in COLUMNS.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(quoted(&safe(&cell(listing, path))).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// What is at `path`, in which `*` is each of a list.
fn cell(listing: &Value, path: &str) -> String {
    match path.split_once("/*") {
        None => listing.pointer(path).map(plain).unwrap_or_default(),
        Some((list, rest)) => {
            let items = listing.pointer(list).and_then(Value::as_array).into_iter().flatten();
            let items: Vec<String> =
                items.filter_map(|item| item.pointer(rest)).map(plain).collect();
            items.join(";")
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.join(";")
        }
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    }
}

/// The cell as a spreadsheet may open it: none that begins as a formula does, but for numbers.
/// Source: OWASP, "CSV Injection".
fn safe(cell: &str) -> Cow<'_, str> {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if begins && !is_number(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// Digits with one sign before them and one point among them; a telephone number is one, too.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains([',', '"', '\r', '\n', ';']) {
        format!("\"{}\"", cell.replace('"', "\"\"")).into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        let cells = ["=1+1", "+SUM(A1)", "-2+3", "@x", "\t=1", "-", "+62812 345", "-8.02.1"];
        for cell in cells {
            assert_eq!(safe(cell), format!("'{cell}"));
        }
        for cell in ["-8.0247", "+6281234567", "12", "", "a=b", "2026-11-24"] {
            assert_eq!(safe(cell), cell);
        }
    }

    #[test]
    fn a_cell_with_signs_of_the_form_is_quoted() {
        let listing = json!({"id": "1", "name": {"id": "a \"b\", c\nd"}, "tags": ["x", "y"],
            "location": {"lat": -8.5}, "categories": [{"code": "a.b"}, {"code": "c"}]});
        let mut out = Vec::new();
        row(&listing, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("1,,,\"a \"\"b\"\", c\nd\",,,"), "{text}");
        assert!(text.contains(",-8.5,,") && text.contains("\"x;y\"") && text.contains("\"a.b;c\""));
        // One comma less than there are columns, and one in a text.
        assert_eq!(text.matches(',').count(), COLUMNS.len());
    }
}
