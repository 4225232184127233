//! What is known of the log lines of all nodes by who asked for them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::line::LogLine;
use super::wire::Told;

/// A line, and the node that it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeLine {
    /// The node; none where the line is of this process's own records.
    pub node: Option<Arc<str>>,
    /// The line.
    pub line: LogLine,
}

/// What is worth telling beside the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNews {
    /// So many lines of a node were lost on the way or came too fast, those among them that were not asked for.
    LeftOut {
        /// The node.
        node: String,
        /// How many.
        lines: u64,
    },
    /// A node keeps so many of its oldest lines no more.
    Forgotten {
        /// The node.
        node: String,
        /// How many.
        lines: u64,
    },
    /// A node does not answer, for a reason that it may have told.
    Silent {
        /// The node.
        node: String,
        /// Why.
        why: String,
    },
}

/// What was heard of all nodes.
pub struct Gathering {
    /// Whether the oldest lines are wanted.
    wants_oldest: bool,
    /// The number of the line that comes next, for each node and process.
    next: HashMap<(String, u64), u64>,
    /// The nodes that are heard, and whether each has told all that it had.
    nodes: BTreeMap<String, bool>,
    lines: Vec<NodeLine>,
    news: Vec<LogNews>,
}

impl Gathering {
    /// Nothing was heard yet.
    pub fn new(wants_oldest: bool) -> Self {
        Self { wants_oldest, next: HashMap::new(), nodes: BTreeMap::new(), lines: Vec::new(), news: Vec::new() }
    }

    /// A node speaks, of whatever.
    pub fn heard(&mut self, node: String) {
        self.nodes.entry(node).or_insert(false);
    }

    /// A node tells lines. What it told before is not taken again.
    pub fn told(&mut self, told: Told) {
        let Told { node, process, from, to, lines, done, refused } = told;
        let has_told = self.nodes.entry(node.clone()).or_insert(false);
        *has_told |= done;
        if let Some(why) = refused {
            return self.news.push(LogNews::Silent { node, why });
        }
        let is_first = !self.next.contains_key(&(node.clone(), process));
        let next = self.next.entry((node.clone(), process)).or_insert(0);
        let lost = from.saturating_sub(*next);
        let seen = std::mem::replace(next, to.max(*next));
        match (lost, is_first) {
            (0, _) => {}
            (lines, true) if self.wants_oldest => self.news.push(LogNews::Forgotten { node: node.clone(), lines }),
            (_, true) => {}
            (lines, false) => self.news.push(LogNews::LeftOut { node: node.clone(), lines }),
        }
        let node: Arc<str> = node.into();
        let new = lines.into_iter().filter(|(number, _)| *number >= seen);
        self.lines.extend(new.map(|(_, line)| NodeLine { node: Some(node.clone()), line }));
    }

    /// How many nodes are heard.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes that are heard and have not told all that they had.
    pub fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(|(_, has_told)| !**has_told).map(|(node, _)| node.as_str())
    }

    /// The lines that were gathered since this was last called, by their times; and what is worth telling beside them.
    pub fn take(&mut self) -> (Vec<NodeLine>, Vec<LogNews>) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by_key(|line| line.line.micros);
        (lines, std::mem::take(&mut self.news))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::line::LogLevel;
    use super::*;

    fn told(node: &str, process: u64, (from, to): (u64, u64), numbers: &[u64]) -> Told {
        let line = |number: &u64| (*number, LogLine::new(*number as i64, LogLevel::Info, String::new(), Map::new()));
        let lines = numbers.iter().map(line).collect();
        Told { node: node.into(), process, from, to, lines, done: true, refused: None }
    }

    fn times(gathering: &mut Gathering) -> Vec<i64> {
        gathering.take().0.iter().map(|line| line.line.micros).collect()
    }

    #[test]
    fn lines_of_all_nodes_are_in_the_order_of_their_times_and_none_comes_twice() {
        let mut gathering = Gathering::new(true);
        gathering.told(told("b", 1, (0, 9), &[2, 8]));
        gathering.told(told("a", 1, (0, 6), &[1, 5]));
        assert_eq!(times(&mut gathering), [1, 2, 5, 8]);
        gathering.told(told("b", 1, (0, 11), &[2, 8, 10])); // all of it anew: it had forgotten who asked
        assert_eq!(times(&mut gathering), [10]);
        gathering.told(told("b", 2, (0, 3), &[2])); // another process of this name
        assert_eq!(times(&mut gathering), [2]);
    }

    #[test]
    fn what_is_lost_is_counted() {
        let mut gathering = Gathering::new(true);
        gathering.told(told("a", 1, (4, 9), &[8]));
        gathering.told(told("a", 1, (12, 14), &[13]));
        let node = || "a".to_owned();
        let news = gathering.take().1;
        assert_eq!(news, [LogNews::Forgotten { node: node(), lines: 4 }, LogNews::LeftOut { node: node(), lines: 3 }]);
        let mut gathering = Gathering::new(false);
        gathering.told(told("a", 1, (4, 9), &[8]));
        assert_eq!(gathering.take().1, [], "who asks for the last ones misses none of the oldest");
    }

    #[test]
    fn a_node_that_is_heard_and_does_not_answer_is_waited_for() {
        let mut gathering = Gathering::new(true);
        ["a", "b"].into_iter().for_each(|node| gathering.heard(node.into()));
        gathering.told(Told { done: false, ..told("a", 1, (0, 1), &[]) });
        assert_eq!(gathering.waits_for().collect::<Vec<_>>(), ["a", "b"]);
        gathering.told(told("a", 1, (1, 1), &[]));
        gathering.heard("a".into());
        assert_eq!(gathering.waits_for().collect::<Vec<_>>(), ["b"]);
        assert_eq!(gathering.nodes(), 2);
    }
}
