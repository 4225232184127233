//! A story as a page for people.

use std::fmt::Write;

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::state::LetterOwner;

use euterpe_engine::{Decision, Story, StoryLetter as Dead};

use super::words::{count, id_for_shell, indented, plain, size, time};
use crate::cli::args::Place;

/// The stories of an entity, one job below the other.
pub fn page(entity: &EntityId, stories: &[Story], near: &[EntityId], place: &Place) -> String {
    let mut page = String::new();
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|id| format!("`{id}`")).collect();
        page += &format!("no source has the id `{entity}`; did you mean {}?\n\n", near.join(" or "));
    }
    for story in stories {
        let failed = stories.iter().filter(|other| other.dead.iter().any(|dead| !dead.made_good));
        let failed: Vec<&JobName> = failed.map(|other| &other.job).collect();
        tell(story, entity, &failed, place, &mut page).expect("writing to a string");
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page
}

/// Whether nothing is known of an entity: no source, no output, no record.
pub fn is_unknown(stories: &[Story]) -> bool {
    stories.iter().all(|story| {
        let there = story.inputs.iter().any(|input| input.there) || story.outputs.iter().any(|output| output.there);
        !there && story.dead.is_empty() && story.skipped.is_none()
    })
}

fn tell(story: &Story, entity: &EntityId, failed: &[&JobName], place: &Place, page: &mut String) -> std::fmt::Result {
    writeln!(page, "{}({entity})  {}", story.job, headline(story))?;
    for input in &story.inputs {
        let key = input.key.as_deref().unwrap_or("?");
        let from = input.from.as_ref().map_or_else(|| "source".to_owned(), |from| format!("from {from}"));
        let there = match (input.there, &input.made_for, input.optional) {
            (true, ..) => "there".to_owned(),
            (false, Some(other), _) => of_other(other),
            (false, None, false) => "not there".to_owned(),
            (false, None, true) => "not there, and not needed".to_owned(),
        };
        match &input.problem {
            Some(problem) => writeln!(page, "  input   {}: {}", input.name, plain(problem, false))?,
            None => writeln!(page, "  input   {}: {key} ({from}), {there}", input.name)?,
        }
    }
    for output in &story.outputs {
        write!(page, "  output  {}", output.key)?;
        match (output.there, output.size, &output.made_for) {
            (true, Some(bytes), _) => write!(page, ", {}", size(bytes))?,
            (true, None, _) => write!(page, ", there")?,
            (false, _, Some(other)) => write!(page, ", {} (in {})", of_other(other), output.place)?,
            (false, ..) => write!(page, ", not there (in {})", output.place)?,
        }
        if let Some(millis) = output.modified {
            write!(page, ", written {}", time(millis))?;
        }
        writeln!(page)?;
    }
    if let Some(change) = &story.changed {
        writeln!(page, "  job     was changed since it was made: {}", plain(change, false))?;
    }
    for dead in &story.dead {
        tell_dead(dead, page)?;
    }
    if let Some(skip) = &story.skipped {
        writeln!(page, "  skip    {} in run {}: {}", skip.reason, skip.run, plain(&skip.text, false))?;
    }
    for remedy in remedies(story, entity, failed, place) {
        writeln!(page, "  to do   {remedy}")?;
    }
    Ok(())
}

/// What was moved or copied here: it is there, and counts as missing.
fn of_other(other: &EntityId) -> String {
    format!("there, but its stamp names `{other}`: it was moved or copied, and counts as missing")
}

fn headline(story: &Story) -> String {
    match &story.decision {
        Decision::Have => match story.outputs[0].run {
            Some(run) => format!("is there, made by run {run}"),
            None => "is there, and was not made by this program".into(),
        },
        Decision::Make { .. } if story.out_of_date.is_some() => {
            let why = story.out_of_date.as_deref().unwrap_or_default();
            format!("is out of date, and would be made anew: {}", plain(why, false))
        }
        Decision::Make { first } if first.is_empty() => "would be made: all of its inputs are there".into(),
        Decision::Make { first } => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("would be made, after {}", first.join(", "))
        }
        Decision::Blocked { at, reason, text } if at.job == story.job => {
            format!("is blocked ({reason}): {}", plain(text, false))
        }
        Decision::Blocked { at, reason, .. } => format!("is blocked by {at} ({reason})"),
        Decision::Skipped { at, reason, .. } if at.job == story.job => format!("is skipped ({reason})"),
        Decision::Skipped { at, reason, .. } => format!("is skipped with {at} ({reason})"),
    }
}

fn tell_dead(dead: &Dead, page: &mut String) -> std::fmt::Result {
    let run = dead.run.map_or(LetterOwner::Inbox, LetterOwner::from);
    let good = if dead.made_good { ", made good since" } else { "" };
    let tries = count(u64::from(dead.tries), "try", "tries");
    writeln!(page, "  dead    {} after {tries}, {}, run {run}{good}", dead.reason, time(dead.millis))?;
    write!(page, "{}", indented(&plain(&dead.text, true), 10))?;
    if !dead.stderr.is_empty() && !dead.made_good {
        writeln!(page, "          it printed:")?;
        write!(page, "{}", indented(&plain(&dead.stderr, true), 12))?;
    }
    Ok(())
}

/// What a person can do about it.
fn remedies(story: &Story, entity: &EntityId, failed: &[&JobName], place: &Place) -> Vec<String> {
    let (file, job, id) = (place.typed(), &story.job, id_for_shell(entity.as_str()));
    let dead = story.dead.iter().any(|dead| !dead.made_good);
    match &story.decision {
        Decision::Make { .. } if dead => vec![
            format!("repair what failed, then `euterpe dead retry {file} --job {job} {id}`"),
            format!("or give it up: `euterpe dead drop {file} --job {job} {id}`"),
        ],
        Decision::Make { first } if first.iter().any(|up| up.entity == *entity && failed.contains(&&up.job)) => {
            vec!["see to what failed before it: trying that again goes on to here".into()]
        }
        // A run without force lists names alone, and takes what lies there for the output.
        Decision::Make { .. } if story.outputs.iter().any(|output| output.made_for.is_some()) => vec![
            format!("`euterpe run {file} --job {job} --bottom-up --force={job} {id}` makes it in its place"),
            "or remove what lies there: then the next run makes it".into(),
        ],
        Decision::Make { .. } => vec![format!("`euterpe run {file} --job {job} --bottom-up {id}` makes it")],
        Decision::Blocked { at, .. } if at.job != story.job || at.entity != *entity => {
            vec![format!("see `euterpe explain {file} {} {}`", id_for_shell(at.entity.as_str()), at.job)]
        }
        Decision::Blocked { .. } if dead => {
            vec![format!("put that right, then `euterpe dead retry {file} --job {job} {id}`")]
        }
        Decision::Blocked { .. } => vec![format!("put that right, then `euterpe run {file} {id}`")],
        Decision::Skipped { at, .. } => vec![format!(
            "the skip stands until what {} does or reads changes; `euterpe run {file} --job {} --force {}` tries again",
            at.job,
            at.job,
            id_for_shell(at.entity.as_str())
        )],
        Decision::Have => Vec::new(),
    }
}
