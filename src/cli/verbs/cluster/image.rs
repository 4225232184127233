//! The image of the nodes: what to do where this machine does not have it.

use std::path::Path;
use std::process::{Command, Stdio};

use super::set::Set;
use crate::cli::page::words::for_shell;

/// The call that builds the image which a compose file means, where the engine says that there is none of that name.
pub fn missing_image(file: &Path, set: &Set) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let image = value(&text, set, "EUTERPE_IMAGE")?;
    let mut command = Command::new("docker");
    command.args(["image", "inspect", image]).stdin(Stdio::null()).stdout(Stdio::null());
    let said = command.output().ok().filter(|asked| !asked.status.success())?;
    let is_absent = String::from_utf8_lossy(&said.stderr).to_lowercase().contains("no such image");
    is_absent.then(|| remedy(image, value(&text, set, "EUTERPE_TARGET")))
}

fn remedy(image: &str, target: Option<&str>) -> String {
    let target = target.filter(|target| *target != "runtime");
    let target = target.map(|target| format!("--target {} ", for_shell(target))).unwrap_or_default();
    format!(
        "this machine has no image `{image}`; build it once, in the folder of Euterpe's sources:\n  docker build -t {} {target}.",
        for_shell(image)
    )
}

/// What a variable is set to, else the default that the compose file names: `${NAME:-DEFAULT}`.
fn value<'v>(text: &'v str, set: &'v Set, name: &str) -> Option<&'v str> {
    let default = || text.split_once(&format!("${{{name}:-"))?.1.split('}').next();
    set.get(name).or_else(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_that_is_meant_is_built_by_the_call_that_is_named() {
        let text = "image: ${EUTERPE_IMAGE:-euterpe-python}\ntarget: ${EUTERPE_TARGET:-runtime-python}\n";
        let of = |set: &Set| {
            remedy(value(text, set, "EUTERPE_IMAGE").expect("an image"), value(text, set, "EUTERPE_TARGET"))
        };
        let usual = of(&Set::default());
        assert!(usual.ends_with("docker build -t euterpe-python --target runtime-python ."), "{usual}");
        let set = Set::of("EUTERPE_IMAGE=mine\nEUTERPE_TARGET=runtime\n", []);
        assert!(of(&set).ends_with("docker build -t mine ."), "{}", of(&set));
        assert_eq!(value("image: x", &Set::default(), "EUTERPE_IMAGE"), None);
    }
}
