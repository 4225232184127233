//! JSON, folded where it is long.

use maud::{Markup, html};
use serde_json::Value;

/// How many values are shown.
const MOST: usize = 2000;
/// Members and elements of so many at the most are shown open.
const OPEN: usize = 12;

/// A text of JSON as lists that can be opened.
///
/// # Errors
/// Where it is no JSON, or longer than what was read of it.
pub(super) fn folded(text: &str) -> Result<Markup, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("It is no JSON that can be read here: {error}"))?;
    let mut left = MOST;
    let shown = show(&value, true, &mut left);
    Ok(html! {
        div class="json" { (shown) }
        @if left == 0 { p class="quiet" { "Only the first " (MOST) " values are shown; the file has the rest." } }
    })
}

fn show(value: &Value, is_outer: bool, left: &mut usize) -> Markup {
    let (open, close, length) = match value {
        Value::Object(members) => ('{', '}', members.len()),
        Value::Array(elements) => ('[', ']', elements.len()),
        _ => return html! { span class=(class_of(value)) { (value.to_string()) } },
    };
    if length == 0 {
        return html! { (open) (close) };
    }
    let numbers = matches!(value, Value::Array(elements) if elements.iter().all(Value::is_number));
    if numbers && length > OPEN {
        return numbers_of(value, left);
    }
    let names = html! { (open) span class="quiet" { " " (length) " " } (close) };
    let mut body = Vec::new();
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().take(*left) {
                *left = left.saturating_sub(1);
                body.push(html! { li { span class="key" { (name) } ": " (show(member, false, left)) } });
            }
        }
        Value::Array(elements) => {
            for element in elements.iter().take(*left) {
                *left = left.saturating_sub(1);
                body.push(html! { li { (show(element, false, left)) } });
            }
        }
        _ => {}
    }
    html! {
        details open[is_outer || length <= OPEN] {
            summary { (names) }
            ul { @for item in &body { (item) } }
        }
    }
}

/// A list of numbers in running text.
fn numbers_of(value: &Value, left: &mut usize) -> Markup {
    let elements = value.as_array().map_or(&[][..], Vec::as_slice);
    let shown: Vec<String> = elements.iter().take(*left).map(ToString::to_string).collect();
    *left = left.saturating_sub(shown.len());
    html! {
        details {
            summary { "[" span class="quiet" { " " (elements.len()) " numbers " } "]" }
            p class="numbers" { (shown.join(", ")) @if shown.len() < elements.len() { ", …" } }
        }
    }
}

fn class_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        _ => "word",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_folded_and_bounded() {
        let shown =
            folded(r#"{"<b>": "<script>alert(1)</script>", "list": [1, 2], "none": {}}"#).expect("JSON").into_string();
        assert!(
            shown.contains("&lt;script&gt;") && shown.contains("&lt;b&gt;") && !shown.contains("<script"),
            "{shown}"
        );
        let long = format!("[{}]", vec!["1"; 5000].join(","));
        let shown = folded(&long).expect("JSON").into_string();
        assert!(shown.contains("5000 numbers") && shown.len() < 20_000, "{}", shown.len());
        let long = format!("[{}]", vec!["\"a\""; 5000].join(","));
        assert!(folded(&long).expect("JSON").into_string().matches("<li>").count() == MOST);
        assert!(folded("{").is_err());
        let deep = "[".repeat(100) + &"]".repeat(100);
        folded(&deep).expect("JSON");
    }
}
