//! Draws a graph in the DOT language of Graphviz.

use super::picture::{Count, Picture, Vertex};

/// Draws the graph as a digraph with one line for each vertex and edge.
pub fn draw(picture: &Picture) -> String {
    let mut out = format!("digraph {} {{\n", quoted(&picture.graph));
    out.push_str("  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (at, vertex) in picture.vertices.iter().enumerate() {
        let shape = if vertex.is_source() { ", shape=cylinder, style=solid" } else { "" };
        out.push_str(&format!("  v{at} [label={}{shape}];\n", quoted(&label(vertex))));
    }
    for edge in &picture.edges {
        let dashed = match &edge.mapping {
            Some(mapping) => format!(" [style=dashed, label={}]", quoted(mapping)),
            None => String::new(),
        };
        out.push_str(&format!("  v{} -> v{}{dashed};\n", edge.from, edge.to));
    }
    out.push_str("}\n");
    out
}

fn label(vertex: &Vertex) -> String {
    let mut label = vertex.name.clone();
    for line in vertex.transform.iter().chain(&vertex.form) {
        label.push('\n');
        label.push_str(line);
    }
    if let Some(Count { have, missing }) = vertex.count {
        label.push_str(&format!("\n{have}/{}", have + missing));
    }
    label
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
