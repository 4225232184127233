//! The process of a server: it answers requests, does what its test says, and ends when that is gone.

use std::{io::BufRead, sync::Arc, time::SystemTime};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use hyper::header::DATE;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use super::memory::MemoryS3;
use super::switches::Switches;
use super::{BUCKET, ROLE, SECRET, USER};

/// Is a server for the rest of this process's life, if its environment says so.
pub fn serve_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (kind, folder) = role.split_once(' ').expect("a kind and a folder");
    let switches = Arc::new(Switches::default());
    let memory = MemoryS3::new(BUCKET, switches.clone());
    let mut service = match kind {
        "memory" => S3ServiceBuilder::new(memory.clone()),
        "folder" => S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a folder")),
        other => panic!("no such server: {other}"),
    };
    service.set_auth(SimpleAuth::from_single(USER, SECRET));
    let (service, clock) = (service.build(), switches.clone());
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let answer = match line.starts_with("seed ") {
                true => {
                    memory.seed(BUCKET, &line);
                    "ok".to_owned()
                }
                false => switches.command(&line),
            };
            println!("answer {answer}");
        }
        std::process::exit(0); // the test is gone
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(serve(service, clock));
}

/// What a server's clock says, as the header of an answer.
fn date(clock: &Switches) -> hyper::header::HeaderValue {
    let seconds = clock.now().duration_since(SystemTime::UNIX_EPOCH).expect("a time of ours").as_secs();
    let date = DateTime::from_secs(seconds as i64).fmt(DateTimeFormat::HttpDate).expect("a date");
    date.try_into().expect("plain letters and digits")
}

async fn serve(service: S3Service, clock: Arc<Switches>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("listening {}", listener.local_addr().expect("an address").port());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).expect("an option");
        let (service, clock) = (service.clone(), clock.clone());
        let service = service_fn(move |request| {
            let (answering, clock) = (Service::call(&service, request), clock.clone());
            async move {
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
