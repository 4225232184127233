//! Outputs that a job made before its transform, its options or its code were changed. They are told, and left as they are.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::memory::{FormerOutputs, ListedDates};
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::standing::standing_skip;
use euterpe_actors::state::{RecipeHistories, RecipeHistory, Selection};
use euterpe_graph_file::show;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::clock::now;
use crate::workspace::Workspace;

/// So many outputs are looked at, for what their stamps say; where there are more, their times decide.
const LOOKED_AT: u64 = 1000;
/// How many are looked at at once.
const AT_ONCE: usize = 32;
/// How many changes are named.
const NAMED: usize = 3;
/// So many characters of a value are shown,
const SHOWN: usize = 100;
/// and so many of them before the first difference.
const BEFORE: usize = 40;

/// Outputs of former recipes, counted by job and recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Former(Vec<FormerGroup>);

/// Outputs of one job that a former recipe made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerGroup {
    /// The job.
    pub at: JobIx,
    /// How many.
    pub count: u64,
    /// One of them.
    pub entity: EntityId,
    /// What has changed since, in a sentence.
    pub change: String,
}

impl Former {
    /// What the listed dates tell of those entities that were asked about, and the stamps where they are few; without the jobs
    /// whose outputs a run of `selection` makes anew.
    pub async fn of(workspace: &Workspace, dates: Option<&ListedDates>, selection: &Selection) -> Self {
        let refresh = selection.refresh.as_ref().unwrap_or_else(|| workspace.nodes.refresh());
        let mut groups = Vec::new();
        for former in dates.map(ListedDates::former_outputs).unwrap_or_default() {
            let FormerOutputs { at, recipe, count, entities } = former;
            let job = &workspace.nodes.job(at).name;
            if selection.force.names(job) || refresh.recipes.names(job) {
                continue;
            }
            let made_since = match count <= LOOKED_AT {
                true => not_of_former(workspace, at, &entities).await,
                false => Vec::new(),
            };
            let Some(entity) = entities.into_iter().find(|entity| !made_since.contains(entity)) else { continue };
            let change =
                change(&recipe.meaning, &meaning(&show::effective(&workspace.plan), &workspace.nodes.job(at).name));
            let count = count - made_since.len() as u64;
            // Of several recipes that differ in nothing that can be named, one line is enough.
            match groups.iter_mut().find(|group: &&mut FormerGroup| group.at == at && group.change == change) {
                Some(group) => group.count += count,
                None => groups.push(FormerGroup { at, count, entity, change }),
            }
        }
        groups.sort_by_key(|group| group.at);
        Self(groups)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The groups, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = &FormerGroup> {
        self.0.iter()
    }

    /// For programs.
    pub fn json(&self, plan: &NodePlan) -> Value {
        let group = |FormerGroup { at, count, entity, change }: &FormerGroup| json!({"job": plan.job(*at).name, "count": count, "example": {"entity": entity, "text": change}});
        self.0.iter().map(group).collect()
    }
}

/// Those of some entities of which no former recipe made the output after all: that of today did, for the clocks differ; or
/// it tells no recipe, for another program made it; or the job declines the entity, and would not make it anew.
async fn not_of_former(workspace: &Workspace, at: JobIx, entities: &[EntityId]) -> Vec<EntityId> {
    let job = workspace.nodes.job(at);
    let today = workspace.nodes.recipe(at);
    let looks = entities.iter().map(|entity| {
        async move {
            let key = job.outputs[0].key_of(&job.form.split(entity)?);
            // Whatever cannot be looked at was listed all the same.
            let stamp = workspace.stores.look(&key).await.ok()??.stamp;
            let making = stamp.and_then(|stamp| stamp.making).filter(|making| !making.recipe.is_empty());
            let is_former = making.is_some_and(|making| Some(making.recipe.as_str()) != today);
            let (stores, state) = (&workspace.stores, &workspace.state);
            let skip = standing_skip(&workspace.nodes, stores, state, at, entity);
            (!is_former || matches!(skip.await, Ok(Some(_)))).then(|| entity.clone())
        }
    });
    let looked: Vec<Option<EntityId>> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    looked.into_iter().flatten().collect()
}

/// The recipes that the jobs have had, with that of today; whether one of them is new.
///
/// # Errors
/// What keeps the records or the code of the jobs from being read.
pub async fn histories(workspace: &Workspace) -> anyhow::Result<(RecipeHistories, bool)> {
    let mut histories = workspace.state.recipes().await?;
    let recipes = workspace.recipes();
    let shown = show::effective(&workspace.plan);
    let (mut is_new, knows_jobs) = (false, !histories.is_empty());
    for (job, recipe) in recipes.iter() {
        let is_known = histories.contains_key(job);
        if !is_known && let Some(before) = under_another_name(&histories, &recipes, recipe) {
            histories.insert(job.clone(), before);
        }
        let history = histories.entry(job.clone()).or_default();
        is_new |= history.note(recipe, &meaning(&shown, job), now());
        if knows_jobs && !is_known {
            history.note_reads(&json!({}), now()); // what lies where it writes is another job's, as far as is known
        }
        is_new |= workspace.reads(job).is_some_and(|reads| history.note_reads(&reads, now()));
    }
    Ok((histories, is_new))
}

/// What a job that the graph has no more did, where it last did the same as a new one: that is only called otherwise, and what
/// was accepted of it stays so.
fn under_another_name(
    histories: &RecipeHistories,
    today: &BTreeMap<JobName, String>,
    recipe: &str,
) -> Option<RecipeHistory> {
    let gone = histories.iter().filter(|(job, _)| !today.contains_key(*job));
    let mut same = gone.filter(|(_, history)| history.today().is_some_and(|last| last.recipe == recipe));
    let (_, first) = same.next()?;
    same.next().is_none().then(|| first.clone()) // of two nobody knows which
}

/// The recipes that the jobs of a graph have had, by the index of the job.
pub fn in_order(plan: &NodePlan, recipes: &RecipeHistories) -> Vec<RecipeHistory> {
    plan.jobs.iter().map(|job| recipes.get(&job.name).cloned().unwrap_or_default()).collect()
}

/// What changed in a job since this recipe of it was in force; none where nobody noted what that was.
pub async fn change_since(workspace: &Workspace, job: &JobName, recipe: &str) -> Option<String> {
    let (histories, _) = histories(workspace).await.ok()?;
    let then = histories.get(job)?.find(recipe)?;
    Some(change(&then.meaning, &meaning(&show::effective(&workspace.plan), job)))
}

/// What a job does, as a graph file says it: without what does not matter to its outputs.
fn meaning(shown: &Value, job: &JobName) -> Value {
    let shown = &shown["jobs"][job.as_str()];
    let mut meaning = serde_json::Map::new();
    for key in ["use", "python", "with", "version"] {
        if let Some(value) = shown.get(key).filter(|value| !value.is_null()) {
            meaning.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(meaning)
}

/// What changed between two meanings of a job.
fn change(then: &Value, now: &Value) -> String {
    let mut changes = Vec::new();
    differences("", then, now, &mut changes);
    match changes.len() {
        0 => "its code, or what it was given as variables, was another".to_owned(),
        1..=NAMED => changes.join(", "),
        more => format!("{} and {} more", changes[..NAMED].join(", "), more - NAMED),
    }
}

fn differences(path: &str, then: &Value, now: &Value, changes: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(before), Value::Object(after)) => {
            let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                // Options are named by themselves.
                let below = if path.is_empty() || path == "with" { key.clone() } else { format!("{path}.{key}") };
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                differences(&below, &of(before), &of(after), changes);
            }
        }
        (then, now) if then != now => {
            let (then, now) = around_the_difference(said(then), said(now));
            changes.push(format!("`{path}` was {then} and is {now}"));
        }
        _ => {}
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

/// Two texts as they are where both are short; else what lies around the first place in which they differ.
fn around_the_difference(then: String, now: String) -> (String, String) {
    let same = then.chars().zip(now.chars()).take_while(|(then, now)| then == now).count();
    let cut = |text: String| {
        let all = text.chars().count();
        if all <= SHOWN {
            return text;
        }
        let from = same.saturating_sub(BEFORE).min(all - SHOWN);
        let shown: String = text.chars().skip(from).take(SHOWN).collect();
        let (before, after) = (if from > 0 { "…" } else { "" }, if from + SHOWN < all { "…" } else { "" });
        format!("{before}{shown}{after}")
    };
    (cut(then), cut(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named_with_both_values() {
        let then = json!({"use": "audio.melspectrogram", "with": {"bands": 64, "window": "hann", "log": {"floor": 1}}});
        let now = json!({"use": "audio.melspectrogram", "with": {"bands": 128, "window": "hann", "log": {"floor": 2}}});
        assert_eq!(change(&then, &now), "`bands` was 64 and is 128, `log.floor` was 1 and is 2");
        assert_eq!(change(&now, &now), "its code, or what it was given as variables, was another");
        let [long, longer] = ["aaaa", "bbbb"].map(|last| format!("{}{last}{}", "x".repeat(150), "y".repeat(150)));
        let said = change(&json!({"with": {"argv": ["sh", long]}}), &json!({"with": {"argv": ["sh", longer]}}));
        let (before, after) = said.split_once(" and is ").expect("both");
        assert!(before.contains("xaaaay") && after.contains("xbbbby") && said.chars().count() < 250, "{said}");
        let other = json!({"use": "x", "version": "2", "with": {}});
        let said = change(&then, &other);
        assert_eq!(
            said,
            "`use` was `audio.melspectrogram` and is `x`, `version` was not set and is `2`, \
                          `bands` was 64 and is not set and 2 more"
        );
    }
}
