//! Nodes that do not run the same: another program, other packages, other meanings of a job.

use std::collections::{BTreeMap, BTreeSet};

use euterpe_actors::ids::JobName;
use euterpe_graph_file::Plan;

use super::Warning;
use crate::run::report::NodeReport;

const RULE: &str = "versions";

/// What there is to say of the nodes that are heard. `own` is the version of this program.
pub(super) fn warnings(plan: &Plan, nodes: &[&NodeReport], own: &str) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let programs = nodes.iter().map(|node| (node.version.as_deref(), node.node.as_str()));
    let mut programs = by_value(programs.filter_map(|(version, node)| Some((version?.to_owned(), node))));
    let is_told = !programs.is_empty();
    if is_told {
        programs.entry(own.to_owned()).or_default().push("this program");
    }
    if programs.len() > 1 {
        let message = format!("nodes run several versions of the program: {}; install one everywhere", list(&programs));
        warnings.push(Warning::new(RULE, plan, "graph", message));
    }
    let silent: Vec<&str> = nodes.iter().filter(|node| node.version.is_none()).map(|node| node.node.as_str()).collect();
    if !silent.is_empty() {
        let message = format!("{} of a version that does not tell its number; install {own} there", are(&silent));
        warnings.push(Warning::new(RULE, plan, "graph", message));
    }
    for job in &plan.jobs {
        let path = format!("jobs.{}", job.name);
        warnings.extend(packages(nodes, &job.name).map(|message| Warning::new(RULE, plan, &path, message)));
    }
    warnings.extend(setups(nodes, plan));
    warnings
}

/// The packages of a job that differ between nodes.
fn packages(nodes: &[&NodeReport], job: &JobName) -> Option<String> {
    let told: Vec<(&str, &BTreeMap<String, String>)> = nodes
        .iter()
        .filter_map(|node| Some((node.node.as_str(), &node.jobs.get(job)?.packages)))
        .filter(|(_, packages)| !packages.is_empty())
        .collect();
    let names: BTreeSet<&String> = told.iter().flat_map(|(_, packages)| packages.keys()).collect();
    let differences = names.into_iter().filter_map(|name| {
        let versions = by_value(told.iter().filter_map(|(node, packages)| Some((packages.get(name)?.clone(), *node))));
        (versions.len() > 1).then(|| format!("{name} ({})", list(&versions)))
    });
    let differences: Vec<String> = differences.take(4).collect();
    let text = "its workers have other packages on other nodes";
    let remedy = "pin them (`env.requirements`, NAME==VERSION) and start the nodes again";
    (!differences.is_empty()).then(|| format!("{text}: {}; {remedy}", differences.join(", ")))
}

/// Nodes that mean something else by a job than the first one.
fn setups(nodes: &[&NodeReport], plan: &Plan) -> Vec<Warning> {
    let mut told = nodes.iter().filter_map(|node| Some((node, node.setup.as_ref()?)));
    let Some((first, setup)) = told.next() else { return Vec::new() };
    let mut found: BTreeMap<String, Vec<&JobName>> = BTreeMap::new();
    for (node, theirs) in told {
        for job in plan.jobs.iter().map(|job| &job.name) {
            let serves = |node: &NodeReport| node.jobs.contains_key(job);
            if !serves(first) || !serves(node) {
                continue;
            }
            for difference in setup.differences(theirs, job) {
                let text = format!(
                    "node `{}` has {difference}, compared with node `{}`; messages that one takes the other leaves; start \
                     them with the same files",
                    node.node, first.node
                );
                found.entry(text).or_default().push(job);
            }
        }
    }
    let path = |jobs: &[&JobName]| match jobs {
        [one] => format!("jobs.{one}"),
        _ => "graph".to_owned(),
    };
    found.into_iter().map(|(text, jobs)| Warning::new(RULE, plan, &path(&jobs), text)).collect()
}

fn by_value<'n>(told: impl Iterator<Item = (String, &'n str)>) -> BTreeMap<String, Vec<&'n str>> {
    let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    told.for_each(|(value, node)| by_value.entry(value).or_default().push(node));
    by_value
}

/// Versions, each with who has it.
fn list(versions: &BTreeMap<String, Vec<&str>>) -> String {
    let one = |(version, nodes): (&String, &Vec<&str>)| format!("{version} on {}", some(nodes));
    versions.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn are(nodes: &[&str]) -> String {
    if nodes.len() == 1 { format!("node {} is", some(nodes)) } else { format!("nodes {} are", some(nodes)) }
}

fn some(nodes: &[&str]) -> String {
    const MOST: usize = 3;
    let names: Vec<String> = nodes.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match nodes.len().saturating_sub(MOST) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use euterpe_graph_file::{Surroundings, check_text};

    use super::*;
    use crate::run::report::JobReport;

    fn plan() -> Plan {
        let text = "version: 1\ngraph: g\nstores: {out: ./out}\njobs:\n  \
                    tags: {use: command, with: {argv: [cp, a, \"{output}\"]}, out: \"out:{id}.json\"}\n";
        let registry = crate::builtin::registry();
        let around = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
        check_text(text, std::path::Path::new("g.yaml"), around).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn node(name: &str, version: Option<&str>, numpy: &str) -> NodeReport {
        let packages =
            BTreeMap::from([("numpy".to_owned(), numpy.to_owned()), ("python".to_owned(), "3.11.2".to_owned())]);
        let job = JobReport { packages, ..JobReport::default() };
        let jobs = [("tags".parse().expect("a name"), job)].into();
        let version = version.map(str::to_owned);
        NodeReport {
            node: name.into(),
            seconds: 1,
            draining: false,
            not_downloaded_bytes: 0,
            jobs,
            setup: None,
            version,
        }
    }

    #[test]
    fn nodes_of_one_version_with_the_same_packages_say_nothing() {
        let (a, b) = (node("a", Some("1.0"), "2.0"), node("b", Some("1.0"), "2.0"));
        assert_eq!(warnings(&plan(), &[&a, &b], "1.0"), []);
        assert_eq!(warnings(&plan(), &[], "1.0"), []);
    }

    #[test]
    fn every_difference_names_who_has_what() {
        let (a, b, old) =
            (node("a", Some("1.0"), "1.26.4"), node("b", Some("1.1"), "2.0.1"), node("old", None, "2.0.1"));
        let found: Vec<String> =
            warnings(&plan(), &[&a, &b, &old], "1.1").into_iter().map(|found| found.problem.message).collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("1.0 on `a`, 1.1 on `b`, `this program`"), "{found:#?}");
        assert!(found[1].starts_with("node `old` is of a version that does not tell"), "{found:#?}");
        assert!(
            found[2].contains("numpy (1.26.4 on `a`, 2.0.1 on `b`, `old`)") && !found[2].contains("python"),
            "{found:#?}"
        );
    }
}
