//! What stands between a client and a server, and breaks things: connections that are reset, answers that are cut off,
//! bytes that come slowly, nothing at all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// What goes wrong, set at any time.
#[derive(Default)]
pub struct Faults {
    /// Of a thousand pieces of an answer, how many end in a reset.
    pub resets: AtomicU64,
    /// Of a thousand pieces of an answer, how many are cut in the middle and the connection closed.
    pub cuts: AtomicU64,
    /// How long each piece of an answer is held back, in milliseconds.
    pub delay: AtomicU64,
    /// Whether nothing passes at all.
    pub silent: AtomicU64,
    dice: AtomicU64,
    /// How often something was broken.
    pub broken: AtomicU64,
}

/// Passes connections on to a server. Dropped, it ends.
pub struct Proxy {
    pub port: u16,
    pub faults: Arc<Faults>,
    _end: oneshot::Sender<()>,
}

impl Proxy {
    pub fn to(server: u16) -> Self {
        let (end, ended) = oneshot::channel();
        let (tell, port) = std::sync::mpsc::channel();
        let faults = Arc::new(Faults::default());
        let shared = faults.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send(listener.local_addr().expect("an address").port()).expect("told");
                let accepting = async {
                    loop {
                        let (client, _) = listener.accept().await.expect("a client");
                        tokio::spawn(pass(client, server, shared.clone()));
                    }
                };
                tokio::select! {
                    () = accepting => {}
                    _ = ended => {}
                }
            });
        });
        Self { port: port.recv().expect("a port"), faults, _end: end }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What becomes of a piece of an answer.
enum Fate {
    Passed,
    Reset,
    Cut,
}

impl Faults {
    /// Waits for as long as nothing passes.
    async fn silence(&self) {
        while self.silent.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn fate(&self) -> Fate {
        // Evenly spread and the same every time.
        let thrown = (self.dice.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 1000;
        let (resets, cuts) = (self.resets.load(Ordering::Relaxed), self.cuts.load(Ordering::Relaxed));
        let fate = match thrown {
            thrown if thrown < resets => Fate::Reset,
            thrown if thrown < resets + cuts => Fate::Cut,
            _ => return Fate::Passed,
        };
        self.broken.fetch_add(1, Ordering::Relaxed);
        fate
    }
}

async fn pass(mut client: TcpStream, server: u16, faults: Arc<Faults>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        // Either side may end at any time; then so does the other.
        let piece = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(read @ 1..) => {
                    faults.silence().await;
                    server.write_all(&asked[..read]).await
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(read @ 1..) => {
                    faults.silence().await;
                    tokio::time::sleep(Duration::from_millis(faults.delay.load(Ordering::Relaxed))).await;
                    match faults.fate() {
                        Fate::Passed => client.write_all(&answered[..read]).await,
                        Fate::Reset => {
                            client.set_zero_linger().expect("set");
                            return;
                        }
                        Fate::Cut => {
                            client.write_all(&answered[..read / 2]).await.ok();
                            return;
                        }
                    }
                }
                _ => return,
            },
        };
        if piece.is_err() {
            return;
        }
    }
}
