//! Which entities and jobs are meant, and what of this machine is used: as typed, and what it means for a graph.

use std::path::PathBuf;

use euterpe_actors::state::Selection;
use euterpe_engine::{Access, ForceNames, Ids, IdsFrom, Mistake, Opening, RefreshNames, Session};
use euterpe_graph_file::plan::Location;

use super::{CacheArgs, MemoryArgs};
use crate::cli::page::words::for_shell;

/// What stands for a flag without a value: nobody types it, as they may type nothing behind `=`.
const BARE: &str = "\u{1}";

/// Which entities and jobs are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Select {
    /// Ids of entities; without any, and without --ids, the names in the graph's source store.
    #[arg(value_name = "ID")]
    pub entities: Vec<String>,

    /// Read ids from a file, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "entities")]
    pub ids: Option<PathBuf>,

    /// In --ids, a line that starts with `#` is an id too; otherwise it is a remark.
    #[arg(long, requires = "ids")]
    pub ids_with_hash: bool,

    /// Start at this job instead of the jobs that start the graph.
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,

    /// Make that job's output, and first whatever it needs; run nothing else.
    #[arg(long, requires = "job")]
    pub bottom_up: bool,

    /// Run these jobs only, and what is missing for them.
    #[arg(long, value_name = "JOB,…", value_delimiter = ',')]
    pub only: Option<Vec<String>>,

    /// Redo jobs although their outputs exist: those that the run reaches, or the ones named, or `all` on the way.
    #[arg(long, value_name = "JOB,…", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = BARE)]
    pub force: Option<Vec<String>>,

    /// Make anew also what jobs made before they were changed: all jobs, or the ones named.
    #[arg(long, value_name = "JOB,…", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = BARE)]
    pub refresh: Option<Vec<String>>,

    /// Look at each output, instead of those alone that are older than what they were made from.
    #[arg(long)]
    pub exact: bool,

    /// Travel the graph without doing work, to see the way.
    #[arg(long, conflicts_with_all = ["bottom_up", "force", "refresh", "exact"])]
    pub ping: bool,

    /// At most so many entities of which something is left to do.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// What of the machine's memory is used for what is known of the catalogue.
    #[command(flatten)]
    pub memory: MemoryArgs,
}

/// What of this machine is used.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Machine {
    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Where manifests and dead letters of graphs lie, by name: a folder or `s3://bucket/prefix`; by default `.euterpe`
    /// beside the graph file.
    #[arg(long, value_name = "PLACE", env = "EUTERPE_STATE", value_parser = Location::parse)]
    pub state: Option<Location>,

    /// What of its disk is used for objects of buckets.
    #[command(flatten)]
    pub cache: CacheArgs,
}

impl Machine {
    /// How to open a graph for these flags.
    pub fn opening(&self, access: Access) -> Opening {
        let (workers, state) = (self.jobs.map(usize::from), self.state.clone());
        Opening { workers, state, access, cache: self.cache.bytes, ..Opening::default() }
    }
}

/// How long the ids in a proposed command may be, in characters.
const TYPED: usize = 400;

impl Select {
    /// The flags as they are typed in a further command, each with a blank before it.
    pub fn typed(&self) -> String {
        let mut text = String::new();
        if let Some(path) = &self.ids {
            // What a shell made for this command alone (`<(…)`) cannot be read by another one.
            let is_for_once = ["/dev/fd/", "/proc/"].iter().any(|start| path.starts_with(start));
            text += &match is_for_once {
                true => " --ids FILE".to_owned(),
                false => format!(" --ids {}", for_shell(&path.display().to_string())),
            };
        }
        if self.ids_with_hash {
            text += " --ids-with-hash";
        }
        if let Some(job) = &self.job {
            text += &format!(" --job {}", for_shell(job));
        }
        if self.bottom_up {
            text += " --bottom-up";
        }
        if let Some(only) = &self.only {
            text += &format!(" --only {}", for_shell(&only.join(",")));
        }
        for (flag, jobs) in [("--force", &self.force), ("--refresh", &self.refresh)] {
            match jobs.as_deref() {
                None | Some([]) => {}
                Some([bare]) if bare == BARE => text += &format!(" {flag}"),
                Some(jobs) => text += &format!(" {flag}={}", for_shell(&jobs.join(","))),
            }
        }
        if self.exact {
            text += " --exact";
        }
        if self.ping {
            text += " --ping";
        }
        if let Some(limit) = self.limit {
            text += &format!(" --limit {limit}");
        }
        let ids: Vec<String> = self.entities.iter().map(|id| for_shell(id)).collect();
        let ids = ids.join(" ");
        match ids.chars().count() {
            0 => {}
            1..TYPED if ids.starts_with('-') || ids.contains(" -") => text += &format!(" -- {ids}"),
            1..TYPED => text += &format!(" {ids}"),
            _ => text += " ID…",
        }
        text
    }

    /// Why there may be no entities, by these flags; none where the sources are listed, and say it themselves.
    pub fn why_none(&self) -> Option<String> {
        let passed = match self.ids_with_hash {
            true => "empty lines are passed over",
            false => "empty lines and lines that begin with `#` are passed over",
        };
        match (&self.limit, &self.ids) {
            (Some(0), _) => Some("--limit 0 takes none".into()),
            (_, Some(path)) if path.as_os_str() == "-" => Some(format!("standard input held no ids; {passed}")),
            (_, Some(path)) => Some(format!("`{}` holds no ids; {passed}", path.display())),
            (_, None) => None,
        }
    }

    /// Questions what is nearly always a slip: `--force mood` instead of `--force=mood`.
    fn question(&self, session: &Session) -> Result<(), Mistake> {
        let is_job = |id: &&String| session.job(id).is_ok();
        let Some(name) = self.entities.iter().find(is_job) else { return Ok(()) };
        for (flag, jobs, does) in
            [("--force", &self.force, "redoes the job"), ("--refresh", &self.refresh, "makes anew what it made before")]
        {
            if jobs.as_deref().is_some_and(|jobs| matches!(jobs, [bare] if bare == BARE)) {
                return Err(Mistake(format!(
                    "`{name}` is a job and stands as an id here: `{flag}={name}` {does}; an id of that name is given with \
                     --ids FILE"
                )));
            }
        }
        Ok(())
    }

    /// What is asked for, by the graph's jobs and ids.
    ///
    /// # Errors
    /// Jobs and ids that do not exist or fit, and a graph without a source whose names could be listed.
    pub fn resolve(&self, session: &Session) -> Result<(Selection, Ids), Mistake> {
        self.question(session)?;
        let only = self.only.as_deref();
        let mut selection = session.selection(self.job.as_deref(), self.bottom_up, only, &self.forced(), self.ping)?;
        selection.refresh = Some(session.refresh(&self.refreshed(), self.exact)?);
        let ids = session.ids(&selection, self.ids_from())?;
        Ok((selection, ids))
    }

    fn forced(&self) -> ForceNames {
        match self.force.as_deref() {
            None | Some([]) => ForceNames::None,
            Some([all]) if all == "all" => ForceNames::All,
            Some([bare]) if bare == BARE => ForceNames::Reached,
            Some(names) => ForceNames::Named(names.to_vec()),
        }
    }

    fn refreshed(&self) -> RefreshNames {
        match self.refresh.as_deref() {
            None | Some([]) => RefreshNames::GraphFile,
            Some([all]) if all == BARE || all == "all" => RefreshNames::All,
            Some(names) => RefreshNames::Named(names.to_vec()),
        }
    }

    fn ids_from(&self) -> IdsFrom {
        match &self.ids {
            Some(path) if path.as_os_str() == "-" => IdsFrom::Stdin(self.ids_with_hash),
            Some(path) => IdsFrom::File(path.clone(), self.ids_with_hash),
            None if self.entities.is_empty() => IdsFrom::Sources,
            None => IdsFrom::Written(self.entities.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        select: Select,
    }

    #[test]
    fn a_list_that_a_shell_made_for_one_command_is_not_named_in_the_next() {
        let typed = Typed::try_parse_from(["x", "--ids", "/dev/fd/63", "--only", "a"]).expect("read");
        assert_eq!(typed.select.typed(), " --ids FILE --only a");
    }

    #[test]
    fn what_was_typed_is_typed_again() {
        for words in [
            "--job mel --bottom-up --limit 3 t-1 t-2",
            "--ids list.txt --only a,b --force=a,c",
            "--force t-1",
            "--refresh --exact t-1",
            "--refresh=a,c",
            "--force=all -- -rf",
            "--ping",
        ] {
            let typed = Typed::try_parse_from(["x"].into_iter().chain(words.split(' '))).map(|typed| typed.select);
            assert_eq!(typed.expect(words).typed(), format!(" {words}"));
        }
        let of = |words: &str| Typed::try_parse_from(["x"].into_iter().chain(words.split(' '))).expect(words).select;
        assert_eq!(of("--limit 0 --ids l").why_none().as_deref(), Some("--limit 0 takes none"));
        assert_eq!(of("--limit 1").why_none(), None);
        let many = Select { entities: vec!["a".repeat(500)], ..Select::default() };
        assert_eq!(many.typed(), " ID…");
    }
}
