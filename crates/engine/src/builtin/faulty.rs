//! `test.faulty`: misbehaves on purpose for the ids that its options name. Test builds only (feature `faults`).
//!
//! For all others it writes the id and the content of its inputs, so that every output depends on all above it.

use std::{
    collections::BTreeSet,
    process, thread,
    time::{Duration, Instant},
};

use euterpe_actors::{
    outcome::Fault,
    transform::{
        Entry, Product, Settings, Work,
        blocking::{Compute, blocking},
    },
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The options of `test.faulty`: the ids for which it misbehaves, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faulty {
    /// Ends the process by `abort` for these ids.
    pub abort_on: BTreeSet<String>,
    /// Recurses until the stack overflows for these ids.
    pub overflow_stack_on: BTreeSet<String>,
    /// Asks for more memory than there is for these ids.
    pub allocate_on: BTreeSet<String>,
    /// Leaves by `exit(7)` for these ids.
    pub exit_on: BTreeSet<String>,
    /// Panics for these ids.
    pub panic_on: BTreeSet<String>,
    /// Fails for these ids.
    pub fail_on: BTreeSet<String>,
    /// Fails at the first try for these ids.
    pub fail_once_on: BTreeSet<String>,
    /// Declines these ids.
    pub skip_on: BTreeSet<String>,
    /// Never ends for these ids.
    pub hang_on: BTreeSet<String>,
    /// Prints a megabyte, and what looks like an answer of a child process, for these ids.
    pub print_on: BTreeSet<String>,
    /// How long each work takes, in milliseconds.
    pub slow_ms: u64,
    /// For how long each work keeps a core busy, in milliseconds.
    pub spin_ms: u64,
}

impl Settings for Faulty {}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("test.faulty", "misbehaves on purpose", |settings: Faulty, _| {
        Ok(blocking("faulty", move || Ok(Box::new(settings.clone()) as Box<dyn Compute>)))
    })
    .several_outputs()
}

impl Compute for Faulty {
    fn compute(&mut self, work: &Work) -> Result<Product, Fault> {
        let id = work.entity.as_str();
        thread::sleep(Duration::from_millis(self.slow_ms));
        let spinning = Instant::now();
        while spinning.elapsed() < Duration::from_millis(self.spin_ms) {
            std::hint::spin_loop();
        }
        if self.print_on.contains(id) {
            println!("{}", "\u{1}\0\0\0{\"Made\":[]}".repeat(70_000));
            eprintln!("the last words about {id}");
        }
        if self.abort_on.contains(id) {
            eprintln!("about to abort for {id}");
            process::abort();
        }
        if self.exit_on.contains(id) {
            process::exit(7);
        }
        if self.overflow_stack_on.contains(id) {
            return Err(Fault::failed(format!("a stack of {} bytes", deeper(1))));
        }
        if self.allocate_on.contains(id) {
            let room: Vec<u8> = Vec::with_capacity(std::hint::black_box(1 << 46));
            return Err(Fault::failed(format!("got {} bytes", std::hint::black_box(room).capacity())));
        }
        if self.hang_on.contains(id) {
            loop {
                thread::park();
            }
        }
        assert!(!self.panic_on.contains(id), "told to panic for {id}");
        if self.fail_on.contains(id) || (self.fail_once_on.contains(id) && work.attempt == 0) {
            return Err(Fault::failed(format!("told to fail for {id}")));
        }
        if self.skip_on.contains(id) {
            return Err(Fault::skip(format!("told to decline {id}")));
        }
        let mut made = id.as_bytes().to_vec();
        for input in &work.inputs {
            made.extend_from_slice(format!("\n{}: ", input.name).as_bytes());
            let content = input.object.content.read();
            made.extend_from_slice(&content.map_err(|error| Fault::failed(format!("no input: {error}")))?);
        }
        Ok(Product(
            work.suffixes.iter().map(|_| euterpe_actors::storage::Content::Bytes(made.clone().into())).collect(),
        ))
    }
}

/// Uses the whole stack, a kibibyte at a time.
fn deeper(depth: usize) -> usize {
    let here = std::hint::black_box([depth as u8; 1024]);
    if std::hint::black_box(depth) == 0 { 0 } else { deeper(depth + 1) + usize::from(here[depth % 1024]) }
}
