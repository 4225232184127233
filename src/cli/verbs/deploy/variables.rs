//! The variables of nodes: those that are typed, and those that the graph file reads.

use std::cell::RefCell;
use std::collections::BTreeSet;

use euterpe_actors::transform::Registry;
use euterpe_graph_file::{Plan, Problems, Surroundings};

use crate::cli::args::GraphFile;

/// A variable that stands in the manifests.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; that of this shell where none is typed.
    pub value: Option<String>,
}

/// A variable whose value is in a Secret.
#[derive(Clone, Debug)]
pub struct SecretVariable {
    /// Its name.
    pub name: String,
    /// The Secret.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// Reads a variable as it is typed.
///
/// # Errors
/// What is wrong with it.
pub fn variable(text: &str) -> Result<Variable, String> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
    let name = named(name)?;
    match ["PASSWORD", "SECRET", "TOKEN", "ACCESS_KEY"].iter().find(|word| name.contains(**word)) {
        Some(_) => Err(format!(
            "`{name}` looks like a secret, which does not belong in a manifest; use --secret-env {name}=SECRET/KEY"
        )),
        None => Ok(Variable { name, value }),
    }
}

/// Reads a variable of a Secret as it is typed.
///
/// # Errors
/// What is wrong with it.
pub fn secret_variable(text: &str) -> Result<SecretVariable, String> {
    let parts = text.split_once('=').and_then(|(name, from)| Some((name, from.split_once('/')?)));
    let (name, (secret, key)) = parts.ok_or("write NAME=SECRET/KEY, such as S3_ENDPOINT=media/endpoint")?;
    super::names::label(secret)?;
    Ok(SecretVariable { name: named(name)?, secret: secret.to_owned(), key: key.to_owned() })
}

fn named(name: &str) -> Result<String, String> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => Ok(name.to_owned()),
        false => Err(format!("`{name}` cannot be the name of a variable")),
    }
}

/// Loads the graph file as nodes will see it: with the values that they get. The names of the variables that it reads come
/// with it.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(
    graph: &GraphFile,
    registry: &Registry,
    typed: &[Variable],
    secret: &[SecretVariable],
) -> Result<(Plan, BTreeSet<String>), Problems> {
    let read = RefCell::new(BTreeSet::new());
    let env = |name: &str| {
        // These say where stores are and are made flags; what `~` means is no business of the nodes.
        if !name.starts_with("EUTERPE_STORE") && name != "HOME" {
            read.borrow_mut().insert(name.to_owned());
        }
        let value = typed.iter().find(|variable| variable.name == name).and_then(|variable| variable.value.clone());
        let value = value.or_else(|| std::env::var(name).ok());
        // What a Secret holds is not known here.
        value.or_else(|| secret.iter().any(|variable| variable.name == name).then(String::new))
    };
    let plan = euterpe_graph_file::load(&graph.graph, Surroundings { registry, env: &env, stores: &graph.stores })?;
    Ok((plan, read.into_inner()))
}

/// The values of the variables that are typed; a name alone takes that of this shell. What nodes would lack is added to
/// `problems`.
pub fn values(
    typed: &[Variable],
    secret: &[SecretVariable],
    read: &BTreeSet<String>,
    problems: &mut Vec<String>,
) -> Vec<(String, String)> {
    let is_named = |name: &str| typed.iter().any(|one| one.name == name) || secret.iter().any(|one| one.name == name);
    for name in read.iter().filter(|name| !is_named(name) && std::env::var_os(name).is_some()) {
        problems.push(format!(
            "the graph file reads the variable `{name}`, which nodes do not get; give --env {name} for the value that it has here, \
             or --secret-env {name}=SECRET/KEY for a secret"
        ));
    }
    let mut values = Vec::new();
    for Variable { name, value } in typed {
        match value.clone().or_else(|| std::env::var(name).ok()) {
            Some(value) if has_password(&value) => problems.push(format!(
                "the value of `{name}` is a URL with a user, which does not belong in a manifest; use --secret-env {name}=SECRET/KEY"
            )),
            Some(value) => values.push((name.clone(), value)),
            None => problems.push(format!("the variable `{name}` is not set here; give --env {name}=VALUE")),
        }
    }
    values
}

/// Whether a value is a URL with a user in it.
fn has_password(value: &str) -> bool {
    let host = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    host.is_some_and(|host| host.contains('@'))
}

/// A sentence for each variable of this shell that nodes will miss: those that say which server of S3 is meant, and those that
/// functions inherit.
pub fn missed(plan: &Plan, in_buckets: bool, typed: &[Variable], secret: &[SecretVariable]) -> Vec<String> {
    let is_named = |name: &str| typed.iter().any(|one| one.name == name) || secret.iter().any(|one| one.name == name);
    let is_missed = |name: &str| !is_named(name) && std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let of_buckets = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION"].into_iter().filter(|_| in_buckets);
    let of_buckets = of_buckets.filter(|name| is_missed(name));
    let of_buckets = of_buckets
        .map(|name| format!("`{name}` is set here, and nodes do not get it; give --env {name} if they need it"));
    let inherited = plan
        .jobs
        .iter()
        .flat_map(|job| job.python.iter().flat_map(move |python| python.inherit.iter().map(move |name| (job, name))));
    let inherited = inherited.filter(|(_, name)| !is_named(name)).map(|(job, name)| {
        format!("job `{}` inherits `{name}`, which nodes do not get; give --env {name}=VALUE or --secret-env {name}=SECRET/KEY", job.name)
    });
    of_buckets.chain(inherited).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_refused_by_its_name_or_its_value() {
        for wrong in ["AWS_SECRET_ACCESS_KEY=x", "HF_TOKEN", "MY_PASSWORD=y", "1X=2", "A-B=c"] {
            assert!(variable(wrong).is_err(), "{wrong}");
        }
        let typed = [variable("URL=amqps://me:x@host/v"), variable("AT=s3://bucket/a@b")]
            .map(|typed| typed.expect("a variable"));
        let mut problems = Vec::new();
        let values = values(&typed, &[], &BTreeSet::new(), &mut problems);
        assert_eq!(values, [("AT".to_owned(), "s3://bucket/a@b".to_owned())]);
        assert!(problems.len() == 1 && problems[0].contains("--secret-env URL=SECRET/KEY"), "{problems:?}");
    }
}
