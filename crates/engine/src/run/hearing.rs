//! Hears what nodes report of a run that goes over a broker, and notices where reports were lost.

use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
};

use anyhow::anyhow;
use euterpe_actors::ids::RunId;
use euterpe_actors::work_span::work_span;
use euterpe_amqp::ListenerEvent;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::report::{Note, Notes};
use super::tracker::Tracker;

/// Tells the tracker what is reported, and `last` when that was. A retry hears of the runs that its messages are of.
///
/// Nothing else is done on the way, so that room for further entities is made as soon as it is heard of. Ends with an error
/// alone.
pub async fn hear(
    heard: &mut mpsc::UnboundedReceiver<ListenerEvent>,
    tracker: &Tracker,
    last: &Cell<Instant>,
    retried: Option<BTreeSet<RunId>>,
) -> anyhow::Error {
    let mut numbers = Numbers::default();
    while let Some(event) = heard.recv().await {
        let body = match event {
            ListenerEvent::Listening => {
                tracker.doubt(); // whatever was reported before was missed
                continue;
            }
            ListenerEvent::Report(body) => body,
        };
        let notes: Notes = match serde_json::from_slice(&body) {
            Ok(notes) => notes,
            Err(error) => {
                tracing::warn!(%error, "a node reported what cannot be read; is it of another version?");
                continue;
            }
        };
        if retried.as_ref().is_some_and(|runs| !runs.contains(&notes.run)) {
            continue;
        }
        last.set(Instant::now());
        // In the run that a retry's message is of, others may be under way.
        let is_ours = |note: &&Note| retried.is_none() || tracker.is_live(&note.entity);
        for note in notes.notes.iter().filter(is_ours) {
            let span = work_span(&note.job, &note.entity, notes.run, note.attempt);
            span.in_scope(|| tracker.ended(note));
        }
        if numbers.has_gap(&notes) {
            tracing::debug!(node = notes.node, "reports were lost");
            tracker.doubt();
        }
    }
    anyhow!("nobody listens any more")
}

/// The number that the next report of each node and run will have.
#[derive(Default)]
struct Numbers(HashMap<(String, RunId), u64>);

impl Numbers {
    /// Whether reports of this node were lost before this one, or with its process. Two nodes of one name are not taken for
    /// one of which every other report is lost.
    fn has_gap(&mut self, notes: &Notes) -> bool {
        let Some(next) = self.0.get_mut(&(notes.node.clone(), notes.run)) else {
            self.0.insert((notes.node.clone(), notes.run), notes.number + 1);
            return false;
        };
        let (is_new, expected) = (notes.number == 0, *next);
        *next = if is_new { 1 } else { expected.max(notes.number + 1) };
        is_new || notes.number > expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_number_that_was_passed_over_or_a_node_that_begins_anew() {
        let mut numbers = Numbers::default();
        let mut gap = |node: &str, number| {
            let (node, run) = (node.to_owned(), RunId::new(7, 7));
            numbers.has_gap(&Notes { node, run, number, notes: Vec::new() })
        };
        assert!(!gap("a", 4), "what came before this was listened to is doubted anyway");
        assert!(!gap("a", 5));
        assert!(!gap("b", 0));
        assert!(gap("a", 7));
        assert!(!gap("a", 8));
        assert!(gap("a", 0), "its process is another one");
        assert!(!gap("a", 1));
    }

    #[test]
    fn two_nodes_of_one_name_lose_nothing() {
        let mut numbers = Numbers::default();
        let mut gap =
            |number| numbers.has_gap(&Notes { node: "twin".into(), run: RunId::new(7, 7), number, notes: Vec::new() });
        assert!(!gap(90));
        for step in 0..5 {
            assert!(!gap(3 + step) && !gap(91 + step));
        }
    }
}
