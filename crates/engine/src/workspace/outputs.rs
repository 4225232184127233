//! Where a graph writes: no link in a source store leads a listing there, or each run would make more of what the one before
//! it made.

use std::path::PathBuf;

use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::{OutputPlan, Route};
use euterpe_actors::template::{Piece, Template};
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Location;

/// The folders of those outputs that could be taken for a source in the store `name`.
pub(super) fn outputs_like_sources(plan: &Plan, name: &StoreName) -> Vec<PathBuf> {
    let sources = plan.jobs.iter().flat_map(|job| &job.inputs).filter_map(|input| match &input.from {
        Route::Source { store, key, exts, .. } if store == name => Some((key, &**exts)),
        _ => None,
    });
    let sources: Vec<(&Template, &[String])> = sources.collect();
    let mut folders = Vec::new();
    for OutputPlan { store, key } in plan.jobs.iter().flat_map(|job| &job.outputs) {
        let Some(Location::Folder { path, .. }) = plan.store(store).map(|store| &store.location) else { continue };
        if sources.iter().any(|(source, exts)| may_end_alike(key, source, exts)) {
            let folder = key.prefix().rsplit_once('/').map_or("", |(folder, _)| folder);
            folders.push(if folder.is_empty() { path.clone() } else { path.join(folder) });
        }
    }
    folders.sort();
    folders.dedup();
    folders
}

/// Whether a key of an output may end as one of a source does.
fn may_end_alike(output: &Template, source: &Template, exts: &[String]) -> bool {
    let written = end(output);
    if source.has_ext() {
        return written.is_empty() || exts.iter().any(|ext| ext.eq_ignore_ascii_case(output.suffix()));
    }
    written.ends_with(end(source)) || end(source).ends_with(written)
}

/// The constant text at the end of all keys.
fn end(key: &Template) -> &str {
    match key.pieces().last() {
        Some(Piece::Text(text)) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use euterpe_graph_file::{Surroundings, check_text};

    use super::*;

    #[test]
    fn outputs_that_no_source_is_like_may_be_linked_to() {
        let graph = "version: 1\ngraph: g\nstores: {src: /m/src, docs: /m/docs, out: /m/out}\njobs:\n  \
            a: {use: json.merge, in: {x: \"src:{id}.json\"}, out: \"out:deep/a/{id}.json\"}\n  \
            b: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {x: a}, out: \"out:b-{id}.txt\"}\n  \
            c: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {x: \"docs:{id}.txt\"}, \
            out: \"out:txt/{id}.txt\"}\n";
        let around = Surroundings { registry: &crate::builtin::registry(), stores: &[], env: &|_| None };
        let plan = check_text(graph, std::path::Path::new("/m/g.yaml"), around).expect("a good graph");
        let folders = |store: &str| outputs_like_sources(&plan, &StoreName::new(store).expect("a name"));
        assert_eq!(folders("src"), [PathBuf::from("/m/out/deep/a")]);
        assert_eq!(folders("docs"), ["/m/out", "/m/out/txt"].map(PathBuf::from));
        assert!(folders("out").is_empty());
    }
}
