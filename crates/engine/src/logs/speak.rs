//! Answers for a node's log lines for as long as it serves. Nothing is published while nobody asks.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use euterpe_amqp::{ConnectionSettings, ListenerEvent, listen};
use tokio::sync::mpsc;

use super::answers::Answers;
use super::ring::LogRing;
use super::wire::{ASK_KEY, Ask, Told};
use crate::run::reporter::Mouth;

/// How often who follows is told of new lines.
const OFTEN: Duration = Duration::from_millis(200);

/// Where the lines of a node are, and where it is asked for them.
pub struct Speaking {
    /// The lines.
    pub ring: Arc<LogRing>,
    /// The broker.
    pub dial: ConnectionSettings,
    /// The graph.
    pub graph: String,
}

/// Speaks for one node.
pub struct Speaker {
    asked: Speaking,
    answers: RefCell<Answers>,
    mouth: Mouth,
}

impl Speaker {
    /// A speaker for the node called `node`, which says what it says by `mouth`.
    pub fn new(node: &str, asked: Speaking, mouth: Mouth) -> Self {
        let answers = RefCell::new(Answers::of(node, asked.ring.clone()));
        Self { asked, answers, mouth }
    }

    /// Answers until it is dropped. Where nobody may listen, nobody is answered, and that is told once.
    pub async fn speak(&self) -> Infallible {
        let (asks, mut heard) = mpsc::unbounded_channel();
        let Speaking { dial, graph, .. } = &self.asked;
        tokio::select! {
            never = self.answer(&mut heard) => return never,
            ended = listen(dial, graph, &[ASK_KEY], &asks) => match ended {
                Ok(never) => match never {},
                Err(error) => tracing::warn!("`euterpe logs` will not hear this node, which may not listen: {error}"),
            },
        }
        std::future::pending().await
    }

    async fn answer(&self, heard: &mut mpsc::UnboundedReceiver<ListenerEvent>) -> Infallible {
        loop {
            let event = match self.answers.borrow().is_followed() {
                true => tokio::time::timeout(OFTEN, heard.recv()),
                false => tokio::time::timeout(Duration::MAX, heard.recv()),
            };
            match event.await {
                Ok(Some(ListenerEvent::Report(body))) => self.asked(&body),
                Ok(Some(ListenerEvent::Listening)) | Err(_) => {}
                Ok(None) => return std::future::pending().await,
            }
            self.flush();
        }
    }

    fn asked(&self, body: &[u8]) {
        match serde_json::from_slice::<Ask>(body) {
            Ok(ask) => {
                if let Some((key, told)) = self.answers.borrow_mut().asked(ask) {
                    self.send(key, &told);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "somebody asked for log lines in words that cannot be read; is it of another version?");
            }
        }
    }

    /// Tells what is there by now.
    pub fn flush(&self) {
        self.answers.borrow_mut().tell(|key, told| self.send(key, told));
    }

    fn send(&self, key: String, told: &Told) -> bool {
        match serde_json::to_vec(told) {
            Ok(body) => (self.mouth)(key, body),
            Err(error) => {
                tracing::error!(%error, "log lines could not be written");
                true
            }
        }
    }
}
