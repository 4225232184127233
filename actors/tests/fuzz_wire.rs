//! Random damage to encoded messages and to bodies by others: whatever comes, a message or an error, never a panic, and
//! memory stays bounded.
//!
//! `EUTERPE_FUZZ_SECONDS` says for how long (default 2); bodies by others are read until there were
//! `EUTERPE_FUZZ_BODIES` of them too (default 20,000; a million where the time is a minute or more). A failure prints the
//! seed that repeats it (`EUTERPE_FUZZ_SEED`).

use std::time::{Duration, Instant};

use euterpe_actors::broker::ForeignProperties;
use euterpe_actors::foreign::{self, PublishId};
use euterpe_actors::ids::{EntityId, InputName, JobName, RunId, StoreName};
use euterpe_actors::message::{
    Base, EntityMessage, Failure, Force, Frame, GraphDigest, Hop, Kind, MAX_MESSAGE_BYTES, Target, Wave,
};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};
use euterpe_actors::wire::{WireError, decode, encode};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use xxhash_rust::xxh3::xxh3_64;

const HEADER: usize = 16;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn job(rng: &mut SmallRng) -> JobName {
    JobName::new(&format!("job-{}", rng.random_range(0..20))).expect("a name")
}

fn target(rng: &mut SmallRng) -> Target {
    let entity = EntityId::new(&format!("artist/t-{}", rng.random_range(0..1000))).expect("an id");
    Target { job: job(rng), entity }
}

fn force(rng: &mut SmallRng) -> Force {
    match rng.random_range(0..3) {
        0 => Force::None,
        1 => Force::Jobs((0..rng.random_range(0..5)).map(|_| job(rng)).collect()),
        _ => Force::All,
    }
}

fn message(rng: &mut SmallRng) -> EntityMessage {
    let wave = Wave { id: rng.random(), origins: vec![job(rng)], only: rng.random_bool(0.3).then(|| vec![job(rng)]) };
    let base = if rng.random_bool(0.5) { Base::Stop } else { Base::Down(wave.into()) };
    let run = RunId::new(rng.random_range(0..1 << 40), rng.random());
    let mut message = EntityMessage::new(rng.random(), run, target(rng), GraphDigest(rng.random()), base);
    let inputs = |rng: &mut SmallRng| -> Vec<InputName> {
        (0..rng.random_range(0..4)).map(|n| InputName::new(&format!("in{n}")).expect("a name")).collect()
    };
    if rng.random_bool(0.2) {
        let failure =
            Failure { target: target(rng), reason: Reason::Absent, text: "gone".into(), record: "dead/x".into() };
        message.kind = Kind::Failed(failure.into());
    }
    message.from = rng.random_bool(0.5).then(|| target(rng));
    message.waiting = rng.random_bool(0.5).then(|| inputs(rng));
    message.force = force(rng);
    message.frames = (0..rng.random_range(0..6))
        .map(|_| Frame { to: target(rng), waiting: inputs(rng), absent: rng.random_range(0..3), force: force(rng) })
        .collect();
    message.audit =
        (0..rng.random_range(0..4)).map(|_| Hop { job: job(rng), node: "n".into(), millis: rng.random() }).collect();
    message
}

/// Cuts, doubles, flips; half of the time the header is then made to fit, so that the damage gets further in.
fn damage(bytes: &mut Vec<u8>, rng: &mut SmallRng) {
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=bytes.len());
        match rng.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.random()),
            2 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            3 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0xfb, 0xfc, 0xfd, 0xfe, 0xff][rng.random_range(0..8)],
            4 if at < bytes.len() => {
                bytes.remove(at);
            }
            _ => {
                let piece: Vec<u8> = bytes[at..].iter().take(rng.random_range(0..200)).copied().collect();
                bytes.splice(at..at, piece);
            }
        }
    }
    if rng.random_bool(0.5) && bytes.len() >= HEADER {
        let (header, body) = bytes.split_at_mut(HEADER);
        header[..4].copy_from_slice(b"EN\x01\x01");
        header[4..8].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[8..].copy_from_slice(&xxh3_64(body).to_le_bytes());
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

#[test]
fn fuzzed_messages_are_read_or_refused_and_never_panic_or_fill_the_memory() {
    let seed = variable("EUTERPE_FUZZ_SEED", rand::random());
    let end = Instant::now() + Duration::from_secs(variable("EUTERPE_FUZZ_SECONDS", 2));
    println!("EUTERPE_FUZZ_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let before = resident_bytes();
    let (mut read, mut refused) = (0u64, 0u64);
    while Instant::now() < end {
        for _ in 0..1000 {
            let original = message(&mut rng);
            let mut bytes = encode(&original).expect("an honest message fits").to_vec();
            assert_eq!(decode(&bytes).as_ref(), Ok(&original));
            damage(&mut bytes, &mut rng);
            match decode(&bytes) {
                Ok(message) => {
                    read += 1;
                    let again = encode(&message).expect("what was read can be written");
                    assert_eq!(decode(&again), Ok(message));
                }
                Err(WireError::TooLarge(_) | WireError::Malformed(_) | WireError::Newer { .. }) => refused += 1,
            }
        }
    }
    let huge = vec![b'E'; 64 << 20];
    assert!(matches!(decode(&huge), Err(WireError::TooLarge(_))), "{MAX_MESSAGE_BYTES} is the most");
    drop(huge);
    let grown = resident_bytes().saturating_sub(before);
    println!("{read} read, {refused} refused, resident set grew by {} KiB", grown / 1024);
    assert!(read > 0 && refused > 0);
    assert!(grown < 50 << 20, "grew by {grown} bytes");
}

/// A chain of twenty jobs, with the names that messages here are full of.
fn plan() -> NodePlan {
    let form = EntityForm::default();
    let spec = |at: usize| JobSpec {
        name: JobName::new(&format!("job-{at}")).expect("a name"),
        form: form.clone(),
        inputs: at
            .checked_sub(1)
            .map(|parent| InputPlan {
                name: InputName::new("in").expect("a name"),
                from: Route::Job { job: JobIx(parent), output: 0, entity: Mapping::Same },
            })
            .into_iter()
            .collect(),
        outputs: vec![OutputPlan {
            store: StoreName::new("m").expect("a name"),
            key: Template::parse(&format!("{at}/{{id}}"), &form).expect("a template"),
        }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers: 1,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    NodePlan::new((0..20).map(spec).collect())
}

/// A good body, as another program may write it, with what it says beside it.
fn body(rng: &mut SmallRng) -> (Vec<u8>, ForeignProperties) {
    let said = |kind: &str, rng: &mut SmallRng| ForeignProperties {
        content_type: kind.into(),
        run: rng.random_bool(0.1).then(|| RunId::new(rng.random_range(0..1 << 40), rng.random()).to_string()),
        id: None,
    };
    let entity = format!("artist/t-{} é", rng.random_range(0..1000));
    if rng.random_bool(0.3) {
        return (
            entity.into_bytes(),
            said(["", "text/plain", "text/plain; charset=utf-8"][rng.random_range(0..3)], rng),
        );
    }
    let list = |rng: &mut SmallRng| {
        let jobs: Vec<String> = (0..rng.random_range(0..4)).map(|_| format!("\"{}\"", job(rng))).collect();
        format!("[{}]", jobs.join(","))
    };
    let mut text = format!("{{\"entity\": \"{entity}\"");
    let bottom_up = rng.random_bool(0.4);
    if bottom_up {
        text += ", \"mode\": \"bottom_up\"";
    } else if rng.random_bool(0.4) {
        text += &format!(", \"only\": {}", list(rng));
    }
    match rng.random_range(0..6) {
        0 => text += ", \"force\": true",
        1 => text += ", \"force\": \"all\"",
        2 => text += &format!(", \"force\": {}", list(rng)),
        3 if !bottom_up => text += ", \"ping\": true",
        4 => text += &", \"x\": [".repeat(rng.random_range(0..300)),
        _ => {}
    }
    text.push('}');
    (text.into_bytes(), said("application/json", rng))
}

#[test]
fn fuzzed_bodies_by_others_are_read_or_refused_and_never_panic_or_fill_the_memory() {
    let seed = variable("EUTERPE_FUZZ_SEED", rand::random());
    let seconds = variable("EUTERPE_FUZZ_SECONDS", 2);
    let bodies = variable("EUTERPE_FUZZ_BODIES", if seconds >= 60 { 1_000_000 } else { 20_000 });
    let end = Instant::now() + Duration::from_secs(seconds);
    println!("EUTERPE_FUZZ_SEED={seed}");
    let (mut rng, plan) = (SmallRng::seed_from_u64(seed), plan());
    let before = resident_bytes();
    let (mut good, mut read, mut refused) = (0u64, 0u64, 0u64);
    let check = |bytes: &[u8], said: &ForeignProperties, at: JobIx| match foreign::read(bytes, said, at, &plan) {
        Ok(wish) => {
            let publishing = PublishId { run: RunId::inbox_at(1), wave: 2 };
            let message = wish.message(&plan, publishing, 3).expect("a job of the graph");
            assert_eq!(message.target.job, plan.job(at).name);
            assert_eq!(decode(&encode(&message).expect("what was read can be written")), Ok(message));
            true
        }
        Err(bad) => {
            assert!(!bad.text.is_empty() && bad.text.len() < 4096, "{} bytes", bad.text.len());
            assert!(!bad.text.chars().any(char::is_control), "{:?}", bad.text);
            false
        }
    };
    while Instant::now() < end || read + refused < bodies {
        for _ in 0..1000 {
            let (mut bytes, mut said) = body(&mut rng);
            let at = JobIx(rng.random_range(0..20));
            good += u64::from(check(&bytes, &said, at));
            damage(&mut bytes, &mut rng);
            if rng.random_bool(0.05) {
                said.content_type =
                    ["image/png", "application/json;", "TEXT/plain;;", ";", "é"][rng.random_range(0..5)].into();
                said.run = rng.random_bool(0.5).then(|| "x".repeat(rng.random_range(0..300)));
            }
            match check(&bytes, &said, at) {
                true => read += 1,
                false => refused += 1,
            }
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    println!("{good} good; damaged: {read} read, {refused} refused, resident set grew by {} KiB", grown / 1024);
    assert!(good > (read + refused) / 2 && read > 0 && refused > 0);
    assert!(grown < 50 << 20, "grew by {grown} bytes");
}
