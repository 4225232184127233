//! Bodies of all kinds from anybody: each is accounted for, and the node stays as it is.

use std::{collections::HashSet, fs, time::Duration};

use euterpe_actors::broker::ForeignProperties;
use euterpe_actors::foreign;
use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::{JobIx, NodePlan};
use futures::stream::{self, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::others::CATALOGUE;
use super::{Cluster, Vhost, soon};

const BODIES: usize = 20_000;
const MOST_MORE_BYTES: u64 = 50 << 20;

/// A body with what it calls itself. `n` is in it, but for what damage does to it.
fn body(n: usize, rng: &mut SmallRng) -> (Vec<u8>, &'static str) {
    let kinds = ["", "text/plain", "text/plain; charset=utf-8", "application/json", "application/json", "image/png"];
    let kind = *kinds.choose(rng).expect("some");
    let more = *[
        "",
        r#", "mode": "bottom_up""#,
        r#", "force": true"#,
        r#", "force": ["pcm"], "only": ["card"]"#,
        r#", "ping": true"#,
        r#", "run": "20261123-063012.345-1a2b3c4d""#,
        r#", "ping": true, "force": "all""#,
        r#", "more": 1"#,
    ]
    .choose(rng)
    .expect("some");
    let json = format!(r#"{{"entity": "f-{n}"{more}}}"#);
    let bytes = |rng: &mut SmallRng, most: usize| -> Vec<u8> {
        let length = rng.random_range(0..most);
        (0..length).map(|_| rng.random()).collect()
    };
    match rng.random_range(0..100) {
        0..15 => (format!("f-{n}").into_bytes(), kind),
        15..40 => (json.into_bytes(), "application/json"),
        40..60 => {
            let mut damaged = json.into_bytes();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..damaged.len());
                damaged[at] = rng.random();
            }
            (damaged, kind)
        }
        60..70 => {
            let mut cut = json.into_bytes();
            cut.truncate(rng.random_range(0..cut.len()));
            (cut, "application/json")
        }
        70..85 => ([format!("{n} ").into_bytes(), bytes(rng, 300)].concat(), kind),
        85..95 => {
            let odd = ["é", "\u{202e}", "\0", "/", "..", "\u{1F3B5}", " ", "\n", "%2f", "\u{0301}"];
            let text: String = (0..rng.random_range(1..8)).map(|_| *odd.choose(rng).expect("some")).collect();
            (format!("{text}{n}{text}").into_bytes(), kind)
        }
        95..98 => (format!("{}{n}", "[".repeat(rng.random_range(1..5000))).into_bytes(), kind),
        _ => (format!("{n}{}", "x".repeat(rng.random_range(60_000..100_000))).into_bytes(), kind),
    }
}

/// What is to become of bodies, by their reader.
#[derive(Debug, Default)]
struct Fate {
    entities: HashSet<EntityId>,
    unreadable: usize,
    pings: usize,
    /// Damage made one id of two.
    again: usize,
}

impl Fate {
    fn of(bodies: &[(Vec<u8>, &str)], plan: &NodePlan) -> Self {
        let mut fate = Self::default();
        for (bytes, kind) in bodies {
            let said = ForeignProperties { content_type: (*kind).to_owned(), ..ForeignProperties::default() };
            match foreign::read(bytes, &said, JobIx(1), plan) {
                Err(_) => fate.unreadable += 1,
                Ok(wish) if wish.selection.ping => fate.pings += 1,
                Ok(wish) => match fate.entities.insert(wish.entity) {
                    true => {}
                    false => fate.again += 1,
                },
            }
        }
        fate
    }
}

/// Publishes and waits for the confirm.
async fn publish(channel: &Channel, body: &[u8], kind: &str) {
    let properties = BasicProperties::default().with_delivery_mode(2).with_content_type(kind.into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent = channel.basic_publish("euterpe.catalogue".into(), "mel".into(), options, body, properties).await;
    assert_eq!(sent.expect("sent").await.expect("answered"), Confirmation::Ack(None));
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[tokio::test]
async fn twenty_thousand_fuzzed_bodies_and_a_large_one_are_each_accounted_for() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(CATALOGUE, &vhost);
    cluster.node(&[]);
    let pid = cluster.running(0).expect("it runs");
    let (plan, mut rng) = (crate::messages::plan(), SmallRng::seed_from_u64(11));
    let mut bodies: Vec<(Vec<u8>, &str)> = vec![(vec![b'x'; 1 << 20], "text/plain")];
    let mut seen = HashSet::new();
    while bodies.len() <= BODIES {
        let (bytes, kind) = body(bodies.len(), &mut rng);
        if seen.insert(bytes.clone()) {
            bodies.push((bytes, kind));
        }
    }
    let all = Fate::of(&bodies, &plan);
    assert_eq!(all.entities.len() + all.unreadable + all.pings + all.again, BODIES + 1);
    assert!(all.entities.len() > 4000 && all.unreadable > 5000 && all.pings > 100, "{all:?}");

    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let (warm, rest) = bodies.split_at(1000);
    let send = |part: &[(Vec<u8>, &'static str)]| {
        let part = part.to_vec();
        let channel = channel.clone();
        async move {
            let all = part.iter().map(|(body, kind)| publish(&channel, body, kind));
            stream::iter(all).buffer_unordered(256).collect::<Vec<()>>().await;
        }
    };
    // What a message ends as is there before it is settled. An id that is too long for a file's name has a letter too.
    let ended = |fate: &Fate| {
        std::thread::sleep(Duration::from_millis(500)); // each look lists thousands of files
        let letters = cluster.names(".euterpe/catalogue/dead");
        letters.iter().filter(|name| name.contains("/mel/")).count() + cluster.names("out/mel").len()
            >= fate.unreadable + fate.entities.len()
    };
    send(warm).await;
    soon("the first are settled", Duration::from_secs(120), || ended(&Fate::of(warm, &plan)));
    let before = resident(pid);
    send(rest).await;
    soon("all are settled", Duration::from_secs(400), || ended(&all));
    let after = resident(pid);

    let outputs = cluster.names("out/mel").len();
    let said = cluster.call(&["--json", "dead", "ls", "g.yaml"]).ends(0);
    let with =
        |part: &str| said.out.lines().filter(|line| line.contains(r#""job":"mel""#) && line.contains(part)).count();
    let (letters, malformed) = (with(""), with(r#""reason":"malformed""#));
    println!(
        "{} bodies: {outputs} outputs, {letters} dead letters ({malformed} malformed), {} pings, {} again; resident {} and {} KiB",
        BODIES + 1,
        all.pings,
        all.again,
        before >> 10,
        after >> 10
    );
    assert_eq!(malformed, all.unreadable);
    assert_eq!(outputs + letters + all.pings + all.again, BODIES + 1);
    soon("the queues are empty", Duration::from_secs(60), || vhost.depths().iter().all(|(_, depth)| *depth == 0));
    assert_eq!(cluster.running(0), Some(pid), "the node ended: {}", cluster.log(0));
    let log = cluster.log(0);
    assert!(!log.contains("was lost") && !log.contains("panicked"), "{log}");
    assert!(after < before + MOST_MORE_BYTES, "{before} bytes became {after}");
}
