//! The smallest graph with an edge, for the tests of this folder.

use std::time::Duration;

use euterpe_actors::ids::{JobName, StoreName};
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};

const JOBS: [&str; 2] = ["head", "tail"];

pub(super) fn job(at: usize) -> JobName {
    JobName::new(JOBS[at]).expect("a name")
}

/// `head` → `tail`.
pub(super) fn plan() -> NodePlan {
    let form = EntityForm::default();
    let parent = |at: usize| InputPlan {
        name: "x".parse().expect("a name"),
        from: Route::Job { job: JobIx(at - 1), output: 0, entity: Mapping::Same },
    };
    let spec = |at: usize| JobSpec {
        name: job(at),
        form: form.clone(),
        inputs: (at > 0).then(|| parent(at)).into_iter().collect(),
        outputs: vec![OutputPlan {
            store: StoreName::new("out").expect("a name"),
            key: Template::parse(&format!("{}/{{id}}", JOBS[at]), &form).expect("a template"),
        }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers: 1,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    NodePlan::new((0..JOBS.len()).map(spec).collect())
}
