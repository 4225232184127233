//! What a drawing shows: sources and jobs, the edges between them, and counts where there are some.

use std::collections::BTreeMap;

use euterpe_actors::plan::{Mapping, Route};
use serde::Serialize;

use crate::plan::Plan;

/// A graph to be drawn. Parents stand before their children, sources before all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The name of the graph.
    pub graph: String,
    /// Sources and jobs.
    pub vertices: Vec<Vertex>,
    /// What leads from where to where.
    pub edges: Vec<Edge>,
}

/// A source or a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vertex {
    /// The job's name, or `store:key` of a source.
    pub name: String,
    /// What it runs; none for a source.
    pub transform: Option<String>,
    /// The form of its entities where it is not `{id}`.
    pub form: Option<String>,
    /// How many entities have it.
    pub count: Option<Count>,
}

impl Vertex {
    /// Whether it comes from outside the graph.
    pub fn is_source(&self) -> bool {
        self.transform.is_none()
    }
}

/// How much of a job is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Outputs that are there.
    pub have: u64,
    /// Outputs that are missing.
    pub missing: u64,
}

/// An edge between two vertices, by their places in [`Picture::vertices`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Where it starts.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// The inputs that it stands for.
    pub inputs: Vec<String>,
    /// Which entity of the parent: the mapping of an edge that does not keep the entity.
    pub mapping: Option<String>,
}

impl Picture {
    /// The picture of a plan, without counts.
    pub fn of(plan: &Plan) -> Self {
        let mut picture = Self { graph: plan.graph.clone(), ..Self::default() };
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let inputs = plan.jobs.iter().flat_map(|job| &job.inputs);
        for input in inputs {
            if let Route::Source { store, key, .. } = &input.from {
                let name = format!("{store}:{key}");
                places.entry(name.clone()).or_insert_with(|| {
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
                    Route::Source { store, key, .. } => (places[&format!("{store}:{key}")], None),
                    Route::Job { job, entity: Mapping::Same, .. } => (sources + job.0, None),
                    Route::Job { job, entity: Mapping::To(map), .. } => (sources + job.0, Some(map.to_string())),
                };
                picture.add(Edge { from, to: sources + at, inputs: vec![input.name.to_string()], mapping });
            }
        }
        picture
    }

    /// Adds an edge, or its mapping and input to the one that already leads the same way.
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

    /// Shows how much of each job is there; names that are not in the picture are left alone.
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
