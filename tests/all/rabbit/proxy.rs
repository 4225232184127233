//! Connections that are reset at random moments of a busy run: the nodes are at work again within seconds, and nothing
//! is lost. The nodes reach the broker through a proxy of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot};

use super::nodes::diamond_of;
use super::{Cluster, Vhost, soon};

/// How a connection through the proxy ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    /// Both sides are reset.
    Both,
    /// The client's side is reset; the broker is told nothing, as when a machine on the way vanishes.
    Client,
}

/// Passes connections on to a broker until it is told to reset them. Dropped, it ends.
struct Proxy {
    port: u16,
    resets: broadcast::Sender<Reset>,
    open: Arc<AtomicUsize>,
    /// How many connections were reset so far.
    reset: Arc<AtomicUsize>,
    _end: oneshot::Sender<()>,
}

impl Proxy {
    fn to(broker: u16) -> Self {
        let (resets, _) = broadcast::channel(16);
        let (open, (end, ended)) = (Arc::new(AtomicUsize::new(0)), oneshot::channel());
        let (tell, port) = std::sync::mpsc::channel();
        let reset = Arc::new(AtomicUsize::new(0));
        let (sender, counted) = (resets.clone(), (open.clone(), reset.clone()));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("an address").port()).expect("told");
                let kept: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
                let accepting = async {
                    loop {
                        let (client, _) = listener.accept().await.expect("a client");
                        tokio::spawn(pass(client, broker, sender.subscribe(), counted.clone(), kept.clone()));
                    }
                };
                tokio::select! {
                    () = accepting => {}
                    _ = ended => {}
                }
            });
        });
        Self { port: port.recv().expect("a port"), resets, open, reset, _end: end }
    }

    /// Resets every connection, and says how many there were when all of them are gone.
    fn reset(&self, how: Reset) -> usize {
        let (open, before) = (self.open.load(Ordering::SeqCst), self.reset.load(Ordering::SeqCst));
        // Nobody hears it where none is open.
        let heard = self.resets.send(how).unwrap_or(0);
        soon("the connections are reset", Duration::from_secs(5), || {
            self.reset.load(Ordering::SeqCst) >= before + heard.min(open)
        });
        open
    }
}

async fn pass(
    mut client: TcpStream,
    broker: u16,
    mut resets: broadcast::Receiver<Reset>,
    (open, reset): (Arc<AtomicUsize>, Arc<AtomicUsize>),
    kept: Arc<Mutex<Vec<TcpStream>>>,
) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", broker)).await else { return };
    open.fetch_add(1, Ordering::SeqCst);
    let how = tokio::select! {
        how = resets.recv() => how.ok(),
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => None,
    };
    open.fetch_sub(1, Ordering::SeqCst);
    if let Some(how) = how {
        client.set_zero_linger().expect("set");
        match how {
            Reset::Both => {
                server.set_zero_linger().expect("set");
                drop(server);
            }
            Reset::Client => kept.lock().expect("kept").push(server), // and never read again
        }
        drop(client);
        reset.fetch_add(1, Ordering::SeqCst);
    }
}

/// Nodes behind a proxy, with some work always left to do.
struct Busy {
    proxy: Proxy,
    direct: Cluster,
    cluster: Cluster,
    published: usize,
    runs: Vec<String>,
}

const NODES: usize = 2;

impl Busy {
    fn start(vhost: &Vhost) -> Self {
        let proxy = Proxy::to(vhost.port());
        let graph = diamond_of(30, 4);
        // The same folder by two ways: verbs go straight to the broker, nodes through the proxy.
        let mut cluster = Cluster::at(&graph, vhost.url_at(proxy.port));
        let direct = cluster.beside(vhost.url());
        cluster.nodes(NODES, &["--heartbeat", "2s"]);
        Self { proxy, direct, cluster, published: 0, runs: Vec::new() }
    }

    fn keep_busy(&mut self) {
        let started = self.cluster.count("start\tbase\t");
        if self.published.saturating_sub(started) < 200 {
            let first = self.published;
            self.direct.ids((first..first + 500).map(|n| format!("t-{n:06}")));
            let published = self.direct.call(&["--json", "publish", "g.yaml", "--ids", "ids"]).ends(0).last();
            self.runs.push(published["run"].as_str().expect("a run").to_owned());
            self.published += 500;
        }
    }

    /// Resets, and says after how long every node took and published something again.
    fn reset(&mut self, how: Reset) -> Duration {
        let open = self.proxy.reset(how);
        let before: Vec<(usize, usize)> = (0..NODES).map(|node| self.progress(node)).collect();
        let reset = Instant::now();
        soon(&format!("work again, after {open} connections were reset"), Duration::from_secs(20), || {
            (0..NODES).all(|node| {
                let (starts, passes) = self.progress(node);
                starts > before[node].0 && passes > before[node].1
            })
        });
        reset.elapsed()
    }

    fn progress(&self, node: usize) -> (usize, usize) {
        (self.cluster.count_of(node, "start\t"), self.cluster.count_of(node, "pass\t"))
    }

    /// Everything published is made, whole and once, but for what was in hand.
    fn ends_well(&self, resets: usize) {
        for run in &self.runs {
            soon(&format!("{run} is made"), Duration::from_secs(120), || {
                self.direct.call(&["runs", "check", "g.yaml", run]).code == Some(0)
            });
        }
        let (twice, made) = (self.cluster.twice(), self.published * 5);
        let broke: usize = (0..NODES).map(|node| self.cluster.log(node).matches("the broker is away").count()).sum();
        println!("{made} works, {twice} of them twice; the broker was away {broke} times");
        assert!(broke >= resets, "{broke} outages by {resets} resets of all");
        assert!(twice as usize * 100 <= made, "{twice} of {made} works were done twice");
    }
}

fn random_wait(number: u64) -> Duration {
    Duration::from_millis(xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes()) % 250)
}

#[test]
fn two_hundred_resets_lose_nothing_and_after_each_the_nodes_work_again_within_five_seconds() {
    let vhost = Vhost::new();
    let mut busy = Busy::start(&vhost);
    let mut longest = Duration::ZERO;
    for number in 0..200 {
        busy.keep_busy();
        std::thread::sleep(random_wait(number)); // a random moment of real work
        let took = busy.reset(Reset::Both);
        assert!(took < Duration::from_secs(5), "reset {number}: {took:?}");
        longest = longest.max(took);
    }
    println!("after a reset the nodes were at work again within {longest:?}");
    busy.ends_well(200);
}

#[test]
fn connections_that_vanish_for_the_nodes_alone_lose_nothing() {
    let vhost = Vhost::new();
    let mut busy = Busy::start(&vhost);
    let mut longest = Duration::ZERO;
    for number in 0..20 {
        busy.keep_busy();
        std::thread::sleep(random_wait(1000 + number)); // a random moment of real work
        longest = longest.max(busy.reset(Reset::Client));
    }
    println!("after a reset the nodes were at work again within {longest:?}");
    assert!(longest < Duration::from_secs(8), "{longest:?}"); // the broker must miss heartbeats first
    busy.ends_well(20);
}
