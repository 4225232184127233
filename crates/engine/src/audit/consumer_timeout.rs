//! Jobs whose work may outlast what a broker lets a message be in hand.

use std::time::Duration;

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_graph_file::units::duration_text;

use super::Warning;

const RULE: &str = "consumer_timeout";
/// The limit of a RabbitMQ whose settings were not changed.
const USUAL: Duration = Duration::from_secs(30 * 60);

/// What there is to say where no broker is known.
pub(super) fn without_broker(plan: &Plan) -> Vec<Warning> {
    each(
        plan,
        |job| job.timeout >= USUAL,
        |job| {
            format!(
                "a try may take {}, and a RabbitMQ before 3.12 takes a message away after 30 min unless it is set otherwise, so \
             nodes refuse this graph there; raise `consumer_timeout` of the broker (`euterpe audit --broker URL` asks \
             whether it needs that)",
                duration_text(job.timeout)
            )
        },
    )
}

/// What there is to say of a broker called `version`, whose queues have no limit of their own and which takes a message away
/// after `limit`.
#[cfg(feature = "amqp")]
pub(super) fn with_limit(plan: &Plan, version: &str, limit: Duration) -> Vec<Warning> {
    let shown = duration_text(limit);
    let mut warnings = each(
        plan,
        |job| job.timeout >= limit,
        |job| {
            format!(
                "a try may take {}, and {version} takes a message away after {shown}, so nodes refuse this graph; raise \
             `consumer_timeout` of the broker and say so with --consumer-timeout, or lower `timeout`",
                duration_text(job.timeout)
            )
        },
    );
    let is_close = |job: &Job| job.timeout < limit && job.timeout * 2 > limit;
    warnings.extend(each(plan, is_close, |job| {
        format!(
            "a try may take {}, and {version} takes a message away after {shown}, waits included, and delivers it again; \
             raise `consumer_timeout` of the broker to {} or more and say so with --consumer-timeout",
            duration_text(job.timeout),
            duration_text(job.timeout * 2)
        )
    }));
    warnings
}

fn each(plan: &Plan, is_meant: impl Fn(&Job) -> bool, message: impl Fn(&Job) -> String) -> Vec<Warning> {
    let path = |job: &Job| {
        let own = format!("jobs.{}.timeout", job.name);
        if plan.places.has(&own) || !plan.places.has("defaults.timeout") { own } else { "defaults.timeout".into() }
    };
    let mut warnings: Vec<Warning> = Vec::new();
    for job in plan.jobs.iter().filter(|job| is_meant(job)) {
        let path = path(job);
        if !warnings.iter().any(|warning| warning.problem.path == path) {
            warnings.push(Warning::new(RULE, plan, &path, message(job)));
        }
    }
    warnings
}
