//! One entity: what each job reads and makes of it, to be seen and heard; what would be done, and why.

use euterpe_actors::ids::EntityId;
use euterpe_engine::{Decision, Mistake, Session, Story, StoryInput, StoryLetter, StoryOutput};
use maud::{Markup, html};

use super::{button, entity_link, page, run_address, when};
use crate::objects::{Place, Which};
use crate::preview::preview;
use crate::query::address;
use crate::shared::Shared;
use crate::snapshot::Newest;
use crate::wanted::{Verb, Wanted};
use crate::words::{count, size};

/// The page.
///
/// # Errors
/// An id that cannot be; what keeps stores and records from being read.
pub(crate) async fn entity(shared: &Shared, session: &Session, id: &str) -> anyhow::Result<Markup> {
    let (entity, stories) = stories(session, id).await?;
    let is_unknown = stories.iter().all(is_unknown);
    let near = if is_unknown { session.similar_ids(&entity).await? } else { Vec::new() };
    let mut jobs = Vec::with_capacity(stories.len());
    for story in &stories {
        jobs.push(job(shared, session, &entity, story).await);
    }
    let newest = shared.newest();
    let run = Wanted { verb: Verb::Run, ids: vec![entity.to_string()], job: None, reason: None, run: None };
    let body = html! {
        (neighbours(&newest, &entity))
        @if is_unknown {
            p class="banner" role="status" {
                "Nothing is known of " b { bdi { (entity) } } ": there is no source, no output and no record of it."
                @if !near.is_empty() { " Did you mean " @for (at, id) in near.iter().enumerate() { @if at > 0 { " or " } (entity_link(id.as_str())) } "?" }
            }
        }
        @for job in &jobs { (job) }
        div class="actions" { (button(shared, &run, "Make what is missing of it…")) }
    };
    Ok(page(shared, &newest, "/browse", entity.as_str(), &body))
}

/// What is known of an entity, job by job.
///
/// # Errors
/// As [`entity`].
pub(crate) async fn stories(session: &Session, id: &str) -> anyhow::Result<(EntityId, Vec<Story>)> {
    let bad = |bad| Mistake(format!("`{}` cannot be an entity: {bad}", id.escape_debug()));
    let entity = EntityId::of_name(id).map_err(bad)?;
    let stories = session.explain(&entity, None).await?;
    Ok((entity, stories))
}

fn is_unknown(story: &Story) -> bool {
    let there = story.inputs.iter().any(|input| input.there) || story.outputs.iter().any(|output| output.there);
    !there && story.dead.is_empty() && story.skipped.is_none()
}

fn neighbours(newest: &Newest, entity: &EntityId) -> Markup {
    let Some(catalogue) = newest.snapshot.as_ref().and_then(|snapshot| snapshot.catalogue.as_ref()) else {
        return html! {};
    };
    let (before, _, next) = catalogue.around(entity.as_str());
    html! {
        nav class="pager" aria-label="Neighbours in the catalogue" {
            @if let Some(id) = before { a rel="prev" href=(address("/entity", &[("id", id)])) { "← " bdi { (id) } } }
            @if let Some(id) = next { a rel="next" href=(address("/entity", &[("id", id)])) { bdi { (id) } " →" } }
        }
    }
}

async fn job(shared: &Shared, session: &Session, entity: &EntityId, story: &Story) -> Markup {
    let name = story.job.as_str();
    let mut inputs = Vec::new();
    for input in &story.inputs {
        inputs.push(self::input(session, entity, name, input).await);
    }
    let mut outputs = Vec::new();
    for output in outputs_of(session, story) {
        outputs.push(self::output(session, entity, name, output).await);
    }
    let wanted =
        |verb| Wanted { verb, ids: vec![entity.to_string()], job: Some(name.to_owned()), reason: None, run: None };
    let (headline, class) = headline(story);
    html! {
        section class="job" id={ "job-" (name) } aria-labelledby={ "name-" (name) } {
            h2 id={ "name-" (name) } { (name) " " span class="what" { (story.transform) } }
            p { span class={ "dot " (class) } {} " " (headline) }
            @if let Some(changed) = &story.changed { p class="banner" { "The job was changed since this was made: " (changed) } }
            @for dead in &story.dead { (letter(dead)) }
            @if let Some(skip) = &story.skipped { p { "Skipped (" (skip.reason) ") in run " a href=(run_address(skip.run)) { code { (skip.run) } } ": " (skip.text) } }
            @for output in &outputs { (output) }
            details class="inputs" open[outputs.is_empty()] {
                summary { "Made from " (count(inputs.len() as u64, "input", "inputs")) }
                @for input in &inputs { (input) }
                @if let Some(making) = &story.made_from { p class="quiet" { "Recipe " code { (making.recipe) } } }
            }
            div class="actions" {
                @if story.dead.iter().any(|dead| !dead.made_good) { (button(shared, &wanted(Verb::Retry), "Try again…")) (button(shared, &wanted(Verb::Drop), "Give up…")) }
                (button(shared, &wanted(Verb::Force), "Make anew…"))
            }
        }
    }
}

/// The outputs of a job with their names, where it has several.
fn outputs_of<'s>(session: &Session, story: &'s Story) -> Vec<(String, &'s StoryOutput)> {
    let job = session.workspace().plan.jobs.iter().find(|job| job.name == story.job);
    let names = job.map(|job| job.output_names.clone()).unwrap_or_default();
    let named = |at: usize| match names.len() {
        0 | 1 => String::new(),
        _ => names.get(at).map(ToString::to_string).unwrap_or_default(),
    };
    story.outputs.iter().enumerate().map(|(at, output)| (named(at), output)).collect()
}

async fn output(session: &Session, entity: &EntityId, job: &str, (name, output): (String, &StoryOutput)) -> Markup {
    let place = Place { entity: entity.to_string(), job: job.to_owned(), which: Which::Output(name.clone()) };
    let path = output.key.split_once(':').map_or(output.key.as_str(), |(_, path)| path);
    html! {
        figure class="object" {
            @if output.there { (preview(session, &place, path).await) }
            @else { p class="quiet" { "Not there yet." } }
            figcaption {
                @if !name.is_empty() { b { (name) } " " }
                code { bdi { (output.key) } }
                @if let Some(bytes) = output.size { ", " (size(bytes)) }
                @if let Some(millis) = output.modified { ", written " (when(millis)) }
                @if let Some(run) = output.run { ", by run " a href=(run_address(run)) { code { (run) } } }
                @if let Some(other) = &output.made_for { span class="bad" { ", there, but its stamp names " (entity_link(other.as_str())) ": it was moved or copied, and counts as missing" } }
                @if output.there { " " a class="download" href={ (place.address("/object")) "&download=1" } { "Download" } }
            }
        }
    }
}

async fn input(session: &Session, entity: &EntityId, job: &str, input: &StoryInput) -> Markup {
    let place = Place { entity: entity.to_string(), job: job.to_owned(), which: Which::Input(input.name.to_string()) };
    let key = input.key.clone().unwrap_or_default();
    let path = key.split_once(':').map_or(key.as_str(), |(_, path)| path).to_owned();
    html! {
        figure class="object" {
            // What another job made is shown there.
            @if input.there && input.from.is_none() { (preview(session, &place, &path).await) }
            figcaption {
                b { (input.name) } " "
                @if !key.is_empty() { code { bdi { (key) } } }
                @match &input.from {
                    Some(from) => { ", from " a href={ (address("/entity", &[("id", from.entity.as_str())])) "#job-" (from.job) } { (from) } }
                    None => ", a source",
                }
                @if !input.there { span class=(if input.optional { "quiet" } else { "bad" }) { ", not there" @if input.optional { ", and not needed" } } }
                @if let Some(problem) = &input.problem { span class="bad" { ": " (problem) } }
                @if input.there && input.from.is_none() { " " a class="download" href={ (place.address("/object")) "&download=1" } { "Download" } }
            }
        }
    }
}

fn headline(story: &Story) -> (Markup, &'static str) {
    let target = |at: &euterpe_actors::message::Target| html! { a href={ (address("/entity", &[("id", at.entity.as_str())])) "#job-" (at.job) } { (at) } };
    match &story.decision {
        Decision::Have => (html! { "Is there, and up to date." }, "done"),
        Decision::Make { .. } if story.out_of_date.is_some() => (
            html! { "Is out of date, and a run would make it anew: " (story.out_of_date.as_deref().unwrap_or_default()) },
            "stale",
        ),
        Decision::Make { .. } if story.dead.iter().any(|dead| !dead.made_good) => {
            (html! { "Failed for good, and is not there; the next run tries it again." }, "dead")
        }
        Decision::Make { first } if first.is_empty() => {
            (html! { "Is missing; a run would make it: all of its inputs are there." }, "missing")
        }
        Decision::Make { first } => (
            html! { "Is missing; a run would make it, after " @for (at, one) in first.iter().enumerate() { @if at > 0 { ", " } (target(one)) } "." },
            "missing",
        ),
        Decision::Blocked { at, reason, text } => {
            (html! { "Is blocked by " (target(at)) " (" (reason) "): " (text) }, "dead")
        }
        Decision::Skipped { at, reason, text } => {
            (html! { "Is skipped with " (target(at)) " (" (reason) "): " (text) }, "skipped")
        }
    }
}

fn letter(dead: &StoryLetter) -> Markup {
    html! {
        div class={ "letter " @if dead.made_good { "good" } } {
            p {
                b { (dead.reason) } " after " (count(u64::from(dead.tries), "try", "tries")) ", " (when(dead.millis))
                @if let Some(run) = dead.run { ", in run " a href=(run_address(run)) { code { (run) } } }
                @if dead.made_good { ", made good since" }
            }
            p class="said" { (dead.text) }
            @if !dead.stderr.is_empty() { details { summary { "What it printed" } pre class="text" tabindex="0" { (dead.stderr) } } }
        }
    }
}
