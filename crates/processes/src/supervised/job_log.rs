//! Lines of a child process in the node's log, beside the job and the entity in hand.

use std::sync::Arc;

use serde::Deserialize;

/// How much of what is said about one entity goes to the log, in bytes.
const MOST: usize = 64 << 10;

/// How serious a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// The log of one child process.
#[derive(Debug)]
pub(crate) struct JobLog {
    job: Arc<str>,
    entity: Arc<str>,
    /// Bytes that were logged about the entity in hand.
    logged: usize,
}

impl JobLog {
    /// A log of this job, with no entity in hand.
    pub(crate) fn of(job: Arc<str>) -> Self {
        Self { job, entity: "".into(), logged: 0 }
    }

    /// Begins another entity: the lines that follow are about it.
    pub(crate) fn turn_to(&mut self, entity: &str) {
        self.entity = entity.into();
        self.logged = 0;
    }

    /// A line of text.
    pub(crate) fn line(&mut self, level: Level, text: &str) {
        if !self.has_room(text.len()) {
            return;
        }
        let (job, entity) = (&self.job, &self.entity);
        match level {
            Level::Debug => tracing::debug!(%job, %entity, "{text}"),
            Level::Info => tracing::info!(%job, %entity, "{text}"),
            Level::Warning => tracing::warn!(%job, %entity, "{text}"),
            Level::Error => tracing::error!(%job, %entity, "{text}"),
        }
    }

    /// A number that the transform measured.
    pub(crate) fn metric(&mut self, name: &str, value: f64) {
        if self.has_room(name.len()) {
            tracing::info!(job = %self.job, entity = %self.entity, metric = name, value);
        }
    }

    /// How far the transform is, from 0 to 1.
    pub(crate) fn progress(&mut self, fraction: f64) {
        tracing::debug!(job = %self.job, entity = %self.entity, progress = fraction);
    }

    /// Whether nothing more is logged about this entity.
    pub(super) fn is_full(&self) -> bool {
        self.logged > MOST
    }

    /// Counts what is about to be logged. The last line about an entity says that the rest is not logged.
    fn has_room(&mut self, more: usize) -> bool {
        let before = self.logged;
        self.logged = before.saturating_add(more);
        if before <= MOST && self.is_full() {
            tracing::info!(job = %self.job, entity = %self.entity, "says more than {MOST} bytes; the rest is not logged");
        }
        !self.is_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entity_has_room_of_its_own_in_the_log() {
        let mut log = JobLog::of("j".into());
        log.line(Level::Info, &"x".repeat(MOST));
        assert!(!log.is_full());
        log.metric("m", 1.0);
        assert!(log.is_full());
        log.turn_to("t-2");
        assert!(!log.is_full());
    }
}
