//! The argument of verbs that work: where what they count is served.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use euterpe_engine::{Mistake, Session};

use crate::telemetry;

/// Where metrics are served.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct MetricsArgs {
    /// Serve metrics for Prometheus at /metrics of this address: a port of this machine for itself alone, such as 9464, or
    /// an address with its port, such as 10.0.0.7:9464; *:9464 is every address of this machine.
    #[arg(long = "metrics", value_name = "ADDR", value_parser = address)]
    pub address: Option<SocketAddr>,
}

impl MetricsArgs {
    /// Takes the address, before anything is opened or made.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn bind(&self) -> anyhow::Result<Option<TcpListener>> {
        self.address.map(telemetry::bind_metrics).transpose()
    }

    /// For a process whose work is done by others.
    ///
    /// # Errors
    /// Where metrics are asked for.
    pub fn refuse(&self) -> Result<(), Mistake> {
        match self.address {
            None => Ok(()),
            Some(_) => Err(Mistake("over a broker the nodes do the work: give --metrics to `euterpe node`".into())),
        }
    }
}

/// Serves what `session` counts, where an address was taken for it, and says where. `queues` looks at the queues meanwhile.
///
/// # Errors
/// A thread that cannot be started.
pub fn serve_metrics<F>(
    listener: Option<TcpListener>,
    session: &Session,
    queues: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = Infallible>,
{
    let (Some(listener), Some(metrics)) = (listener, &session.workspace().metrics) else { return Ok(()) };
    let found = listener.local_addr()?;
    telemetry::serve_metrics(listener, metrics.clone(), queues)?;
    telemetry::say(&format!("metrics are at http://{found}/metrics"));
    Ok(())
}

/// Reads an address to serve at.
///
/// # Errors
/// What is wrong with it.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    if let Some(Ok(port)) = text.strip_prefix("*:").map(str::parse::<u16>) {
        return Ok((Ipv4Addr::UNSPECIFIED, port).into());
    }
    text.parse().map_err(|_| {
        format!("`{text}` is no address; write a port, such as 9464, or an address and a port, such as 10.0.0.7:9464 or *:9464")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_for_this_machine_alone() {
        assert_eq!(address("9464").map(|found| found.to_string()), Ok("127.0.0.1:9464".into()));
        assert_eq!(address("10.0.0.7:9464").map(|found| found.to_string()), Ok("10.0.0.7:9464".into()));
        assert_eq!(address("[::1]:9464").map(|found| found.to_string()), Ok("[::1]:9464".into()));
        assert_eq!(address("*:9464").map(|found| found.to_string()), Ok("0.0.0.0:9464".into()));
        for wrong in ["", "70000", "localhost:9464", ":9464", "*", "*:", "*:70000"] {
            assert!(address(wrong).is_err_and(|why| why.contains("write a port")), "{wrong}");
        }
    }
}
