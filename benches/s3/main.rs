//! What a bucket as a store costs, against a server in memory in a process of its own: `cargo bench --bench s3`, or with
//! `-- NAME` one of them.
//!
//! | name | what is compared |
//! |---|---|
//! | `existence` | knowing what exists by listing, and a run with nothing to do, beside a HEAD for each |
//! | `ranges` | listing 2,000,000 keys where each request takes 20 ms, beside a loop over the SDK that asks for page after page |
//! | `letters` | a million dead letters of seven reasons: listed, and a thousand of one reason tried again, with all requests counted |
//! | `moving` | 64 objects of 8 MB through a job, beside a bare loop over the SDK |
//! | `kept` | objects written and read with copies on this machine, beside without |
//! | `large` | the memory of a node that moves objects of 1 GB |
//!
//! `EUTERPE_KEYS` says how many keys are listed (by default 300,000; by `ranges` 2,000,000), or how many letters there are
//! (1,000,000).

#[path = "../support/chain.rs"]
mod chain;
mod existence;
mod kept;
mod large;
mod letters;
mod moving;
mod program;
mod ranges;
#[allow(dead_code, unused_imports)] // the tests use more of it
#[path = "../../tests/all/s3/server/mod.rs"]
mod server;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code)]
#[path = "../../tests/all/venv.rs"]
mod venv;

use std::process::ExitCode;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use support::Cost;

use server::{SECRET, USER};

fn main() -> ExitCode {
    server::serve_if_asked();
    if program::is_program() {
        return program::main();
    }
    let keys = std::env::var("EUTERPE_KEYS").ok().and_then(|text| text.parse().ok());
    let ranges =
        || tokio::runtime::Runtime::new().expect("a runtime").block_on(ranges::main(keys.unwrap_or(2_000_000)));
    let letters = || letters::main(keys.unwrap_or(1_000_000));
    let existence_keys = keys.unwrap_or(300_000);
    let existence = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(existence::main(existence_keys));
    };
    let kept = || tokio::runtime::Runtime::new().expect("a runtime").block_on(kept::main());
    match std::env::args().skip(1).find(|arg| !arg.starts_with('-')).as_deref() {
        None => {
            existence();
            ranges();
            letters();
            moving::main();
            kept();
            large::main();
        }
        Some("existence") => existence(),
        Some("ranges") => ranges(),
        Some("letters") => letters(),
        Some("moving") => moving::main(),
        Some("kept") => kept(),
        Some("large") => large::main(),
        Some(other) => {
            eprintln!("no bench named `{other}`; there are existence, ranges, letters, moving, kept and large");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

async fn timed(work: impl AsyncFnOnce()) -> Cost {
    let (start, before) = (Instant::now(), support::cpu_seconds());
    work().await;
    Cost { wall: start.elapsed().as_secs_f64(), cpu: support::cpu_seconds() - before }
}

/// The SDK as it comes.
fn bare(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(USER, SECRET, None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}
