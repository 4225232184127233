//! `worker`: a program of any language that speaks the worker protocol, as a job of the graph file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::{
    self, Entry, InputRule, OpenContext, OptionProblem, SampleCodec, Settings, TransformFactory,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::process::Command;

use super::{launcher::Launcher, program::Program, protocol::Opening};
use crate::code_digest::{Code, CodeDigest};
use crate::programs::beside;
use crate::supervised::scrub;

/// The name by which a graph file uses it: `use: worker`.
pub const WORKER: &str = "worker";

/// The options of `worker`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerProgram {
    /// The program and its arguments, without a shell. An argument that names a file beside the graph file is made an
    /// absolute path.
    pub argv: Vec<String>,
    /// What the program is told when it starts: any values by name.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Variables of its environment beside PATH, HOME and LANG.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Settings for WorkerProgram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        if self.argv.first().is_none_or(String::is_empty) {
            problems.push(OptionProblem::new("argv", "name the program, such as `argv: [perl, workers/peaks.pl]`"));
        }
        for name in self.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            problems.push(OptionProblem::new(format!("env.{name}"), "a variable's name has neither `=` nor NUL"));
        }
        problems
    }
}

/// The registry's entry for `worker`.
pub(crate) fn entry(codec: Option<Arc<dyn SampleCodec>>) -> Entry {
    let extensions = codec.as_ref().map_or(&[][..], |codec| codec.extensions());
    let open = move |settings, job: &OpenContext| open(settings, job, codec.clone());
    Entry::new(WORKER, "a program of any language that stays and takes one entity after the other", open)
        .inputs(InputRule::Any)
        .reads(extensions)
        .several_outputs()
        .own_process()
}

fn open(
    settings: WorkerProgram,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<TransformFactory, Vec<OptionProblem>> {
    Ok(launch(settings, job, codec)?.factory())
}

/// The launcher of a job that runs `use: worker` with the options `with`.
///
/// # Errors
/// Every problem with the options.
pub fn worker_launcher(
    with: &Value,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<Arc<Launcher>, Vec<OptionProblem>> {
    launch(transform::read(with, job)?, job, codec)
}

fn launch(
    settings: WorkerProgram,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<Arc<Launcher>, Vec<OptionProblem>> {
    let name = settings.argv.join(" ");
    let opening = Opening::of(job, Value::Object(settings.options), None);
    let argv = settings.argv.iter().map(|argument| beside(&job.folder, argument)).collect();
    let folder = job.folder.clone();
    let (words, env, threads) = (settings.argv, settings.env, job.threads);
    let program = Arc::new(ArgvProgram { words, argv, env, threads, folder });
    let launcher = Launcher::new(&name, opening, program, job.limits(), codec);
    launcher.map_err(|fault| vec![OptionProblem::new("options", fault.text)])
}

/// A program that is named by its arguments.
struct ArgvProgram {
    /// As the graph file has them.
    words: Vec<String>,
    argv: Vec<PathBuf>,
    env: BTreeMap<String, String>,
    threads: usize,
    /// The graph's folder.
    folder: PathBuf,
}

#[async_trait]
impl Program for ArgvProgram {
    async fn command(&self) -> Result<Command, Fault> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]);
        scrub(&mut command, self.threads);
        command.envs(&self.env);
        Ok(command)
    }

    fn code(&self) -> Code {
        let mut files = CodeDigest::from(&self.folder);
        files.add(&self.words);
        files.code()
    }

    fn fingerprint(&self) -> Vec<u8> {
        // It stays on this machine, so programs of the machine count as well where they are named by their paths.
        let named = self.argv.iter().filter(|argument| argument.is_absolute());
        let mut files = CodeDigest::from(Path::new("/"));
        files.add(named);
        format!("{:?}", (files.finish(), &self.argv, &self.env)).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use euterpe_actors::actors_thread::on_actors_thread;
    use serde_json::json;

    use super::*;

    /// A launcher of the program `w.pl` of a folder, which has this text.
    fn of_a_file(text: &str) -> (tempfile::TempDir, Arc<Launcher>) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("w.pl"), text).expect("written");
        let here = || folder.path().to_owned();
        let job = OpenContext { folder: here(), homes: here(), ..OpenContext::default() };
        let launcher = worker_launcher(&json!({"argv": ["perl", "w.pl"]}), &job, None).expect("it opens");
        (folder, launcher)
    }

    #[tokio::test]
    async fn once_others_rest_on_the_code_no_worker_begins_with_other_code() {
        let (folder, launcher) = of_a_file("exit 7");
        let put = |text: &str| std::fs::write(folder.path().join("w.pl"), text).expect("written");
        let text = |fault: Fault| fault.text;
        let pinned = launcher.code().pin();
        assert!(!launcher.prepare().await.map_err(text).expect_err("it ends").contains("changed"));
        put("exit 8");
        let refused = launcher.prepare().await.map_err(text).expect_err("other code");
        assert!(refused.contains("the code of `perl w.pl` changed since this process began"), "{refused}");
        put("exit 7");
        assert_eq!(launcher.code().pin(), pinned);
        assert!(!launcher.prepare().await.map_err(text).expect_err("it ends").contains("changed"));
    }

    #[tokio::test]
    async fn work_whose_worker_cannot_begin_any_more_spends_no_try_and_the_reason_is_told() {
        let (folder, launcher) = of_a_file("exit 7");
        launcher.code().pin();
        std::fs::write(folder.path().join("w.pl"), "exit 8").expect("written");
        tokio::select! {
            biased;
            child = launcher.child() => panic!("a try ends: {:?}", child.map(drop)),
            why = launcher.code().broken() => assert!(why.text.contains("changed since this process began"), "{why:?}"),
        }
    }

    /// In a debug build, reading the files on the thread that runs all actors would panic.
    #[tokio::test]
    async fn the_code_is_compared_beside_the_actors_thread() {
        let (folder, launcher) = of_a_file("exit 7");
        let put = |text: &str| std::fs::write(folder.path().join("w.pl"), text).expect("written");
        launcher.code().pin();
        put("exit 8");
        let refused = on_actors_thread(launcher.prepare()).await.expect_err("other code").text;
        assert!(refused.contains("changed since this process began"), "{refused}");
    }

    #[test]
    fn a_file_beside_the_folder_of_the_graph_is_code_of_a_worker_and_one_of_the_machine_is_not() {
        let around = tempfile::tempdir().expect("a folder");
        let (folder, tool) = (around.path().join("graph"), around.path().join("tool.pl"));
        std::fs::create_dir(&folder).expect("made");
        let job = OpenContext { folder, ..OpenContext::default() };
        let pin = |text: &str, named: &str| {
            std::fs::write(&tool, text).expect("written");
            worker_launcher(&json!({"argv": ["perl", named]}), &job, None).expect("it opens").code().pin()
        };
        assert_ne!(pin("exit 7", "../tool.pl"), pin("exit 8", "../tool.pl"));
        let absolute = tool.display().to_string();
        assert_eq!(pin("exit 7", &absolute), pin("exit 8", &absolute));
    }
}
