//! The environment that a child process gets: scrubbed, so that no secret of the node reaches a transform by accident.

use std::env;

use tokio::process::Command;

/// The variables that every child process gets as the node has them.
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];
/// The variables by which numeric libraries are told how many threads to start. Workers and Python functions get them; a
/// command has those that its job sets.
pub const THREAD_VARIABLES: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// Leaves only what every program needs, and tells numeric libraries to start at most `threads` threads.
pub(crate) fn scrub(command: &mut Command, threads: usize) {
    command.env_clear();
    inherit(command, INHERITED);
    command.envs(THREAD_VARIABLES.map(|name| (name, threads.max(1).to_string())));
}

/// Sets these variables as the node has them; those that the node does not have stay unset.
pub(crate) fn inherit<'n>(command: &mut Command, names: impl IntoIterator<Item = &'n str>) {
    for name in names {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
}
