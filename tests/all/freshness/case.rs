//! One case: what happens, what `plan` says then, what `run` makes, what `explain` tells, and that nothing is left to do.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::change::Change;
use super::place::Place;
use super::setup::Setup;
use crate::counts::{counted, numbers};

/// One case.
#[derive(Clone, Copy)]
pub struct Case {
    /// What happens, as the documentation says it.
    pub name: &'static str,
    changes: &'static [Change],
    /// What `plan` and `run` are asked for; nothing stands for all.
    asked: Option<&'static str>,
    /// What a further run is asked for; nothing stands for the same.
    asked_again: Option<&'static str>,
    pub in_folders: Told,
    pub in_a_bucket: Told,
    /// Whether each output has to be looked at to see what happened.
    is_hidden: bool,
    /// Whether no output may be looked at: the graph file forbids it.
    looks_at_nothing: bool,
    /// Whether something is missing or out of date, and given up.
    skips: bool,
    /// An output and its text, when the run has ended.
    holds: Option<(&'static str, &'static str)>,
}

/// What is told and made in one kind of place.
#[derive(Clone, Copy)]
pub struct Told {
    /// What `plan` says would be made, by why: `missing`, or what changed.
    plan: &'static [(&'static str, &'static str)],
    /// What was made before a job was changed and is left alone, and what is said of it.
    pub left: &'static [(&'static str, &'static str)],
    /// What a run makes.
    pub makes: &'static str,
    /// A job and an entity, and what `explain` says of them before the run and after it.
    explain: (&'static str, &'static str, &'static str),
}

/// What `explain` says of an output that is good.
pub const IS_THERE: &str = "is there, made by run";

/// A case in which nothing is to do.
pub const fn case(name: &'static str, changes: &'static [Change]) -> Case {
    let told = Told { plan: &[], left: &[], makes: "", explain: ("a t2", IS_THERE, IS_THERE) };
    Case {
        name,
        changes,
        asked: None,
        asked_again: None,
        in_folders: told,
        in_a_bucket: told,
        is_hidden: false,
        looks_at_nothing: false,
        skips: false,
        holds: None,
    }
}

impl Case {
    /// What `plan` and `run` are asked for.
    pub const fn asked(mut self, words: &'static str) -> Self {
        self.asked = Some(words);
        self
    }

    /// What a further run is asked for that has nothing to do.
    pub const fn asked_again(mut self, words: &'static str) -> Self {
        self.asked_again = Some(words);
        self
    }

    /// What `plan` says would be made, by why, and what `run` makes.
    pub const fn makes(mut self, plan: &'static [(&'static str, &'static str)], makes: &'static str) -> Self {
        (self.in_folders.plan, self.in_folders.makes) = (plan, makes);
        (self.in_a_bucket.plan, self.in_a_bucket.makes) = (plan, makes);
        self
    }

    /// The same where `run` makes what was planned.
    pub const fn makes_all(self, plan: &'static [(&'static str, &'static str)]) -> Self {
        self.makes(plan, plan[0].0)
    }

    /// What is left alone, and what is said of it.
    pub const fn leaves(mut self, left: &'static [(&'static str, &'static str)]) -> Self {
        (self.in_folders.left, self.in_a_bucket.left) = (left, left);
        self
    }

    /// What `explain` says of a job and an entity before the run. After it, the output is good.
    pub const fn explains(self, target: &'static str, before: &'static str) -> Self {
        self.explains_then(target, before, IS_THERE)
    }

    /// The same with what it says after the run.
    pub const fn explains_then(mut self, target: &'static str, before: &'static str, after: &'static str) -> Self {
        (self.in_folders.explain, self.in_a_bucket.explain) = ((target, before, after), (target, before, after));
        self
    }

    /// In a bucket nothing is to do.
    pub const fn only_in_folders(mut self) -> Self {
        self.in_a_bucket = case("", &[]).in_a_bucket;
        self
    }

    /// In folders nothing is to do.
    pub const fn only_in_a_bucket(mut self) -> Self {
        self.in_folders = case("", &[]).in_folders;
        self
    }

    /// Who does not look at each output does not see it.
    pub const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// The graph file forbids to look at outputs.
    pub const fn looks_at_nothing(mut self) -> Self {
        self.looks_at_nothing = true;
        self
    }

    /// Something is missing or out of date, and given up.
    pub const fn skips(mut self) -> Self {
        self.skips = true;
        self
    }

    /// An output and its text, when the run has ended.
    pub const fn holds(mut self, at: &'static str, text: &'static str) -> Self {
        self.holds = Some((at, text));
        self
    }

    fn check(&self, place: &dyn Place, setup: &Setup) {
        let told = if place.is_bucket() { self.in_a_bucket } else { self.in_folders };
        let asked = self.asked.unwrap_or(setup.all);
        let again = self.asked_again.unwrap_or(asked);
        self.changes.iter().for_each(|change| change.happen(place));

        let plan = place.call(&format!("plan g.yaml --json {asked}")).ends(0).last();
        assert_eq!(planned(&plan), by_why(told.plan), "what is planned: {plan}");
        left_alone(&plan, told.left);
        let (target, before, after) = told.explain;
        explained(place, target, before);

        let ran = place.call(&format!("run g.yaml --json {asked}")).ends(0).last();
        assert_eq!(counted(&ran["jobs"], "done"), numbers(told.makes), "what is made: {ran}");
        let (told_by_plan, told_by_run) = (out_of_date(&plan), out_of_date(&ran));
        // From the bottom up a run names what it was asked for, and a plan also what is asked for on the way.
        let is_same = told_by_run == told_by_plan;
        let is_part = || told_by_run.keys().eq(told_by_plan.keys()) && asked.contains("--bottom-up");
        assert!(is_same || is_part(), "`run` tells other reasons than `plan`: {told_by_run:?}, not {told_by_plan:?}");
        left_alone(&ran, told.left);
        if !told.makes.is_empty() {
            let account = place.call("runs check g.yaml last --json").ends(0).last();
            assert_eq!((&account["open"], &account["dead"]), (&0.into(), &0.into()), "{account}");
        }

        if !self.looks_at_nothing {
            let exact = if again.contains("--exact") { "" } else { "--exact" };
            let exactly = place.call(&format!("plan g.yaml --json {exact} {again}")).ends(0).last();
            assert_eq!(planned(&exactly).is_empty(), !self.is_hidden, "what is out of date after the run: {exactly}");
        }
        let said = place.call(&format!("run g.yaml {again}")).ends(0).out;
        assert_eq!(said.starts_with("nothing to do"), !self.skips, "a second run: {said}");
        if !told.makes.is_empty() || before != after {
            explained(place, target, after);
        }
        if let Some((at, text)) = self.holds {
            assert_eq!(place.look(at).0, text, "{at}");
        }
    }
}

type ByWhy = BTreeMap<String, BTreeMap<String, u64>>;

fn by_why(plan: &[(&str, &str)]) -> ByWhy {
    plan.iter().map(|(counts, why)| ((*why).to_owned(), numbers(counts))).collect()
}

/// What `plan` or `run` says is out of date: for each cause how many outputs of which job.
fn out_of_date(said: &Value) -> ByWhy {
    let mut found = ByWhy::new();
    for group in said["out_of_date"].as_array().expect("groups") {
        let text = |key: &str| group[key].as_str().map(str::to_owned);
        let (at, change) = (text("at").expect("a job"), text("change").expect("a change"));
        let why = text("input").map_or_else(|| format!("{at} {change}"), |input| format!("{input} of {at} {change}"));
        let count = group["count"].as_u64().expect("a count");
        *found.entry(why).or_default().entry(text("job").expect("a job")).or_default() += count;
    }
    found
}

/// The same with what is missing.
fn planned(plan: &Value) -> ByWhy {
    let mut found = out_of_date(plan);
    let mut missing = counted(&plan["jobs"], "make");
    for (job, count) in counted(&plan["jobs"], "on_request") {
        *missing.entry(job).or_default() += count;
    }
    for (job, count) in found.values().flatten() {
        let left = missing.get_mut(job).and_then(|all| all.checked_sub(*count).inspect(|left| *all = *left));
        assert!(left.is_some(), "{count} of `{job}` are out of date and not made anew: {plan}");
    }
    missing.retain(|_, count| *count > 0);
    if !missing.is_empty() {
        found.insert("missing".to_owned(), missing);
    }
    found
}

/// What `plan` or `run` says is left alone.
fn left_alone(said: &Value, left: &[(&str, &str)]) {
    let groups = said["former"].as_array().expect("groups");
    let is_told = |(counts, words): &(&str, &str)| {
        groups.iter().any(|group| {
            let count = format!("{} {}", group["job"].as_str().expect("a job"), group["count"]);
            count == *counts && group["example"]["text"].as_str().is_some_and(|text| text.contains(words))
        })
    };
    assert!(groups.len() == left.len() && left.iter().all(is_told), "what is left alone: {left:?}, not {groups:#?}");
}

fn explained(place: &dyn Place, target: &str, words: &str) {
    let (job, entity) = target.split_once(' ').expect("a job and an entity");
    let story = place.call(&format!("explain g.yaml {entity} {job}")).ends(0).out;
    assert!(story.contains(words), "`explain` says nothing of `{words}`: {story}");
}

/// Checks each case in a place of its own, and names those that do not hold.
pub fn check(setup: &Setup, cases: &[Case], place: fn(&Setup) -> Box<dyn Place>) {
    let holds = |case: &&Case| {
        eprintln!("case: {}", case.name);
        catch_unwind(AssertUnwindSafe(|| case.check(&*place(setup), setup))).is_ok()
    };
    let wrong: Vec<&str> = cases.iter().filter(|case| !holds(case)).map(|case| case.name).collect();
    assert!(wrong.is_empty(), "{} of {} cases do not hold: {wrong:#?}", wrong.len(), cases.len());
}
