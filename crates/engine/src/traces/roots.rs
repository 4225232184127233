//! The first span of each trace that this process begins: from the sending of an entity to its end, as far as that is heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::trace::{TraceContext, trace_of};

use super::Traces;
use super::span::{Attribute, Span, SpanKind};
use crate::clock::salt;

/// The entities under way, each with the roots of its traces: one for each run that it belongs to.
#[derive(Debug)]
pub(crate) struct Roots {
    /// None where this process does not trace.
    traces: Option<Arc<Traces>>,
    open: Mutex<HashMap<EntityId, Vec<Root>>>,
}

#[derive(Debug)]
struct Root {
    run: RunId,
    context: TraceContext,
    start: SystemTime,
    error: Option<String>,
}

impl Roots {
    /// Of a process with these traces, if it traces.
    pub fn new(traces: Option<Arc<Traces>>) -> Self {
        Self { traces, open: Mutex::default() }
    }

    /// The root of an entity's trace in a run, which begins now unless it has begun; none where this process does not trace.
    pub fn begin(&self, entity: &EntityId, run: RunId) -> Option<TraceContext> {
        let traces = self.traces.as_ref()?;
        let mut open = self.open();
        let roots = open.entry(entity.clone()).or_default();
        if let Some(root) = roots.iter().find(|root| root.run == run) {
            return Some(root.context);
        }
        let context = traces.sampling.span(None, || trace_of(run, entity), salt()).own;
        roots.push(Root { run, context, start: SystemTime::now(), error: None });
        Some(context)
    }

    /// A job failed for good for an entity.
    pub fn failed(&self, entity: &EntityId, why: impl FnOnce() -> String) {
        if self.traces.is_none() {
            return;
        }
        if let Some(roots) = self.open().get_mut(entity) {
            let why = why();
            for root in roots.iter_mut().filter(|root| root.error.is_none()) {
                root.error = Some(why.clone());
            }
        }
    }

    /// An entity came to its end, or nobody will tell of it.
    pub fn end(&self, entity: &EntityId) {
        let Some(traces) = &self.traces else { return };
        let ended = self.open().remove(entity).into_iter().flatten();
        traces.buffer.put(ended.filter(Root::is_wanted).map(|root| root.span(traces, entity, false)));
    }

    /// The run is over: what is still open goes on elsewhere, or later.
    pub fn end_all(&self) {
        let Some(traces) = &self.traces else { return };
        for (entity, roots) in std::mem::take(&mut *self.open()) {
            traces.buffer.put(roots.into_iter().filter(Root::is_wanted).map(|root| root.span(traces, &entity, true)));
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<EntityId, Vec<Root>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Root {
    fn is_wanted(&self) -> bool {
        self.context.sampled
    }

    fn span(self, traces: &Traces, entity: &EntityId, open: bool) -> Span {
        let mut attributes = vec![
            ("euterpe.graph", traces.graph.clone().into()),
            ("euterpe.entity", entity.to_string().into()),
            ("euterpe.run", self.run.to_string().into()),
        ];
        if open {
            attributes.push(("euterpe.open", Attribute::Flag(true)));
        }
        Span {
            context: self.context,
            parent: None,
            name: "entity".into(),
            kind: SpanKind::Producer,
            start: self.start,
            end: SystemTime::now(),
            attributes,
            error: self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use euterpe_actors::trace::Sampling;

    use super::*;

    fn entity(id: &str) -> EntityId {
        EntityId::new(id).expect("an id")
    }

    #[test]
    fn an_entity_has_one_root_in_each_run_and_says_how_it_ended() {
        let traces = Arc::new(Traces::new("catalogue", Sampling::default()));
        let roots = Roots::new(Some(traces.clone()));
        let (one, other) = (RunId::new(7, 7), RunId::new(8, 8));
        let first = roots.begin(&entity("t-1"), one).expect("a root");
        assert_eq!(roots.begin(&entity("t-1"), one), Some(first));
        let second = roots.begin(&entity("t-1"), other).expect("a root");
        assert_ne!(first.trace, second.trace);
        assert_eq!(first.trace, trace_of(one, &entity("t-1")));
        roots.begin(&entity("t-2"), one);
        roots.failed(&entity("t-1"), || "mel: bad_input".into());
        roots.failed(&entity("t-9"), || "nobody knows it".into());
        roots.end(&entity("t-1"));
        roots.end(&entity("t-9"));
        roots.end_all();
        let spans = traces.buffer.take();
        let told: Vec<_> = spans.iter().map(|span| (span.context.trace, span.error.as_deref())).collect();
        let third = trace_of(one, &entity("t-2"));
        let failed = Some("mel: bad_input");
        assert_eq!(told, [(first.trace, failed), (second.trace, failed), (third, None)]);
        let open = ("euterpe.open", Attribute::Flag(true));
        assert_eq!(spans.iter().filter(|span| span.attributes.contains(&open)).count(), 1, "{spans:?}");
    }

    #[test]
    fn a_trace_that_is_not_recorded_has_a_root_that_says_so_and_no_span() {
        let sampling = Sampling { follows_parent: true, share: 0.0 };
        let traces = Arc::new(Traces::new("catalogue", sampling));
        let roots = Roots::new(Some(traces.clone()));
        assert!(roots.begin(&entity("t-1"), RunId::new(7, 7)).is_some_and(|root| !root.sampled));
        roots.end(&entity("t-1"));
        assert!(traces.buffer.take().is_empty());
        assert_eq!(Roots::new(None).begin(&entity("t-1"), RunId::new(7, 7)), None);
    }
}
