//! Where the keys of a graph file stand, for what is found about it after it was read.

use std::collections::BTreeMap;

use super::position::Position;
use super::tree::{Kind, Node, join};

/// The position of every key, by its path: `jobs.mix.pool.memory`, `stores.derived.fsync`, `defaults.timeout`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Position>);

impl Places {
    /// The places of a whole file.
    pub(crate) fn of(root: &Node) -> Self {
        let mut places = Self::default();
        places.add(root, "");
        places
    }

    fn add(&mut self, node: &Node, path: &str) {
        match &node.kind {
            Kind::Scalar { .. } => {}
            Kind::List(list) => {
                for (at, item) in list.iter().enumerate() {
                    let path = join(path, &at.to_string());
                    self.0.insert(path.clone(), item.position);
                    self.add(item, &path);
                }
            }
            Kind::Map(map) => {
                for (key, value) in map {
                    let path = join(path, &key.value);
                    self.0.insert(path.clone(), key.position);
                    self.add(value, &path);
                }
            }
        }
    }

    /// Whether the file has this key.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The position of the key, or else of the nearest one around it.
    pub fn near(&self, path: &str) -> Position {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rsplit_once('.')) {
                (Some(position), _) => return *position,
                (None, Some((around, _))) => path = around,
                (None, None) => return Position::default(),
            }
        }
    }
}
