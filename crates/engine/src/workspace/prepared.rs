//! Starts one worker of each job that has worker processes, before any work: what cannot start is said once, with its
//! place in the graph file, and nothing else begins.

use std::fs;

use anyhow::{Context, bail};
use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Fault;

use super::Workspace;
use super::programs::commands;
use euterpe_graph_file::plan::Job;

/// What a job's worker said of itself, or why it cannot begin.
pub struct Prepared<'o> {
    /// The job.
    pub job: &'o Job,
    /// One line, such as the version of its interpreter.
    pub about: Result<String, Fault>,
}

impl Workspace {
    /// Starts a worker of each of these jobs that has worker processes, and keeps it for the job's first entity. Builds
    /// their environments first, where they are not there yet.
    pub async fn try_workers(&self, wanted: impl Fn(&JobName) -> bool) -> Vec<Prepared<'_>> {
        let mut prepared = Vec::new();
        for job in self.plan.jobs.iter().filter(|job| wanted(&job.name)) {
            if let Some(launcher) = self.launchers.get(&job.name) {
                prepared.push(Prepared { job, about: launcher.prepare().await });
            }
        }
        prepared
    }

    /// As [`Workspace::try_workers`], for verbs that go on only if all workers can begin. Makes sure first that each program
    /// is there that a `command` names, and that it is known what each bucket promises.
    ///
    /// A worker that began once and has not changed since is not tried again, so that a run with nothing to do loads no model.
    /// From now on these jobs do no work by other code: what is made goes by the code of one moment.
    ///
    /// # Errors
    /// A program that is not there; a bucket that cannot be used; what keeps each worker from beginning, with its place in the
    /// graph file and its traceback.
    pub async fn prepare(&self, wanted: impl Fn(&JobName) -> bool) -> anyhow::Result<()> {
        let missing = commands(&self.plan).filter(|(job, _)| wanted(&job.name)).filter_map(|(job, found)| {
            let fault = Fault::fatal(found.err()?);
            self.problem(&Prepared { job, about: Err(fault) })
        });
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            bail!("{}", missing.join("\n"));
        }
        self.know_buckets().await?;
        self.code.iter().filter(|(job, _)| wanted(job)).for_each(|(_, code)| drop(code.pin()));
        let folder = self.place.kept.join("begun");
        let mark = |job: &JobName| self.launchers.get(job).map(|launcher| folder.join(launcher.fingerprint()));
        let news = |job: &JobName| wanted(job) && mark(job).is_some_and(|mark| !mark.exists());
        let prepared = self.try_workers(news).await;
        let problems: Vec<String> = prepared.iter().filter_map(|one| self.problem(one)).collect();
        if !problems.is_empty() {
            bail!("{}", problems.join("\n"));
        }
        for mark in prepared.iter().filter_map(|one| mark(&one.job.name)) {
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(&mark, ""))
                .context("could not note that a worker began")?;
        }
        Ok(())
    }

    /// Waits until it is known that the work of a job cannot begin any more; for ever while all can.
    pub async fn broken(&self) -> String {
        let each = self.plan.jobs.iter().filter_map(|job| Some((job, self.code.get(&job.name)?)));
        let each = each.map(|(job, code)| Box::pin(async move { Prepared { job, about: Err(code.broken().await) } }));
        let each: Vec<_> = each.collect();
        if each.is_empty() {
            std::future::pending::<()>().await;
        }
        let (broken, ..) = futures::future::select_all(each).await;
        self.problem(&broken).unwrap_or_default()
    }

    /// What is wrong with a job's worker, in the form of the graph file's own problems.
    pub fn problem(&self, prepared: &Prepared<'_>) -> Option<String> {
        let Prepared { job, about: Err(fault) } = prepared else { return None };
        let (file, position) = (self.plan.file.display(), job.position);
        let mut text = format!("{file}:{}:{}: jobs.{}: {}", position.line, position.column, job.name, fault.text);
        for line in fault.stderr.trim_end().lines() {
            text += "\n    ";
            text += line;
        }
        Some(text)
    }
}
