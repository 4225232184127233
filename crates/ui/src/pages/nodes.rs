//! The nodes that are heard over the broker: what each does now.

use maud::{Markup, html};

use super::page;
use crate::shared::Shared;

/// The page.
pub(crate) fn nodes(shared: &Shared) -> Markup {
    let newest = shared.newest();
    let body = html! { div id="nodes" data-live { (heard(shared)) } };
    page(shared, &newest, "/nodes", "Nodes", &body)
}

#[cfg(not(feature = "amqp"))]
fn heard(_: &Shared) -> Markup {
    html! { p { "This program was built without the feature " code { "amqp" } ": it knows no nodes." } }
}

#[cfg(feature = "amqp")]
fn heard(shared: &Shared) -> Markup {
    use std::time::Duration;

    use super::entity_link;
    use crate::words::{count, duration, number};

    let Some(broker) = crate::locks::locked(&shared.broker).clone() else {
        return html! {
            p { "This page was started without a broker: what is run here is run by one process, and has no nodes." }
            p class="quiet" { "With " code { "euterpe ui GRAPH --broker URL" } " it shows the queues and the nodes of the graph." }
        };
    };
    let seconds = |seconds: u64| duration(Duration::from_secs(seconds));
    html! {
        @if let Some(trouble) = &broker.trouble { p class="banner bad" role="alert" { "The broker: " (trouble) } }
        p { (count(broker.nodes.len() as u64, "node is heard", "nodes are heard")) "; " (count(broker.delayed, "message waits", "messages wait")) " for the next try or for another node." }
        @if broker.nodes.is_empty() && broker.trouble.is_none() { p class="banner" { "No node is heard: what is published waits. " code { "euterpe node GRAPH --broker URL" } " starts one." } }
        @for node in &broker.nodes {
            section aria-label=(node.name) {
                h2 { (node.name) @if node.draining { " " span class="state stale" { "takes no more" } } }
                p class="quiet" { "for " (seconds(node.seconds)) @if let Some(version) = &node.version { ", version " (version) } }
                div class="wide" { table {
                    thead { tr { th scope="col" { "Job" } @for head in ["workers", "in work", "made", "dead"] { th scope="col" class="number" { (head) } } th scope="col" { "longest in work" } } }
                    tbody { @for job in &node.jobs { tr {
                        th scope="row" { (job.job) }
                        @for many in [job.workers, job.in_work, job.done, job.dead] { td class="number" { (number(many)) } }
                        td { @if let Some((entity, longest)) = &job.longest { (entity_link(entity)) ", " (seconds(*longest)) } @else { "–" } }
                    } } }
                } }
            }
        }
    }
}
