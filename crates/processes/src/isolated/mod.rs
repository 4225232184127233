//! Does suspect work in a child process, so that what kills a process costs a child and not the node.
//!
//! A panic is caught where it happens. An abort, an overflown stack and a failed allocation end the process, and with it
//! everything else that is in hand. Work that may have done so before ([`Work::isolate`]) is handed to a warm child of
//! the same binary: it opens the same transform, takes one order at a time over a pipe, and leaves its products as files
//! in the scratch folder. If it dies, that was one failed try.

mod child;
mod frames;
mod serve;

use std::sync::Arc;

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use euterpe_actors::storage::Content;
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};

use child::Child;
use frames::{Answer, Order, OrderInput};

pub use child::VERB;
pub use frames::Recipe;
pub use serve::serve;

/// A factory of transforms that work here, and in a child process where the work is suspect, or `always`.
pub fn isolated(here: TransformFactory, recipe: Recipe, always: bool) -> TransformFactory {
    let recipe = Arc::new(recipe);
    Arc::new(move || {
        let here = if always { None } else { Some(here()?) };
        Ok(Box::new(Isolated { here, recipe: recipe.clone(), child: None }))
    })
}

struct Isolated {
    /// None where all the work is done in the child.
    here: Option<Box<dyn Transform>>,
    recipe: Arc<Recipe>,
    /// Started with the first suspect work; taken out while it works, so that a deadline kills it.
    child: Option<Child>,
}

#[async_trait(?Send)]
impl Transform for Isolated {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        match &mut self.here {
            Some(here) if !work.isolate => here.apply(work).await,
            _ => self.apply_in_child(&work).await,
        }
    }
}

impl Isolated {
    async fn apply_in_child(&mut self, work: &Work) -> Result<Product, Fault> {
        let order = order(work).await?;
        let mut child = match self.child.take().and_then(Child::if_alive) {
            Some(child) => child,
            None => Child::start(&self.recipe).await?,
        };
        let answer = child.work(&order).await?;
        self.child = self.recipe.context.recycle_after.is_none_or(|most| child.served < most).then_some(child);
        match answer {
            Answer::Made(files) => Ok(Product(files.into_iter().map(Content::File).collect())),
            Answer::Fault(fault) => Err(fault),
            Answer::Ready => Err(Fault::fatal("the child process answered out of turn")),
        }
    }
}

/// The work as it is told to a child: what is in memory is laid out in the scratch folder first.
async fn order(work: &Work) -> Result<Order, Fault> {
    let trouble = |error: std::io::Error| Fault::failed(format!("could not lay out the work for a child: {error}"));
    let scratch = work.scratch.path().and_then(std::path::absolute).map_err(trouble)?;
    let mut inputs = Vec::with_capacity(work.inputs.len());
    for (number, input) in work.inputs.iter().enumerate() {
        let file = match &input.object.content {
            Content::File(file) => std::path::absolute(file).map_err(trouble)?,
            Content::Bytes(bytes) => {
                let file = scratch.join(format!("input-{number}"));
                tokio::fs::write(&file, bytes).await.map_err(trouble)?;
                file
            }
        };
        let (name, path) = (input.name.clone(), input.path.to_string());
        inputs.push(OrderInput { name, path, file, size: input.object.info.size });
    }
    Ok(Order {
        entity: work.entity.clone(),
        inputs,
        suffixes: work.suffixes.to_vec(),
        scratch,
        attempt: work.attempt,
        timeout: work.timeout,
    })
}
