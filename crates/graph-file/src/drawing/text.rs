//! Draws a graph as a tree of text for the terminal.
//!
//! A vertex with several parents is drawn below the last of them, and only named below the others.

use super::picture::{Count, Picture, Vertex};

/// Draws the tree.
pub fn draw(picture: &Picture) -> String {
    let mut out = format!("{}\n", picture.graph);
    let mut tree = Tree { picture, seen: vec![0; picture.vertices.len()], out: &mut out };
    let roots: Vec<usize> =
        (0..picture.vertices.len()).filter(|vertex| picture.above(*vertex).next().is_none()).collect();
    for (number, root) in roots.iter().enumerate() {
        tree.vertex(*root, "", number + 1 == roots.len(), "");
    }
    out
}

struct Tree<'p> {
    picture: &'p Picture,
    /// How many of the edges to each vertex are drawn already.
    seen: Vec<usize>,
    out: &'p mut String,
}

impl Tree<'_> {
    fn vertex(&mut self, at: usize, indent: &str, last: bool, mapping: &str) {
        let vertex = &self.picture.vertices[at];
        let parents = self.picture.above(at).count();
        self.seen[at] += 1;
        let here = self.seen[at] >= parents;
        let branch = if last { "└─ " } else { "├─ " };
        self.out.push_str(&format!("{indent}{branch}{mapping}{}", line(vertex, here)));
        if !here {
            self.out.push_str(" ↓\n");
            return;
        }
        let others: Vec<&str> = self.picture.above(at).map(|edge| self.name(edge.from)).collect();
        if others.len() > 1 {
            self.out.push_str(&format!("  ← {}", others.join(", ")));
        }
        self.out.push('\n');
        let indent = format!("{indent}{}", if last { "   " } else { "│  " });
        let below: Vec<(usize, String)> = self
            .picture
            .below(at)
            .map(|edge| (edge.to, edge.mapping.as_ref().map_or_else(String::new, |map| format!("╌{map}╌ "))))
            .collect();
        for (number, (child, mapping)) in below.iter().enumerate() {
            self.vertex(*child, &indent, number + 1 == below.len(), mapping);
        }
    }

    fn name(&self, at: usize) -> &str {
        &self.picture.vertices[at].name
    }
}

fn line(vertex: &Vertex, whole: bool) -> String {
    let mut line = match &vertex.transform {
        None => format!("({})", vertex.name),
        Some(_) => vertex.name.clone(),
    };
    if whole {
        if let Some(transform) = &vertex.transform {
            line.push_str(&format!("  {transform}"));
        }
        if let Some(form) = &vertex.form {
            line.push_str(&format!("  {form}"));
        }
        if let Some(Count { have, missing }) = vertex.count {
            line.push_str(&format!("  {have}/{}", have + missing));
        }
    }
    line
}
