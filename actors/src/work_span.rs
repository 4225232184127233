//! The span of one work: whatever is logged within it is of this job, entity, run and attempt.

use tracing::Span;

use crate::ids::{EntityId, JobName, RunId};

/// The name of the span.
pub const WORK_SPAN: &str = "work";

/// The span of the work for one message. It has the highest level, so that no filter of levels hides whose a line is.
pub fn work_span(job: &JobName, entity: &EntityId, run: RunId, attempt: u32) -> Span {
    tracing::error_span!(WORK_SPAN, %job, %entity, %run, attempt)
}
