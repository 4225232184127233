//! Two entities side by side: what each job made of either.

use euterpe_actors::ids::EntityId;
use euterpe_engine::{Decision, Session, Story};
use maud::{Markup, html};

use super::entity::stories;
use super::{entity_link, page};
use crate::objects::{Place, Which};
use crate::preview::preview;
use crate::shared::Shared;

/// The page.
///
/// # Errors
/// Ids that cannot be; what keeps stores and records from being read.
pub(crate) async fn compare(shared: &Shared, session: &Session, one: &str, other: &str) -> anyhow::Result<Markup> {
    let sides = [stories(session, one).await?, stories(session, other).await?];
    let mut jobs: Vec<String> = sides[0].1.iter().map(|story| story.job.to_string()).collect();
    jobs.extend(
        sides[1]
            .1
            .iter()
            .map(|story| story.job.to_string())
            .filter(|job| !sides[0].1.iter().any(|own| own.job.as_str() == job)),
    );
    let mut rows = Vec::with_capacity(jobs.len());
    for job in jobs {
        let mut cells = Vec::with_capacity(2);
        for (entity, stories) in &sides {
            let story = stories.iter().find(|story| story.job.as_str() == job);
            cells.push(cell(session, entity, story).await);
        }
        rows.push((job, cells));
    }
    let body = html! {
        div class="wide" { table class="sides" {
            thead { tr { th scope="col" { "Job" } @for (entity, _) in &sides { th scope="col" { (entity_link(entity.as_str())) } } } }
            tbody { @for (job, cells) in &rows { tr { th scope="row" { (job) } @for cell in cells { td { (cell) } } } } }
        } }
    };
    Ok(page(shared, &shared.newest(), "/browse", "Compare", &body))
}

async fn cell(session: &Session, entity: &EntityId, story: Option<&Story>) -> Markup {
    let Some(story) = story else { return html! { span class="quiet" { "takes no such id" } } };
    let output = story.outputs.first();
    let there = output.is_some_and(|output| output.there);
    if !there {
        let why = match &story.decision {
            Decision::Blocked { text, .. } | Decision::Skipped { text, .. } => text.as_str(),
            _ => "",
        };
        return html! { span class="quiet" { "not there" } @if !why.is_empty() { ": " (why) } };
    }
    let place = Place { entity: entity.to_string(), job: story.job.to_string(), which: Which::Output(String::new()) };
    let key = output.map_or("", |output| output.key.as_str());
    preview(session, &place, key.split_once(':').map_or(key, |(_, path)| path)).await
}
