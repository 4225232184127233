//! The environment of a child process: scrubbed, so that no secret of the node's reaches a transform by accident.

use std::env;

use tokio::process::Command;

/// What every child process gets as the node has it.
const KEPT: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];
/// The variables by which numeric libraries are told how many threads to start.
const THREADS: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// Leaves only what every program needs, and limits the thread pools of numeric libraries to a worker's share.
pub(crate) fn scrub(command: &mut Command, threads: usize) {
    command.env_clear();
    inherit(command, KEPT);
    command.envs(THREADS.map(|name| (name, threads.max(1).to_string())));
}

/// Hands these variables on as the node has them.
pub(crate) fn inherit<'n>(command: &mut Command, names: impl IntoIterator<Item = &'n str>) {
    for name in names {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
}
