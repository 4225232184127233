//! The content of a drawing: sources and jobs, the edges between them, and counts where there are some.

use std::collections::BTreeMap;

use euterpe_actors::plan::{Mapping, Route};
use serde::Serialize;

use crate::plan::Plan;

/// A graph to be drawn. Parents stand before their children, sources before all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The name of the graph.
    pub graph: String,
    /// The sources and the jobs.
    pub vertices: Vec<Vertex>,
    /// The edges, from parent to child.
    pub edges: Vec<Edge>,
}

/// A source or a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vertex {
    /// The job's name, or `store:key` of a source.
    pub name: String,
    /// The transform that it runs; `None` for a source.
    pub transform: Option<String>,
    /// The form of its entities, where that is not `{id}`.
    pub form: Option<String>,
    /// How much of it is there, if that was counted.
    pub count: Option<Count>,
}

impl Vertex {
    /// Whether it comes from outside the graph.
    pub fn is_source(&self) -> bool {
        self.transform.is_none()
    }
}

/// How many outputs of a job are there and how many are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The number of outputs that are there.
    pub have: u64,
    /// The number of outputs that are missing.
    pub missing: u64,
}

/// An edge between two vertices, which are named by their numbers in [`Picture::vertices`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Where it starts.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// The inputs that it stands for.
    pub inputs: Vec<String>,
    /// The mapping of an edge that does not keep the entity.
    pub mapping: Option<String>,
}

impl Picture {
    /// The picture of a plan, without counts.
    pub fn of(plan: &Plan) -> Self {
        let mut picture = Self { graph: plan.graph.clone(), ..Self::default() };
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let inputs = plan.jobs.iter().flat_map(|job| &job.inputs);
        for input in inputs {
            if let Route::Source { store, key, .. } = &input.from {
                let name = format!("{store}:{key}");
                numbers.entry(name.clone()).or_insert_with(|| {
                    picture.vertices.push(Vertex { name, transform: None, form: None, count: None });
                    picture.vertices.len() - 1
                });
            }
        }
        let sources = picture.vertices.len();
        for (at, job) in plan.jobs.iter().enumerate() {
            let form = job.form.to_string();
            picture.vertices.push(Vertex {
                name: job.name.to_string(),
                transform: Some(job.transform.clone()),
                form: (form != "{id}").then_some(form),
                count: None,
            });
            for input in &job.inputs {
                let (from, mapping) = match &input.from {
                    Route::Source { store, key, .. } => (numbers[&format!("{store}:{key}")], None),
                    Route::Job { job, entity: Mapping::Same, .. } => (sources + job.0, None),
                    Route::Job { job, entity: Mapping::To(map), .. } => (sources + job.0, Some(map.to_string())),
                };
                picture.add(Edge { from, to: sources + at, inputs: vec![input.name.to_string()], mapping });
            }
        }
        picture
    }

    /// Adds an edge. Where one leads the same way already, that one gets its input and mapping.
    fn add(&mut self, edge: Edge) {
        let mapped = edge.mapping.is_some();
        let same_way =
            |known: &&mut Edge| known.from == edge.from && known.to == edge.to && known.mapping.is_some() == mapped;
        match self.edges.iter_mut().find(same_way) {
            None => self.edges.push(edge),
            Some(known) => {
                known.inputs.extend(edge.inputs);
                if let (Some(all), Some(more)) = (&mut known.mapping, edge.mapping)
                    && !all.split(", ").any(|one| one == more)
                {
                    all.push_str(", ");
                    all.push_str(&more);
                }
            }
        }
    }

    /// Adds counts by the names of jobs. Names of no job of the picture are passed over.
    pub fn with_counts<'c>(mut self, counts: impl IntoIterator<Item = (&'c str, Count)>) -> Self {
        for (name, count) in counts {
            let job = self.vertices.iter_mut().find(|vertex| !vertex.is_source() && vertex.name == name);
            if let Some(job) = job {
                job.count = Some(count);
            }
        }
        self
    }

    /// The edges that start at a vertex.
    pub fn below(&self, vertex: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == vertex)
    }

    /// The edges that end at a vertex.
    pub fn above(&self, vertex: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == vertex)
    }
}
