//! The ConfigMap with the graph file and the files of its code, and how a pod has it as a folder.

use serde_json::{Map, Value, json};

use crate::cli::verbs::deploy::site::Site;

/// The ConfigMap; none where the code is in the image. It never changes: other code has another name.
pub fn config_map(site: &Site<'_>) -> Option<Value> {
    let data: Map<String, Value> = site.code.iter().map(|file| (file.key.clone(), json!(file.text))).collect();
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": site.metadata(&site.code_name()?, None),
        "immutable": true,
        "data": data,
    }))
}

/// The volume of a pod that has it as the folder of the graph file.
pub fn volume(site: &Site<'_>) -> Option<Value> {
    // Whole numbers, for JSON has no octal ones: r-xr-xr-x and r--r--r--.
    let mode = |is_program: bool| if is_program { 0o555 } else { 0o444 };
    let items = site.code.iter();
    let items: Vec<Value> =
        items.map(|file| json!({"key": file.key, "path": file.path, "mode": mode(file.is_program)})).collect();
    Some(json!({"name": "graph", "configMap": {"name": site.code_name()?, "items": items}}))
}
