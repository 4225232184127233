//! The transform that gives its work to a worker process.

use std::sync::Arc;

use async_trait::async_trait;
use euterpe_actors::{
    node_trouble::says_no_files,
    outcome::Fault,
    transform::{Product, Transform, TransformFactory, Work},
};
use tokio::time::Instant;

use super::{child::Child, inputs, launcher::Launcher, outputs};

impl Launcher {
    /// The transforms of the job's workers.
    pub fn factory(self: &Arc<Self>) -> TransformFactory {
        let launcher = self.clone();
        Arc::new(move || Ok(Box::new(Worker { launcher: launcher.clone(), child: None })))
    }
}

/// The transform of one worker of the pool.
struct Worker {
    launcher: Arc<Launcher>,
    /// Started with the first work; taken out while it works, so that it is killed at the deadline.
    child: Option<Child>,
}

#[async_trait(?Send)]
impl Transform for Worker {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let began = Instant::now();
        self.launcher.code().still_holds().await?;
        let child = match self.child.take_if(Child::is_running) {
            Some(child) => child,
            None => self.launcher.child().await?,
        };
        let request = match inputs::request(&self.launcher, &child.ready, &work).await {
            Ok(request) => request,
            Err(fault) => {
                self.child = Some(child);
                return Err(fault);
            }
        };
        let (child, answer) = child.work(&request.frame, work.entity.as_str(), began, work.timeout).await;
        self.child = child.and_then(|child| self.launcher.keep_or_retire(child));
        // It may have read more of the code meanwhile, as an import within a function does.
        let held = self.launcher.code().still_holds().await;
        if answer.as_ref().is_err_and(|fault| says_no_files(&fault.text)) {
            self.child = None; // files that earlier work left open would fail what comes next, too
        }
        let (outputs, attachment) = answer.map_err(|fault| held.err().unwrap_or(fault))?;
        outputs::product(&self.launcher, &work, outputs, attachment).await
    }
}
