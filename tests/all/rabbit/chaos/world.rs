//! A broker and nodes, and the faults that befall them.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::luck::Luck;
use crate::rabbit::cluster::Said;
use crate::rabbit::network::Network;
use crate::rabbit::{Cluster, Rabbit, soon};

/// How a node is started: heartbeats as short as they may be, so that who is dead is missed soon.
const NODE: &[&str] = &["--heartbeat", "2s", "--grace", "5s"];
/// For how long a node is stopped.
const STOPPED: Duration = Duration::from_secs(15);
/// For how long a node is cut off from the broker: several times the heartbeat.
const APART: Duration = Duration::from_secs(20);
/// How long the broker is short of memory.
const SHORT: Duration = Duration::from_secs(7);

/// What can befall them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A node is killed, and started again.
    Kill,
    /// A node is stopped for a while, like a machine that stalls.
    Stop,
    /// A node's network is cut off from the broker's for a while, and neither is told.
    Part,
    /// The broker is killed or stopped, and started again.
    Restart,
    /// The broker closes all connections.
    Close,
    /// The broker is short of memory for a while.
    Alarm,
    /// A queue is deleted with what is in it.
    Delete,
}

pub struct World {
    rabbit: Rabbit,
    pub cluster: Cluster,
    /// Until when each node is stopped or cut off.
    away: Vec<Option<(Fault, Instant)>>,
    /// Messages that may have been in deleted queues.
    pub deleted: u64,
    /// How often a node lost what it had in hand.
    pub struck: usize,
    /// Machines of the nodes' own, where some are to be cut off.
    network: Option<Network>,
}

impl World {
    /// So many nodes that serve a graph, on machines of their own where partitions are to come.
    pub fn new(graph: &str, nodes: usize, partitions: bool) -> Self {
        let network = partitions.then(|| Network::of(nodes));
        let rabbit = match &network {
            None => Rabbit::start(),
            Some(network) => Rabbit::also_at(network.here()),
        };
        let mut cluster = Cluster::at(graph, rabbit.url());
        for (number, network) in (0..nodes).filter_map(|number| Some((number, network.as_ref()?))) {
            cluster.move_to(number, network.machine(number), rabbit.url_for(network.here()));
        }
        cluster.nodes(nodes, NODE);
        Self { rabbit, cluster, away: vec![None; nodes], deleted: 0, struck: 0, network }
    }

    /// What the broker is.
    pub fn broker(&self) -> String {
        self.rabbit.ctl(&["version"]).trim().to_owned()
    }

    /// Publishes ids and says as which run.
    pub fn publish(&mut self, ids: &[String], bottom_up: bool) -> String {
        self.cluster.ids(ids.iter().cloned());
        let mut args = vec!["--json", "publish", "g.yaml", "--ids", "ids"];
        if bottom_up {
            args.extend(["--job", "join", "--bottom-up"]);
        }
        let published = self.cluster.call(&args).ends(0).last();
        published["run"].as_str().expect("a run").to_owned()
    }

    /// The account of a run.
    pub fn check(&self, run: &str, more: &[&str]) -> Said {
        self.cluster.call(&[&["--json", "runs", "check", "g.yaml", run], more].concat())
    }

    /// Lets time go by; who was stopped or cut off long enough goes on.
    pub fn wait(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            self.let_go_on(Instant::now());
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(50)); // real processes know no other time
        }
    }

    fn let_go_on(&mut self, now: Instant) {
        for node in 0..self.away.len() {
            let over = self.away[node].take_if(|(_, until)| *until <= now);
            match (over, &self.network) {
                (Some((Fault::Part, _)), Some(network)) => network.machine(node).plug(),
                (Some(_), _) => self.cluster.signal(node, Signal::CONT),
                (None, _) => {}
            }
        }
    }

    /// Waits until nobody is stopped or cut off any more.
    pub fn wait_for_all(&mut self) {
        while self.away.iter().any(Option::is_some) {
            self.wait(Duration::from_millis(100));
        }
    }

    /// The nodes that are neither stopped nor cut off; waits until there are two.
    fn running(&mut self) -> Vec<usize> {
        loop {
            let running: Vec<usize> = (0..self.away.len()).filter(|node| self.away[*node].is_none()).collect();
            if running.len() > 1 {
                return running;
            }
            self.wait(Duration::from_millis(100));
        }
    }

    /// Brings a fault and says what was done.
    pub fn bring(&mut self, fault: Fault, luck: &mut Luck) -> String {
        match fault {
            Fault::Kill => {
                let node = luck.one(&self.running());
                self.struck += 1;
                self.cluster.kill(node);
                self.wait(Duration::from_millis(luck.below(1500)));
                self.cluster.start_node(node, NODE);
                format!("node-{node} is killed and started again")
            }
            Fault::Stop => {
                let node = luck.one(&self.running());
                self.struck += 1;
                self.cluster.signal(node, Signal::STOP);
                self.away[node] = Some((fault, Instant::now() + STOPPED));
                format!("node-{node} is stopped for {} s", STOPPED.as_secs())
            }
            Fault::Part => {
                let node = luck.one(&self.running());
                self.struck += 1;
                self.network.as_ref().expect("machines of their own").machine(node).pull();
                self.away[node] = Some((fault, Instant::now() + APART));
                format!("node-{node} is cut off from the broker for {} s", APART.as_secs())
            }
            Fault::Restart => {
                let how = luck.one(&["killed", "stopped"]);
                match how {
                    "killed" => self.rabbit.kill(),
                    _ => self.rabbit.stop(),
                }
                self.wait(Duration::from_millis(luck.below(2000)));
                self.rabbit.start_again();
                format!("the broker is {how} and started again")
            }
            Fault::Close => {
                self.rabbit.ctl(&["close_all_connections", "chaos"]);
                "all connections are closed by the broker".into()
            }
            Fault::Alarm => {
                self.rabbit.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
                self.wait(SHORT);
                self.rabbit.ctl(&["set_vm_memory_high_watermark", "0.4"]);
                format!("the broker is short of memory for {} s", SHORT.as_secs())
            }
            Fault::Delete => self.delete(),
        }
    }

    /// Deletes the fullest queue of a child job.
    fn delete(&mut self) -> String {
        let children = ["left", "right", "join", "tail"].map(|job| format!("euterpe.diamond.job.{job}"));
        let depths = self.rabbit.depths();
        let child = depths.into_iter().filter(|(name, _)| children.contains(name)).max_by_key(|(_, depth)| *depth);
        let (name, depth) = child.expect("a queue");
        self.rabbit.ctl(&["delete_queue", &name]);
        // Between the look and the deletion some more may have come.
        self.deleted += depth + 60;
        format!("queue `{name}` is deleted with about {depth} messages")
    }

    /// Waits until no queue holds anything: what is put off is in one too.
    pub fn until_quiet(&mut self) {
        let mut quiet = 0;
        soon("the queues are empty", Duration::from_secs(300), || {
            std::thread::sleep(Duration::from_millis(500)); // asking takes the broker's time
            let left: u64 = self.rabbit.depths().into_iter().map(|(_, depth)| depth).sum();
            quiet = if left == 0 { quiet + 1 } else { 0 };
            quiet > 4 // the broker counts only now and then
        });
    }

    /// How often a connection of a node broke, as the nodes say.
    pub fn interrupted(&self) -> usize {
        (0..self.away.len()).map(|node| self.cluster.log(node).matches("the broker is away").count()).sum()
    }
}
