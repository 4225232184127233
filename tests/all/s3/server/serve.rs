//! The process of a server: it answers requests, does what its test says, and ends when that is gone.
//!
//! In a container (`tests/cluster/images`) it has an address of its own, its users stand in a file of SeaweedFS's form, and
//! it ends with SIGTERM; started again at the same folder, it has what it had.

use std::{io::BufRead, path::Path, sync::Arc, time::SystemTime};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use hyper::body::Incoming;
use hyper::header::DATE;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::signal::unix::{SignalKind, signal};

use super::memory::MemoryS3;
use super::switches::Switches;
use super::{BUCKET, ROLE, SECRET, USER};

/// Is a server for the rest of this process's life, if its environment says so.
pub fn serve_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (kind, folder) = role.split_once(' ').expect("a kind and a folder");
    let switches = Arc::new(Switches::default());
    let container = Container::of_environment();
    let memory = match &container {
        Some(_) => MemoryS3::kept_in(Path::new(folder), switches.clone()),
        None => MemoryS3::new(BUCKET, switches.clone()),
    };
    let mut service = match kind {
        "memory" => S3ServiceBuilder::new(memory.clone()),
        "folder" => S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a folder")),
        other => panic!("no such server: {other}"),
    };
    let (user, secret) = container.as_ref().map_or((USER.to_owned(), SECRET.to_owned()), Container::user);
    service.set_auth(SimpleAuth::from_single(user, secret));
    let (service, clock) = (service.build(), switches.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    if let Some(Container { address, .. }) = container {
        return runtime.block_on(async {
            let mut told = signal(SignalKind::terminate()).expect("signals are heard");
            tokio::select! {
                () = serve(&address, service, clock) => {}
                _ = told.recv() => {}
            }
        });
    }
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let answer = match line.split_once(' ') {
                Some(("seed", _)) => {
                    memory.seed(BUCKET, &line);
                    "ok".to_owned()
                }
                Some(("letters", _)) => {
                    memory.seed_letters(BUCKET, &line);
                    "ok".to_owned()
                }
                _ => switches.command(&line),
            };
            println!("answer {answer}");
        }
        std::process::exit(0); // the test is gone
    });
    runtime.block_on(serve("127.0.0.1:0", service, clock));
}

/// A server in a container.
struct Container {
    address: String,
    users: String,
}

impl Container {
    fn of_environment() -> Option<Self> {
        let of = |name: &str| std::env::var(format!("{ROLE}_{name}")).ok();
        Some(Self { address: of("ADDRESS")?, users: of("USERS").expect("a file of users") })
    }

    /// The first user and its secret.
    fn user(&self) -> (String, String) {
        let text = std::fs::read_to_string(&self.users).expect("the file of users");
        let users: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let key = &users["identities"][0]["credentials"][0];
        let of = |name: &str| key[name].as_str().expect("a text").to_owned();
        (of("accessKey"), of("secretKey"))
    }
}

/// What a server's clock says, as the header of an answer.
fn date(clock: &Switches) -> hyper::header::HeaderValue {
    let seconds = clock.now().duration_since(SystemTime::UNIX_EPOCH).expect("a time of ours").as_secs();
    let date = DateTime::from_secs(seconds as i64).fmt(DateTimeFormat::HttpDate).expect("a date");
    date.try_into().expect("plain letters and digits")
}

async fn serve(address: &str, service: S3Service, clock: Arc<Switches>) {
    let listener = tokio::net::TcpListener::bind(address).await.expect("a port");
    println!("listening {}", listener.local_addr().expect("an address").port());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).expect("an option");
        let (service, clock) = (service.clone(), clock.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let is_well = request.uri().path() == "/healthz"; // as SeaweedFS answers it
            let (answering, clock) = (Service::call(&service, request), clock.clone());
            async move {
                if is_well {
                    return Ok(Response::new(s3s::Body::empty()));
                }
                answering.await.map(|mut answer| {
                    answer.headers_mut().insert(DATE, date(&clock));
                    answer
                })
            }
        });
        tokio::spawn(async move {
            let mut connection = hyper::server::conn::http1::Builder::new();
            connection.timer(TokioTimer::new()).half_close(true);
            // A client that goes away is no fault of the server.
            connection.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}
