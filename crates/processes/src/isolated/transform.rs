//! A transform that works in this process, and in a child process where the work is suspect.

use std::sync::Arc;

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use euterpe_actors::storage::Content;
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};

use super::{
    child::Child,
    protocol::{Reply, Request, RequestInput, TransformSpec},
};

/// A factory of transforms that work in this process, and in a child process if the work is suspect, or `always`.
pub fn isolated(here: TransformFactory, spec: TransformSpec, always: bool) -> TransformFactory {
    let spec = Arc::new(spec);
    Arc::new(move || {
        let here = if always { None } else { Some(here()?) };
        Ok(Box::new(Isolated { here, spec: spec.clone(), child: None }))
    })
}

struct Isolated {
    /// `None` if all the work is done in the child.
    here: Option<Box<dyn Transform>>,
    spec: Arc<TransformSpec>,
    /// Started with the first suspect work; taken out while it works, so that it is killed at the deadline.
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
        let request = request(work).await?;
        let mut child = match self.child.take_if(Child::is_running) {
            Some(child) => child,
            None => Child::start(&self.spec).await?,
        };
        let reply = child.work(&request).await?;
        self.child = self.spec.context.recycle_after.is_none_or(|most| child.served() < most).then_some(child);
        match reply {
            Reply::Done(files) => Ok(Product(files.into_iter().map(Content::File).collect())),
            Reply::Fault(fault) => Err(fault),
            Reply::Ready => Err(Fault::fatal("the child process answered out of turn")),
        }
    }
}

/// The work as a request. Bytes in memory are written into the scratch folder first.
async fn request(work: &Work) -> Result<Request, Fault> {
    let trouble = |error: std::io::Error| Fault::of_io("could not lay out the work for a child", &error);
    let scratch = work.scratch.folder()?;
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
        inputs.push(RequestInput { name, path, file, size: input.object.info.size });
    }
    Ok(Request {
        entity: work.entity.clone(),
        inputs,
        suffixes: work.suffixes.to_vec(),
        scratch,
        attempt: work.attempt,
        timeout: work.timeout,
    })
}
