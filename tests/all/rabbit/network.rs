//! Machines of a test's own, as network namespaces: each is joined to the broker's by a cable that can be pulled.
//!
//! ```text
//! node in a namespace ── cable ──▶ bridge (the broker listens here) ◀── cable ── node in another namespace
//! ```
//! A pulled cable is noticed by neither end: what is sent is lost, as on a network that falls apart in the middle.

use std::{ffi::OsStr, net::Ipv4Addr, process::Command};

/// A network of machines. Dropped, it is removed with all of them.
pub struct Network {
    bridge: String,
    here: Ipv4Addr,
    machines: Vec<Machine>,
}

/// A machine of a network, as which programs can be run.
#[derive(Clone, Debug)]
pub struct Machine {
    namespace: String,
    cable: String,
}

/// Calls `ip`, and says what it said where it could not.
fn ip(args: &[&str]) -> Result<String, String> {
    let output = Command::new("ip").args(args).output().map_err(|error| format!("`ip` cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

impl Network {
    /// Makes a network of so many machines.
    ///
    /// # Panics
    /// Where that is not allowed, with what is needed.
    pub fn of(machines: usize) -> Self {
        clear_up();
        let (pid, mut random) = (std::process::id(), [0u8; 2]);
        random.copy_from_slice(&pid.to_le_bytes()[..2]);
        let here = Ipv4Addr::new(10, 128 + random[1] % 64, random[0], 1);
        let mut network = Self { bridge: format!("eut{pid}"), here, machines: Vec::new() };
        if let Err(error) = network.make(machines) {
            panic!(
                "partitions need network namespaces: root, and `ip` of the package iproute2 ({error}); \
                 EUTERPE_CHAOS_PARTITIONS=0 and EUTERPE_NO_PARTITIONS=1 leave them out"
            );
        }
        network
    }

    fn make(&mut self, machines: usize) -> Result<(), String> {
        let (bridge, here) = (self.bridge.as_str(), self.here);
        ip(&["link", "add", "name", bridge, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{here}/24"), "dev", bridge])?;
        ip(&["link", "set", bridge, "up"])?;
        for number in 0..machines {
            let machine = Machine { namespace: format!("{bridge}-{number}"), cable: format!("{bridge}n{number}") };
            let (namespace, cable) = (machine.namespace.as_str(), machine.cable.as_str());
            self.machines.push(machine.clone());
            ip(&["netns", "add", namespace])?;
            ip(&["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace])?;
            ip(&["link", "set", cable, "master", bridge, "up"])?;
            let [a, b, c, _] = here.octets();
            let address = format!("{}/24", Ipv4Addr::new(a, b, c, 2 + number as u8));
            ip(&["-n", namespace, "addr", "add", &address, "dev", "eth0"])?;
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
            ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        }
        Ok(())
    }

    /// Where the machines reach this one.
    pub fn here(&self) -> Ipv4Addr {
        self.here
    }

    /// A machine by its number.
    pub fn machine(&self, number: usize) -> Machine {
        self.machines[number].clone()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for machine in &self.machines {
            machine.remove();
        }
        // What was never made need not be removed.
        ip(&["link", "del", &self.bridge]).ok();
    }
}

impl Machine {
    /// A program that is run on this machine, with the process id of what is started.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }

    /// Pulls its cable.
    pub fn pull(&self) {
        ip(&["link", "set", &self.cable, "down"]).expect("pulled");
    }

    /// Plugs it in again.
    pub fn plug(&self) {
        ip(&["link", "set", &self.cable, "up"]).expect("plugged in");
    }

    fn remove(&self) {
        // Removed at once, and not when the last program in the namespace has ended.
        ip(&["link", "del", &self.cable]).ok();
        ip(&["netns", "del", &self.namespace]).ok();
    }
}

/// Removes what tests left behind that were killed.
fn clear_up() {
    let is_gone = |name: &str| {
        let pid: Option<u32> = name.strip_prefix("eut").and_then(|rest| rest.split(['-', 'n']).next()?.parse().ok());
        pid.is_some_and(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    };
    let names = |args: &[&str]| -> Vec<String> {
        let text = ip(args).unwrap_or_default();
        let names = text.split_whitespace().map(|word| word.trim_end_matches(':'));
        names.map(|word| word.split('@').next().unwrap_or(word).to_owned()).filter(|name| is_gone(name)).collect()
    };
    for namespace in names(&["netns", "list"]) {
        ip(&["netns", "del", &namespace]).ok();
    }
    for link in names(&["-o", "link", "show"]) {
        ip(&["link", "del", &link]).ok();
    }
}
