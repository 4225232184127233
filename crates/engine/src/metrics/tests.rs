//! Tests of what is counted and how it is told.

use euterpe_actors::events::{Event, Purpose, Unobserved, WorkTimes};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, GraphDigest, Target};
use euterpe_actors::outcome::Outcome;

use super::*;

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a name")
}

fn metrics(jobs: impl IntoIterator<Item = (JobName, usize)>) -> Arc<Metrics> {
    Arc::new(Metrics::new("catalogue", jobs, None).expect("registered"))
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|there| there == line)
}

struct Broker;

impl BrokerGauges for Broker {
    fn is_connected(&self) -> bool {
        false
    }
    fn outages(&self) -> u64 {
        3
    }
    fn prefetched(&self, _: &JobName) -> usize {
        4
    }
    fn waited(&self, _: &JobName) -> Duration {
        Duration::from_secs(9)
    }
}

#[tokio::test]
async fn what_a_worker_had_in_work_when_it_was_lost_is_in_work_no_more() {
    let metrics = metrics([(job("mel"), 3)]);
    let observer = metrics.beside(Arc::new(Unobserved));
    let (mel, entity) = (job("mel"), EntityId::new("t-1").expect("an id"));
    let target = Target { job: mel.clone(), entity: entity.clone() };
    let message = EntityMessage::new(1, RunId::new(7, 7), target, GraphDigest(1), Base::Stop);
    let in_work = |count| format!("euterpe_in_work{{job=\"mel\",graph=\"catalogue\"}} {count}");
    observer.on(&Event::Started { job: &mel, entity: &entity, message: &message });
    observer.on(&Event::Abandoned { job: &mel, entity: &entity, message: 2 });
    assert!(has(&metrics.text().expect("text"), &in_work(1)), "another message's");
    observer.on(&Event::Abandoned { job: &mel, entity: &entity, message: 1 });
    assert!(has(&metrics.text().expect("text"), &in_work(0)));
}

#[tokio::test(start_paused = true)]
async fn each_event_is_counted_under_its_job_and_passed_on() {
    let metrics = metrics([(job("mel"), 3)]);
    let observer = metrics.beside(Arc::new(Unobserved));
    let (mel, other) = (job("mel"), job("other"));
    let target = Target { job: mel.clone(), entity: EntityId::new("t-1").expect("an id") };
    let message = EntityMessage::new(1, RunId::new(7, 7), target, GraphDigest(1), Base::Stop);
    let took = Duration::ZERO;
    observer.on(&Event::Started { job: &mel, entity: &message.target.entity, message: &message });
    tokio::time::advance(Duration::from_secs(5)).await;
    let text = metrics.text().expect("text");
    assert!(has(&text, "euterpe_broker_connected{graph=\"catalogue\"} 0"), "not reached yet: {text}");
    metrics.has_no_broker();
    assert!(has(&metrics.text().expect("text"), "euterpe_broker_connected{graph=\"catalogue\"} 1"));
    assert!(has(&text, "euterpe_in_work{job=\"mel\",graph=\"catalogue\"} 1"), "{text}");
    assert!(has(&text, "euterpe_longest_work_seconds{job=\"mel\",graph=\"catalogue\"} 5"), "{text}");
    let times = WorkTimes { wait: took, fetch: took, work: Duration::from_secs(5), store: None, publish: took };
    observer.on(&Event::Worked { job: &mel, times });
    observer.on(&Event::Published { job: &mel, purpose: Purpose::PassOn, count: 2 });
    observer.on(&Event::Stalled { job: &mel, text: "away" });
    observer.on(&Event::PoolPaused { job: &mel, text: "full" });
    observer.on(&Event::PoolResumed { job: &mel });
    observer.on(&Event::ClaimLost { job: &mel });
    let handled = |job| Event::Handled { job, message: Some(&message), outcome: Outcome::Done, why: None, took };
    observer.on(&handled(&mel));
    observer.on(&handled(&other)); // of a job that this process does not count
    let text = metrics.text().expect("text");
    for line in [
        "euterpe_in_work{job=\"mel\",graph=\"catalogue\"} 0",
        "euterpe_messages_total{job=\"mel\",outcome=\"done\",graph=\"catalogue\"} 1",
        "euterpe_messages_total{job=\"mel\",outcome=\"dead\",graph=\"catalogue\"} 0",
        "euterpe_published_total{job=\"mel\",purpose=\"pass_on\",graph=\"catalogue\"} 2",
        "euterpe_work_seconds_sum{job=\"mel\",phase=\"work\",graph=\"catalogue\"} 5",
        "euterpe_work_seconds_bucket{job=\"mel\",phase=\"work\",graph=\"catalogue\",le=\"2\"} 0",
        "euterpe_work_seconds_bucket{job=\"mel\",phase=\"work\",graph=\"catalogue\",le=\"10\"} 1",
        "euterpe_work_seconds_count{job=\"mel\",phase=\"store\",graph=\"catalogue\"} 0",
        "euterpe_stalled{job=\"mel\",graph=\"catalogue\"} 1",
        "euterpe_paused{job=\"mel\",graph=\"catalogue\"} 0",
        "euterpe_pauses_total{job=\"mel\",graph=\"catalogue\"} 1",
        "euterpe_claims_lost_total{job=\"mel\",graph=\"catalogue\"} 1",
        "euterpe_workers{job=\"mel\",graph=\"catalogue\"} 3",
    ] {
        assert!(has(&text, line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("other") || !text.contains("job=\"other\""), "{text}");
    assert!(!text.contains("t-1"), "no label names an entity: {text}");
}

#[test]
fn what_remains_is_the_queue_what_is_held_ready_and_what_is_worked_on() {
    let metrics = metrics([(job("mel"), 3)]);
    metrics.set_broker(Arc::new(Broker));
    let spans = Arc::new(SpanBuffer::default());
    metrics.set_spans(&spans);
    spans.lose(5);
    metrics.set_waiting(Some(&Waiting { ready: BTreeMap::from([(job("mel"), 100)]), delayed: 7 }));
    for _ in 0..2 {
        let text = metrics.text().expect("text");
        assert!(has(&text, "euterpe_work_remaining{job=\"mel\",graph=\"catalogue\"} 104"), "{text}");
        assert!(has(&text, "euterpe_broker_outages_total{graph=\"catalogue\"} 3"), "counted once: {text}");
        assert!(has(&text, "euterpe_spans_dropped_total{graph=\"catalogue\"} 5"), "counted once: {text}");
        assert!(has(&text, "euterpe_broker_connected{graph=\"catalogue\"} 0"), "{text}");
        assert!(has(&text, "euterpe_delayed_messages{graph=\"catalogue\"} 7"), "{text}");
        assert!(has(&text, "euterpe_queue_wait_seconds{job=\"mel\",graph=\"catalogue\"} 9"), "{text}");
    }
    metrics.set_waiting(None);
    let text = metrics.text().expect("text");
    assert!(has(&text, "euterpe_queue_ready_messages{job=\"mel\",graph=\"catalogue\"} NaN"), "{text}");
    assert!(has(&text, "euterpe_work_remaining{job=\"mel\",graph=\"catalogue\"} 4"), "{text}");
    metrics.serves(|_| false);
    assert!(has(&metrics.text().expect("text"), "euterpe_workers{job=\"mel\",graph=\"catalogue\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_nothing_is_heard_of_any_more_is_over() {
    let metrics = metrics([(job("mel"), 3)]);
    let (observer, mel) = (metrics.beside(Arc::new(Unobserved)), job("mel"));
    let stalled = |count| format!("euterpe_stalled{{job=\"mel\",graph=\"catalogue\"}} {count}");
    observer.on(&Event::Stalled { job: &mel, text: "away" });
    let parked = Event::Handled { job: &mel, message: None, outcome: Outcome::Parked, why: None, took: Duration::ZERO };
    for _ in 0..5 {
        tokio::time::advance(job::QUIET * 2 / 3).await;
        observer.on(&parked); // it goes on
        assert!(has(&metrics.text().expect("text"), &stalled(1)));
    }
    tokio::time::advance(job::QUIET * 2).await;
    assert!(has(&metrics.text().expect("text"), &stalled(0)), "others did the rest");
    observer.on(&parked);
    assert!(has(&metrics.text().expect("text"), &stalled(1)), "it is back");
    observer.on(&Event::Recovered { job: &mel });
    assert!(has(&metrics.text().expect("text"), &stalled(0)));
}
