//! Draws a graph as Mermaid, for pages that render it.

use super::picture::{Count, Picture, Vertex};

/// Draws the graph as a Mermaid flowchart.
pub fn draw(picture: &Picture) -> String {
    let mut out = String::from("flowchart TD\n");
    for (at, vertex) in picture.vertices.iter().enumerate() {
        let (open, close) = if vertex.is_source() { ("[(", ")]") } else { ("(", ")") };
        out.push_str(&format!("  v{at}{open}\"{}\"{close}\n", label(vertex)));
    }
    for edge in &picture.edges {
        let arrow = match &edge.mapping {
            Some(mapping) => format!("-. \"{}\" .->", escaped(mapping)),
            None => "-->".into(),
        };
        out.push_str(&format!("  v{} {arrow} v{}\n", edge.from, edge.to));
    }
    out
}

fn label(vertex: &Vertex) -> String {
    let mut label = escaped(&vertex.name);
    for line in vertex.transform.iter().chain(&vertex.form) {
        label.push_str(&format!("<br/><small>{}</small>", escaped(line)));
    }
    if let Some(Count { have, missing }) = vertex.count {
        label.push_str(&format!("<br/>{have}/{}", have + missing));
    }
    label
}

/// Mermaid reads HTML entities, written with `#` in place of `&`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | ';' | '`' => out.push_str(&format!("#{};", c as u32)),
            c => out.push(c),
        }
    }
    out
}
