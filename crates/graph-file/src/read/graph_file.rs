//! Reads the top level of a graph file: version, name, stores, defaults, jobs, tests.

use euterpe_actors::message::Force;
use euterpe_actors::refresh::Refresh;

use super::fields::{Fields, describe, text};
use super::job::{job, settings};
use crate::position::At;
use crate::problem::Findings;
use crate::scalar;
use crate::tree::{Kind, Node};
use crate::written::{GraphFile, Links, Store};

/// The version of the format that this program reads.
const VERSION: i64 = 1;

/// Reads a whole file. Problems go to `findings`, and whatever is right is read nevertheless.
pub fn graph_file(root: &Node, findings: &Findings) -> Option<GraphFile> {
    let mut fields = Fields::of(root, "", findings)?;
    let mut file = GraphFile::default();
    if let Some(node) = fields.require("version", "write `version: 1`") {
        version(node, findings);
    }
    if let Some(node) = fields.require("graph", "name the graph, such as `graph: catalogue`") {
        file.graph = text(node, "graph", "the name of the graph", findings);
    }
    if let Some(node) = fields.require("stores", "say where objects live, such as `stores: {music: ./music}`")
        && let Some(stores) = Fields::of(node, "stores", findings)
    {
        file.stores = stores.all().filter_map(|(name, node)| store(name, node, findings)).collect();
    }
    if let Some(node) = fields.take("refresh") {
        file.refresh = refresh(node, findings);
    }
    if let Some(node) = fields.take("defaults")
        && let Some(mut defaults) = Fields::of(node, "defaults", findings)
    {
        file.defaults = settings(&mut defaults);
        defaults.finish();
    }
    if let Some(node) = fields.require("jobs", "a graph has at least one job")
        && let Some(jobs) = Fields::of(node, "jobs", findings)
    {
        file.jobs = jobs.all().filter_map(|(name, node)| job(name, node, findings)).collect();
        if jobs.all().next().is_none() {
            findings.add(node.position, "jobs", "a graph has at least one job");
        }
    }
    if let Some(node) = fields.take("tests") {
        file.tests = Some(At::new(scalar::to_json(node, "tests", findings), node.position));
    }
    fields.finish();
    Some(file)
}

/// What is made anew although it is there.
fn refresh(node: &Node, findings: &Findings) -> Refresh {
    let words = match &node.kind {
        Kind::List(words) => words.iter().map(word).collect(),
        _ => vec![word(node)],
    };
    match words[..] {
        [Some("sources")] => Refresh::default(),
        [Some("sources"), Some("recipe")] | [Some("recipe"), Some("sources")] => {
            Refresh { recipes: Force::All, ..Refresh::default() }
        }
        [Some("never")] => Refresh::NEVER,
        _ => {
            let message = format!("expected `sources`, `never` or `[sources, recipe]`, got {}", describe(node));
            findings.add(node.position, "refresh", message);
            Refresh::default()
        }
    }
}

fn word(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

fn version(node: &Node, findings: &Findings) {
    let is = matches!(&node.kind, Kind::Scalar { text, .. } if *text == VERSION.to_string());
    if !is {
        let message = format!("this program reads version {VERSION}, got {}", describe(node));
        findings.add(node.position, "version", message);
    }
}

/// A store: its URL alone, or with settings.
fn store(name: &At<String>, node: &Node, findings: &Findings) -> Option<Store> {
    let path = format!("stores.{}", name.value);
    let plain = |url| Store { name: name.clone(), url, endpoint: None, region: None, fsync: None, links: None };
    if !matches!(node.kind, Kind::Map(_)) {
        return text(node, &path, "a folder or `s3://bucket/prefix`", findings).map(plain);
    }
    let mut fields = Fields::of(node, path, findings)?;
    let at = fields.at("url");
    let url = fields.require("url", "write a folder or `s3://bucket/prefix`");
    let url = url.and_then(|node| text(node, &at, "a folder or `s3://bucket/prefix`", findings));
    // An empty value counts as left out, so that `endpoint: "${S3_ENDPOINT:-}"` serves Amazon and other servers alike.
    let mut optional = |key| {
        let node = fields.take(key)?;
        if matches!(&node.kind, Kind::Scalar { text, .. } if text.is_empty()) {
            return None;
        }
        text(node, &fields.at(key), "a text", findings)
    };
    let (endpoint, region) = (optional("endpoint"), optional("region"));
    let fsync = fields.flag("fsync");
    let position = fields.position_of("links").unwrap_or_default();
    let links = fields.choice("links", &[("inside", Links::Inside), ("follow", Links::Follow)]);
    let links = links.map(|links| At::new(links, position));
    fields.finish();
    url.map(|url| Store { endpoint, region, fsync, links, ..plain(url) })
}
