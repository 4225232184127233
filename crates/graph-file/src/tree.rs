//! Parses YAML into a tree that knows the position of each value, within limits for depth, values and aliases.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, options};

use super::position::{At, Position};
use super::problem::Findings;
use super::wording::printable;

/// The deepest nesting of lists and mappings.
pub const MOST_DEPTH: usize = 32;
/// The most values. What an alias stands for counts each time.
pub const MOST_NODES: usize = 50_000;

/// A value and its position.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A single value as text; `plain` where it stands without quotes, so that it may be a number.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stands without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file, duplicates included.
    Map(Vec<(At<String>, Node)>),
}

/// The path of `key` below `path`: `path.key`, or `key` at the top of the file.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Parses the one document of `text`. Problems go to `findings`; `None` where there is no tree.
pub fn parse(text: &str, findings: &Findings) -> Option<Node> {
    let options =
        options! { emit_comments: false, flow_nesting_limit: 2 * MOST_DEPTH, block_nesting_limit: 2 * MOST_DEPTH };
    let mut tree = Builder { findings, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None, documents: 0 };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => tree.take(event, span).ok()?,
            Err(error) => {
                let mark = error.marker();
                let why = printable(&error.info());
                let remedy = if why.contains(" tab") { "; indent with spaces" } else { "" };
                findings.add(position(mark.line(), mark.col()), "", format!("not YAML: {why}{remedy}"));
                return None;
            }
        }
    }
    if tree.root.is_none() {
        findings.add(position(1, 0), "", "the file is empty; it needs `version`, `graph`, `stores` and `jobs`");
    }
    tree.root
}

/// Parsing ends here; the reason is among the findings.
struct GiveUp;

struct Builder<'f> {
    findings: &'f Findings,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

/// A list or mapping that has not ended yet.
struct Open {
    position: Position,
    anchor: usize,
    size: Size,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    Map(Vec<(At<String>, Node)>, Option<At<String>>),
}

#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), GiveUp> {
        let at = position(span.start.line(), span.start.col());
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.give_up(at, "a second document begins here; a graph file has one");
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(at, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                self.nodes += 1;
                let node = Node { position: at, kind: Kind::Scalar { text: text.into_owned(), plain } };
                self.close(node, anchor, Size { nodes: 1, depth: 0 })?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(at, tag.is_some());
                self.begin(at, anchor, Children::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(at, tag.is_some());
                self.begin(at, anchor, Children::Map(Vec::new(), None))?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let kind = match open.children {
                        Children::List(list) => Kind::List(list),
                        Children::Map(map, _) => Kind::Map(map),
                    };
                    self.close(Node { position: open.position, kind }, open.anchor, open.size)?;
                }
            }
            Event::Alias(anchor) => {
                let room = MOST_NODES.saturating_sub(self.nodes);
                let Some((node, size)) = self.anchors.get(&anchor).filter(|(_, size)| size.nodes <= room).cloned()
                else {
                    return self.give_up(at, "this alias stands for too much, or for itself; write the value out");
                };
                self.nodes += size.nodes;
                self.close(Node { position: at, ..node }, 0, size)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, at: Position, anchor: usize, children: Children) -> Result<(), GiveUp> {
        if self.open.len() >= MOST_DEPTH {
            return self.give_up(at, &format!("nested deeper than {MOST_DEPTH}; a graph file needs less"));
        }
        self.nodes += 1;
        self.open.push(Open { position: at, anchor, size: Size { nodes: 1, depth: 1 }, children });
        Ok(())
    }

    /// Adds a finished value to the list or mapping around it.
    fn close(&mut self, node: Node, anchor: usize, size: Size) -> Result<(), GiveUp> {
        let at = node.position;
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size.nodes += size.nodes;
        open.size.depth = open.size.depth.max(size.depth + 1);
        if self.nodes > MOST_NODES {
            return self.give_up(at, &format!("more than {MOST_NODES} values; split the graph"));
        }
        if self.open.len() + size.depth > MOST_DEPTH {
            return self.give_up(at, &format!("nested deeper than {MOST_DEPTH}; a graph file needs less"));
        }
        match &mut self.open.last_mut().expect("looked at above").children {
            Children::List(list) => list.push(node),
            Children::Map(map, key) => match key.take() {
                Some(key) => map.push((key, node)),
                None => match node.kind {
                    Kind::Scalar { text, .. } => *key = Some(At::new(text, at)),
                    _ => {
                        self.findings.add(at, "", "a key must be a plain text, not a list or a mapping");
                        *key = Some(At::new("?".into(), at));
                    }
                },
            },
        }
        Ok(())
    }

    fn refuse_tag(&self, at: Position, tagged: bool) {
        if tagged {
            self.findings.add(at, "", "tags (`!name`) are not read; leave it out");
        }
    }

    fn give_up(&self, at: Position, why: &str) -> Result<(), GiveUp> {
        self.findings.add(at, "", why);
        Err(GiveUp)
    }
}

fn position(line: usize, column: usize) -> Position {
    let cut = |number: usize| u32::try_from(number).unwrap_or(u32::MAX - 1);
    Position { line: cut(line.max(1)), column: cut(column) + 1 }
}
