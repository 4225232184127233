//! The trait that every transform implements, and its factory.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::work::{Product, Work};
use crate::outcome::Fault;

/// The transform of one worker: work in, product or fault out.
///
/// A transform never touches stores, queues or retries. A panic is caught, and the transform is built anew.
/// When the future is dropped (a deadline, a node told to stop at once) it must stop what it started.
#[async_trait(?Send)]
pub trait Transform {
    /// Makes the outputs for one entity.
    async fn apply(&mut self, work: Work) -> Result<Product, Fault>;
}

/// Builds the transform of one worker, when the worker starts and again after a panic.
pub type TransformFactory = Arc<dyn Fn() -> Result<Box<dyn Transform>, Fault> + Send + Sync>;

/// A plain function as a transform, run where the worker runs: only for what is cheap, pure and never waits.
struct Inline<F>(F);

#[async_trait(?Send)]
impl<F> Transform for Inline<F>
where
    F: FnMut(Work) -> Result<Product, Fault>,
{
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        (self.0)(work)
    }
}

/// A factory of a cheap and pure function, run where the worker runs.
pub fn inline<F>(function: F) -> TransformFactory
where
    F: Fn(Work) -> Result<Product, Fault> + Clone + Send + Sync + 'static,
{
    Arc::new(move || Ok(Box::new(Inline(function.clone()))))
}

impl fmt::Debug for dyn Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transform")
    }
}
