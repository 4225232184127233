//! Lifts a CPU-bound function onto a thread of its own, fenced against panics.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
};

use async_trait::async_trait;
use tokio::sync::oneshot;
use tracing::Span;

use super::port::{Transform, TransformFactory};
use super::work::{Product, Work};
use crate::outcome::{Fault, FaultKind};

/// What a CPU-bound transform is: a function of the work with state of its own, one instance for each worker.
pub trait Compute: Send {
    /// Makes the outputs for one entity. May block, may panic; the thread is its own.
    fn compute(&mut self, work: &Work) -> Result<Product, Fault>;
}

impl<F: FnMut(&Work) -> Result<Product, Fault> + Send> Compute for F {
    fn compute(&mut self, work: &Work) -> Result<Product, Fault> {
        self(work)
    }
}

type Build = Arc<dyn Fn() -> Result<Box<dyn Compute>, Fault> + Send + Sync>;

/// A factory of transforms that run on named threads of their own.
pub fn blocking<B>(name: &str, build: B) -> TransformFactory
where
    B: Fn() -> Result<Box<dyn Compute>, Fault> + Send + Sync + 'static,
{
    let name: Arc<str> = name.into();
    let build: Build = Arc::new(build);
    Arc::new(move || Ok(Box::new(Blocking { name: name.clone(), build: build.clone(), thread: None })))
}

struct Blocking {
    name: Arc<str>,
    build: Build,
    /// Started with the first work; left behind when a deadline passes, for a thread cannot be killed.
    thread: Option<mpsc::Sender<Order>>,
}

struct Order {
    work: Work,
    reply: oneshot::Sender<Result<Product, Fault>>,
    /// What is logged on the thread is of this work.
    span: Span,
}

#[async_trait(?Send)]
impl Transform for Blocking {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        // Taken out while it works: if this future is dropped at a deadline, the next work gets a fresh thread.
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => start(&self.name, self.build.clone())?,
        };
        let (reply, answer) = oneshot::channel();
        let order = Order { work, reply, span: Span::current() };
        if thread.send(order).is_err() {
            return Err(Fault::failed("the thread of the transform ended before its work"));
        }
        match answer.await {
            Ok(result) => {
                self.thread = Some(thread);
                result
            }
            Err(_) => Err(Fault::failed("the thread of the transform ended during its work")),
        }
    }
}

fn start(name: &str, build: Build) -> Result<mpsc::Sender<Order>, Fault> {
    let (orders, inbox) = mpsc::channel::<Order>();
    thread::Builder::new()
        .name(name.chars().take(15).collect())
        .stack_size(8 << 20)
        .spawn(move || serve(&build, &inbox))
        .map_err(|error| Fault::of_io("no thread for the transform", &error))?;
    Ok(orders)
}

fn serve(build: &Build, inbox: &mpsc::Receiver<Order>) {
    let mut built: Option<Box<dyn Compute>> = None;
    while let Ok(Order { work, reply, span }) = inbox.recv() {
        let within = span.entered();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let compute = match &mut built {
                Some(compute) => compute,
                None => built.insert(build()?),
            };
            compute.compute(&work)
        }))
        .unwrap_or_else(|panic| {
            Err(Fault::new(FaultKind::Panicked, format!("the transform panicked: {}", panic_text(&*panic))))
        });
        if matches!(&result, Err(fault) if fault.kind == FaultKind::Panicked) {
            built = None;
        }
        drop(within);
        if reply.send(result).is_err() {
            return; // the deadline passed, and another thread has taken over
        }
    }
}

/// The sentence of a panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
