//! A broker and nodes, and the faults that befall them.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::luck::Luck;
use crate::rabbit::cluster::Said;
use crate::rabbit::{Cluster, Rabbit, soon};

/// How a node is started: heartbeats as short as they may be, so that who is dead is missed soon.
const NODE: &[&str] = &["--heartbeat", "2s", "--grace", "5s"];
/// For how long a node is stopped.
const STOPPED: Duration = Duration::from_secs(15);
/// How long the broker is short of memory.
const SHORT: Duration = Duration::from_secs(7);

/// What can befall them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A node is killed, and started again.
    Kill,
    /// A node is stopped for a while, like a machine that stalls.
    Stop,
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
    /// Until when each node is stopped.
    stopped: Vec<Option<Instant>>,
    /// Messages that may have been in deleted queues.
    pub deleted: u64,
    /// How often a node lost what it had in hand.
    pub struck: usize,
}

impl World {
    pub fn new(rabbit: Rabbit, mut cluster: Cluster, nodes: usize) -> Self {
        cluster.nodes(nodes, NODE);
        Self { rabbit, cluster, stopped: vec![None; nodes], deleted: 0, struck: 0 }
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

    /// Lets time go by; who was stopped long enough goes on.
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
        for node in 0..self.stopped.len() {
            if self.stopped[node].is_some_and(|until| until <= now) {
                self.cluster.signal(node, Signal::CONT);
                self.stopped[node] = None;
            }
        }
    }

    /// Waits until nobody is stopped any more.
    pub fn wait_for_stopped(&mut self) {
        while self.stopped.iter().any(Option::is_some) {
            self.wait(Duration::from_millis(100));
        }
    }

    /// The nodes that are not stopped; waits until there are two.
    fn running(&mut self) -> Vec<usize> {
        loop {
            let running: Vec<usize> = (0..self.stopped.len()).filter(|node| self.stopped[*node].is_none()).collect();
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
                self.stopped[node] = Some(Instant::now() + STOPPED);
                format!("node-{node} is stopped for {} s", STOPPED.as_secs())
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
        (0..self.stopped.len()).map(|node| self.cluster.log(node).matches("was interrupted").count()).sum()
    }
}
