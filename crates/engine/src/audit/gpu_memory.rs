//! Jobs that use a GPU and whose workers may take all of the machine's memory.

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use serde_json::Value;

use super::Warning;
use super::kind::{Kind, argv, variables};
use super::packages::package_names;

const RULE: &str = "memory";

/// Packages that work on a GPU where there is one.
const PACKAGES: [&str; 9] =
    ["torch", "tensorflow", "tensorflow-gpu", "jax", "jaxlib", "onnxruntime-gpu", "cupy", "faster-whisper", "tensorrt"];
/// Parts of the names of variables that choose a GPU.
const VARIABLES: [&str; 5] = ["CUDA", "NVIDIA", "ROCR_", "HIP_", "XLA_PYTHON_CLIENT"];

/// What there is to say of the jobs.
pub(super) fn warnings(plan: &Plan) -> Vec<Warning> {
    let unlimited = plan.jobs.iter().filter(|job| job.memory.is_none() && Kind::of(job) != Kind::Native);
    let warning = |job: &Job| {
        let sign = sign_of_gpu(plan, job)?;
        let message = format!(
            "it works on a GPU ({sign}), and nothing limits the memory of a worker: one that grows takes the machine's, and \
             all work on it fails; write `pool: {{memory: 8GiB}}`, about twice of what `euterpe profile` shows"
        );
        Some(Warning::new(RULE, plan, &format!("jobs.{}.pool", job.name), message))
    };
    unlimited.filter_map(warning).collect()
}

/// What tells that a job uses a GPU.
fn sign_of_gpu(plan: &Plan, job: &Job) -> Option<String> {
    let is_variable = |name: &str| VARIABLES.iter().any(|part| name.contains(part));
    let inherited = job.python.iter().flat_map(|python| python.inherit.iter().cloned());
    if let Some(name) = variables(job).into_keys().chain(inherited).find(|name| is_variable(name)) {
        return Some(format!("the variable {name}"));
    }
    if let Some(value) = device_in(&job.options) {
        return Some(format!("`{value}` under `with`"));
    }
    if let Some(word) = argv(job).into_iter().find(|word| is_device(word.rsplit('=').next().unwrap_or(word))) {
        return Some(format!("`{word}` in its command"));
    }
    let (names, place) = package_names(job)?;
    let package = PACKAGES.iter().map(|name| (*name).to_owned()).find(|name| names.contains(name));
    let package = package.or_else(|| names.iter().find(|name| name.starts_with("cupy-")).cloned())?;
    Some(format!("`{package}` in {}", place.strip_prefix(&plan.folder).unwrap_or(&place).display()))
}

/// The option that names a GPU, wherever it stands.
fn device_in(options: &Value) -> Option<String> {
    match options {
        Value::String(text) => is_device(text).then(|| text.clone()),
        Value::Object(map) => map.values().find_map(device_in),
        Value::Array(list) => list.iter().find_map(device_in),
        _ => None,
    }
}

/// Whether a word names a GPU as the frameworks do: `cuda`, `cuda:1`, `gpu`, `rocm`.
fn is_device(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let name = word.split_once(':').map_or(word.as_str(), |(name, number)| {
        if number.chars().all(|c| c.is_ascii_digit()) { name } else { word.as_str() }
    });
    matches!(name, "cuda" | "gpu" | "rocm" | "hip")
}
