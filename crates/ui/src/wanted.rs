//! A command that somebody wants: read from a query or a form, as the words of a verb, as a person types it.

use anyhow::bail;

use crate::query::Query;

/// How many entities one command may name.
const MOST_IDS: usize = 500;

/// What may be started from a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Make what is missing.
    Run,
    /// Make what a job makes of an entity anew.
    Force,
    /// Try dead letters again.
    Retry,
    /// Give dead letters up.
    Drop,
    /// Take up what is open of a run.
    Resume,
    /// Send entities to the nodes.
    Publish,
}

/// A command that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub verb: Verb,
    pub ids: Vec<String>,
    pub job: Option<String>,
    pub reason: Option<String>,
    pub run: Option<String>,
}

impl Wanted {
    /// The one that a query or a form means.
    ///
    /// # Errors
    /// What is missing in it.
    pub(crate) fn of(query: &Query) -> anyhow::Result<Self> {
        let verb = match query.get("do") {
            Some("run") => Verb::Run,
            Some("force") => Verb::Force,
            Some("retry") => Verb::Retry,
            Some("drop") => Verb::Drop,
            Some("resume") => Verb::Resume,
            Some("publish") => Verb::Publish,
            _ => bail!("nothing is known by that name that could be done"),
        };
        let named = |name| query.get(name).map(str::to_owned);
        let typed = query.all("id").flat_map(str::lines).map(str::trim).filter(|id| !id.is_empty());
        let ids: Vec<String> = typed.map(str::to_owned).collect();
        let wanted = Self { verb, ids, job: named("job"), reason: named("reason"), run: named("run") };
        // A value that begins like a flag is none of a job, a reason or a run.
        let odd = [&wanted.job, &wanted.reason, &wanted.run].into_iter().flatten().any(|value| value.starts_with('-'));
        if odd || wanted.ids.iter().any(|id| id.contains('\0')) {
            bail!("that cannot be the name of a job, a reason, a run or an entity");
        }
        if wanted.ids.len() > MOST_IDS {
            bail!(
                "a command from this page names at most {MOST_IDS} entities; `euterpe run GRAPH --ids FILE` takes any number"
            );
        }
        let needs = match verb {
            Verb::Force if wanted.ids.is_empty() || wanted.job.is_none() => Some("a job and entities"),
            Verb::Resume if wanted.run.is_none() => Some("a run"),
            Verb::Drop if wanted.ids.is_empty() && wanted.job.is_none() && wanted.run.is_none() => {
                Some("what is given up")
            }
            _ => None,
        };
        match needs {
            Some(what) => bail!("it is not said which: {what} must be named"),
            None => Ok(wanted),
        }
    }

    /// The words of the command behind the program, or of the one that only says what it would do.
    pub(crate) fn words(&self, graph: &[String], is_dry: bool) -> Vec<String> {
        let verb: &[&str] = match (self.verb, is_dry) {
            (Verb::Run | Verb::Force | Verb::Publish, true) => &["plan"],
            (Verb::Run | Verb::Force, false) => &["run"],
            (Verb::Publish, false) => &["publish"],
            (Verb::Retry, true) => &["dead", "retry", "-n"],
            (Verb::Retry, false) => &["dead", "retry"],
            (Verb::Drop, true) => &["dead", "drop", "-n"],
            (Verb::Drop, false) => &["dead", "drop"],
            (Verb::Resume, true) => &["runs", "resume", "-n"],
            (Verb::Resume, false) => &["runs", "resume"],
        };
        let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
        let is_of_letters = matches!(self.verb, Verb::Retry | Verb::Drop);
        match (self.verb, &self.job) {
            (Verb::Force, Some(job)) => words.push(format!("--force={job}")),
            (Verb::Run | Verb::Publish, Some(job)) => words.extend(["--job".into(), job.clone()]),
            (_, Some(job)) if is_of_letters => words.extend(["--job".into(), job.clone()]),
            _ => {}
        }
        if let Some(reason) = self.reason.as_ref().filter(|_| is_of_letters) {
            words.extend(["--reason".into(), reason.clone()]);
        }
        if let Some(run) = self.run.as_ref().filter(|_| is_of_letters) {
            words.extend(["--run".into(), run.clone()]);
        }
        words.extend(graph.iter().cloned());
        match (self.verb, &self.run) {
            (Verb::Resume, Some(run)) => words.extend(["--".into(), run.clone()]),
            (Verb::Resume, None) => {}
            _ if self.ids.is_empty() => {}
            _ => {
                words.push("--".into());
                words.extend(self.ids.iter().cloned());
            }
        }
        words
    }

    /// The names and values of a form that means it.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let verb = match self.verb {
            Verb::Run => "run",
            Verb::Force => "force",
            Verb::Retry => "retry",
            Verb::Drop => "drop",
            Verb::Resume => "resume",
            Verb::Publish => "publish",
        };
        let mut fields = vec![("do", verb.to_owned())];
        fields.extend(self.ids.iter().map(|id| ("id", id.clone())));
        for (name, value) in [("job", &self.job), ("reason", &self.reason), ("run", &self.run)] {
            fields.extend(value.iter().map(|value| (name, value.clone())));
        }
        fields
    }
}

/// A command as it is typed in a shell.
pub(crate) fn typed(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/,=:+@%".contains(c);
    let word = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words: Vec<String> = words.iter().map(word).collect();
    format!("euterpe {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> anyhow::Result<Wanted> {
        Wanted::of(&Query::of(query))
    }

    #[test]
    fn a_form_becomes_the_command_that_a_person_would_type() {
        let graph = ["my graph.yaml".to_owned(), "--store".into(), "music=/m".into()];
        for (query, real, dry) in [
            ("do=run", "run 'my graph.yaml' --store music=/m", "plan 'my graph.yaml' --store music=/m"),
            (
                "do=run&id=-x%0A+y&id=z",
                "run 'my graph.yaml' --store music=/m -- -x y z",
                "plan 'my graph.yaml' --store music=/m -- -x y z",
            ),
            (
                "do=force&job=mel&id=t-1",
                "run --force=mel 'my graph.yaml' --store music=/m -- t-1",
                "plan --force=mel 'my graph.yaml' --store music=/m -- t-1",
            ),
            (
                "do=retry&job=mel&reason=bad_input",
                "dead retry --job mel --reason bad_input 'my graph.yaml' --store music=/m",
                "dead retry -n --job mel --reason bad_input 'my graph.yaml' --store music=/m",
            ),
            (
                "do=drop&id=a'b",
                "dead drop 'my graph.yaml' --store music=/m -- 'a'\\''b'",
                "dead drop -n 'my graph.yaml' --store music=/m -- 'a'\\''b'",
            ),
            (
                "do=resume&run=0a",
                "runs resume 'my graph.yaml' --store music=/m -- 0a",
                "runs resume -n 'my graph.yaml' --store music=/m -- 0a",
            ),
        ] {
            let wanted = wanted(query).expect("whole");
            assert_eq!(typed(&wanted.words(&graph, false)), format!("euterpe {real}"));
            assert_eq!(typed(&wanted.words(&graph, true)), format!("euterpe {dry}"));
            let form: Vec<String> = wanted
                .fields()
                .iter()
                .map(|(name, value)| format!("{name}={}", crate::query::encoded(value)))
                .collect();
            assert_eq!(super::tests::wanted(&form.join("&")).expect("whole"), wanted);
        }
    }

    #[test]
    fn what_is_not_whole_or_looks_like_a_flag_is_refused() {
        for query in [
            "",
            "do=gc",
            "do=force&job=mel",
            "do=force&id=t",
            "do=resume",
            "do=drop",
            "do=drop&reason=failed",
            "do=retry&job=--all",
            "do=retry&reason=-n",
            "do=resume&run=--state",
            "do=run&id=a%00b",
        ] {
            assert!(wanted(query).is_err(), "{query}");
        }
        let many: String = (0..=MOST_IDS).map(|id| format!("&id={id}")).collect();
        assert!(wanted(&format!("do=run{many}")).is_err());
    }
}
