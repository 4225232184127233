//! What is served, where, and to whom.

use std::net::TcpListener;
use std::path::PathBuf;

use euterpe_actors::transform::Registry;
#[cfg(feature = "amqp")]
use euterpe_amqp::ConnectionSettings;
use euterpe_engine::Session;

/// Opens the graph as it is now.
pub type Opener = dyn Fn() -> anyhow::Result<Session> + Send + Sync;

/// What is served, where, and to whom.
pub struct Settings {
    /// Where it is served; bound already.
    pub listener: TcpListener,
    /// Who is let in.
    pub admission: Admission,
    /// Whether nothing may be started or changed from a page.
    pub read_only: bool,
    /// The graph file, which is opened anew when it changes.
    pub graph_file: PathBuf,
    /// Opens it for looking.
    pub open: Box<Opener>,
    /// The transforms that draw previews.
    pub registry: Registry,
    /// The program whose verbs are started from pages.
    pub program: PathBuf,
    /// What stands behind each verb: the graph file, and flags for its stores and its state.
    pub arguments: Vec<String>,
    /// Variables that these processes have beside those of this one.
    pub environment: Vec<(String, String)>,
    /// The broker that the graph's nodes are at, where there is one.
    #[cfg(feature = "amqp")]
    pub dial: Option<ConnectionSettings>,
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Whoever is on this machine and asks for it by a name of this machine.
    Loopback,
    /// Whoever has the token, in a link, in a cookie or as `Authorization: Bearer`.
    Token(String),
    /// Whoever comes through a proxy that signs people in and names them in this header.
    Header(String),
}

/// A token that nobody can guess.
pub fn random_token() -> String {
    let token: [u8; 16] = rand::random();
    token.iter().map(|byte| format!("{byte:02x}")).collect()
}
