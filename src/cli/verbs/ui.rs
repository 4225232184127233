//! `ui`: pages for a browser: the graph at work, what it made, what failed.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, anyhow};
use euterpe_actors::transform::Registry;
use euterpe_engine::{Engine, Opening};
use euterpe_ui::{Admission, Settings};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, Place, listen_address};
use crate::cli::page::Output;

/// Show a graph in a browser: its jobs at work, what they made to be seen and heard, its runs, what failed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// Serve the pages there: a port of this machine for itself alone, or an address with its port, such as 10.0.0.7:8420, for
    /// whoever has the link with the token that is printed; *:8420 is every address of this machine.
    #[arg(long, value_name = "ADDR", default_value = "8420", value_parser = listen_address)]
    listen: SocketAddr,

    /// Only show: nothing can be started or changed from the pages.
    #[arg(long)]
    read_only: bool,

    /// Let in whoever comes through a proxy that signs people in and names them in this header, without a token. Only the proxy may
    /// reach the address then.
    #[arg(long, value_name = "HEADER")]
    trusted_header: Option<String>,

    /// The token of the link, in place of a random one; at least 16 letters, digits, `-` and `_`.
    #[arg(long, value_name = "TOKEN", env = "EUTERPE_UI_TOKEN", hide_env_values = true, value_parser = token)]
    token: Option<String>,

    #[command(flatten)]
    broker: BrokerArgs,
}

/// How much memory what is known of a catalogue may take while it is counted: the rest waits in a scratch file, and nobody waits for
/// the count.
const MEMORY: u64 = 16 << 20;

/// Serves until ctrl-c.
///
/// # Errors
/// An address that cannot be had; a graph that cannot be opened.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let opening = Opening { memory: Some(MEMORY), ..Opening::default() };
    // What is wrong with the graph is said here, before anybody opens a page.
    let session = match args.place.open_as_in(None, registry, out, opening.clone())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let graph = session.workspace().plan.graph.clone();
    drop(session);
    #[cfg(feature = "amqp")]
    let dial = args.broker.dial("ui")?;
    let taken = || format!("no pages can be served at {}; name another address with --listen", args.listen);
    let listener = TcpListener::bind(args.listen).with_context(taken)?;
    listener.set_nonblocking(true).with_context(taken)?;
    let address = listener.local_addr()?;
    let admission = admission(args, address);
    let link = link(address, &admission);
    match out.json {
        true => out.fact(&json!({"event": "ui", "graph": graph, "url": link}))?,
        false => out.text(&format!("{link} shows the graph `{graph}` in a browser; ctrl-c ends it"))?,
    }
    let (place, known) = (args.place.clone(), registry.clone());
    let file = place.as_opened();
    let open = move || {
        let plan = file.load(&known).map_err(|problems| anyhow!("the graph file is not valid: {problems}"))?;
        let opening = Opening { state: place.state.clone(), ..opening.clone() };
        Engine::open(plan, &known, &opening)
    };
    euterpe_ui::serve(Settings {
        listener,
        admission,
        read_only: args.read_only,
        graph_file: args.place.graph.graph.clone(),
        open: Box::new(open),
        registry: registry.clone(),
        program: std::env::current_exe().context("this program cannot be found")?,
        arguments: args.place.words(),
        environment: args.broker.variables(),
        #[cfg(feature = "amqp")]
        dial,
    })?;
    Ok(Exit::Ok)
}

fn admission(args: &Args, address: SocketAddr) -> Admission {
    match (&args.trusted_header, &args.token) {
        (Some(header), _) => Admission::Header(header.clone()),
        (None, Some(token)) => Admission::Token(token.clone()),
        (None, None) if address.ip().is_loopback() => Admission::Loopback,
        (None, None) => Admission::Token(euterpe_ui::random_token()),
    }
}

/// The address of the first page.
fn link(address: SocketAddr, admission: &Admission) -> String {
    let host = match address.ip().is_unspecified() {
        true => format!("{}:{}", host_name(), address.port()),
        false => address.to_string(),
    };
    match admission {
        Admission::Token(token) => format!("http://{host}/?token={token}"),
        Admission::Loopback | Admission::Header(_) => format!("http://{host}/"),
    }
}

/// What this machine calls itself.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn token(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    match is_plain && text.len() >= 16 {
        true => Ok(text.to_owned()),
        false => Err("a token has at least 16 letters, digits, `-` and `_`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_this_machine_the_link_has_a_token() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(link(address("127.0.0.1:8420"), &Admission::Loopback), "http://127.0.0.1:8420/");
        let token = Admission::Token("abc".into());
        assert_eq!(link(address("[2001:db8::1]:80"), &token), "http://[2001:db8::1]:80/?token=abc");
        assert!(link(address("0.0.0.0:8420"), &token).ends_with(":8420/?token=abc"));
        assert!(super::token("short").is_err() && super::token("0123456789abcde;").is_err());
        assert!(super::token(&euterpe_ui::random_token()).is_ok());
    }
}
