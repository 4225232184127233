//! Resolves the name of a server, and refuses addresses that a graph file may not lead to.

use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use euterpe_actors::address::is_off_limits;

/// The system's resolver. A name that a graph file gave is not followed to a link-local or metadata address.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    /// Whether the name was given by a graph file.
    pub by_graph: bool,
}

impl ResolveDns for Resolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            if self.by_graph {
                addresses.retain(|address| !is_off_limits(*address));
                if addresses.is_empty() {
                    return Err(ResolveDnsError::new(format!(
                        "`{name}` leads to a link-local or metadata address, where a graph file may not send requests"
                    )));
                }
            }
            Ok(addresses)
        })
    }
}
