//! Whether the program that a job names by `argv` can be started on this machine.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use serde_json::Value;

/// The program of a job with these options, a `command` or a `worker` of a graph file in `folder`: where it is, or why it
/// cannot be started. Nothing for options that name none.
pub fn program_of(options: &Value, folder: &Path) -> Option<Result<PathBuf, String>> {
    let program = options.get("argv")?.get(0)?.as_str()?;
    let path = options.get("env").and_then(|env| env.get("PATH")).and_then(Value::as_str);
    Some(find_program(program, path, folder))
}

/// Where a program is, sought below `folder` where its name has a `/`, else in `path` or this process's own; or why it cannot
/// be started.
pub(crate) fn find_program(program: &str, path: Option<&str>, folder: &Path) -> Result<PathBuf, String> {
    let path = path.map(Into::into).or_else(|| env::var_os("PATH")).unwrap_or_default();
    if program.contains('/') {
        return judge(program, &[folder.join(program)]);
    }
    let places: Vec<PathBuf> = env::split_paths(&path).map(|place| place.join(program)).collect();
    judge(program, &places)
}

/// The path of the file below `folder` that an argument names, or the argument as it is if it names none.
pub(crate) fn beside(folder: &Path, argument: &str) -> PathBuf {
    let path = folder.join(argument);
    if argument.contains(['/', '.']) && path.is_file() { path } else { PathBuf::from(argument) }
}

/// Why a program that is there cannot be found by the system: its first line names an interpreter that is not.
pub(crate) fn without_interpreter(file: &Path) -> Option<String> {
    let mut first = [0; 256];
    let read = std::fs::File::open(file).and_then(|mut file| std::io::Read::read(&mut file, &mut first)).ok()?;
    let line = first[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let interpreter = line.trim_start().split([' ', '\t']).next()?;
    // `env` looks for its first word, which has the line's end where it is the last one, too.
    let by_env =
        Path::new(interpreter).file_name().is_some_and(|name| name == "env") && line.trim().contains([' ', '\t']);
    let file = file.display();
    let windows = || {
        let sought = line.trim().rsplit([' ', '\t']).next().unwrap_or_default();
        format!(
            "`{file}` has the line ends of Windows, so that its interpreter `{sought}` is not found; convert it \
             (`sed -i 's/\\r$//' {file}`)"
        )
    };
    if by_env && line.ends_with('\r') {
        return Some(windows());
    }
    if interpreter.is_empty() || Path::new(interpreter).exists() {
        return None;
    }
    Some(match interpreter.ends_with('\r') {
        true => windows(),
        false => {
            format!("the first line of `{file}` names the interpreter `{interpreter}`, which is not there; correct it")
        }
    })
}

fn judge(program: &str, places: &[PathBuf]) -> Result<PathBuf, String> {
    let files: Vec<&PathBuf> = places.iter().filter(|place| place.is_file()).collect();
    let may_run = |file: &&&PathBuf| access(file.as_path(), Access::EXEC_OK).is_ok();
    match (files.iter().find(may_run), files.first()) {
        (Some(found), _) => without_interpreter(found).map_or_else(|| Ok((**found).clone()), Err),
        (None, Some(file)) => Err(format!("`{}` may not be run; make it executable", file.display())),
        (None, None) if program.contains('/') => {
            Err(format!("there is no program `{}`; correct the first element of argv", places[0].display()))
        }
        (None, None) => {
            Err(format!("there is no program `{program}`; install it, or correct the first element of argv"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_is_found_by_its_path_beside_the_graph_and_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tool");
        std::fs::write(&file, "#!/bin/sh\n").expect("written");
        let crlf = folder.path().join("windows");
        std::fs::write(&crlf, "#!/bin/sh -e\r\necho\r\n").expect("written");
        assert_eq!(without_interpreter(&crlf), None, "the word behind it is the interpreter's affair");
        std::fs::write(&crlf, "#!/bin/sh\r\necho\r\n").expect("written");
        assert!(without_interpreter(&crlf).is_some_and(|why| why.contains("line ends of Windows")));
        std::fs::write(&crlf, "#!/usr/bin/env python3\r\n").expect("written");
        assert!(without_interpreter(&crlf).is_some_and(|why| why.contains("its interpreter `python3` is not found")));
        std::fs::write(&crlf, "#!/opt/none/python\n").expect("written");
        assert!(without_interpreter(&crlf).is_some_and(|why| why.contains("`/opt/none/python`, which is not there")));
        assert_eq!(without_interpreter(&file), None);
        let found = |argv: Value, path: &str| {
            program_of(&json!({"argv": argv, "env": {"PATH": path}}), folder.path()).expect("a program is named")
        };
        let here = folder.path().to_str().expect("text");
        let refused = found(json!(["./tool"]), "/nowhere").expect_err("not executable");
        assert!(refused.contains("make it executable"), "{refused}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("set");
        assert!(found(json!(["./tool", "x"]), "/nowhere").is_ok());
        assert!(found(json!(["tool"]), here).is_ok());
        let missing = found(json!(["tool"]), "/nowhere").expect_err("it is nowhere");
        assert_eq!(missing, "there is no program `tool`; install it, or correct the first element of argv");
        assert!(found(json!(["bin/tool"]), here).expect_err("not beside").contains("bin/tool"));
        assert!(program_of(&json!({}), folder.path()).is_none());
    }
}
