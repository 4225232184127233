//! A small S3 in memory for the tests of this crate: what it answers to a request, a test may decide.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::settings::{S3Settings, Tuning};
use super::storage::S3Storage;

/// A request as it came, headers in small letters.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub method: String,
    /// Below the bucket, without the query; empty for the bucket itself.
    pub key: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// An answer: status, headers, body.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// An answer with an error body, as S3 gives it.
pub(super) fn refusal(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>it says {code}</Message></Error>");
    Answer { status, body, ..Answer::default() }
}

/// An answer that a proxy gives which does not speak S3.
pub(super) fn bare(status: u16) -> Answer {
    Answer { status, body: "default backend".into(), ..Answer::default() }
}

#[derive(Clone, Debug)]
struct Object {
    body: Vec<u8>,
    metadata: Vec<(String, String)>,
    etag: String,
}

/// What a test has decided about a request; nothing leaves it to the server.
type Decide = Arc<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

#[derive(Clone)]
pub(super) struct FakeServer {
    pub port: u16,
    decide: Arc<Mutex<Decide>>,
    objects: Arc<Mutex<BTreeMap<String, Object>>>,
    asked: Arc<Mutex<Vec<Request>>>,
    etags: Arc<AtomicU64>,
}

impl FakeServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let decide: Decide = Arc::new(|_| None);
        let server = Self {
            port,
            decide: Arc::new(Mutex::new(decide)),
            objects: Arc::default(),
            asked: Arc::default(),
            etags: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// Decides from now on.
    pub fn decides(&self, decide: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) {
        *self.decide.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(decide);
    }

    /// What it was asked since the last call.
    pub fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A store in its bucket.
    pub fn store(&self) -> S3Storage {
        let identity = Credentials::new("user", "secret", None, None, "test");
        S3Storage::new(S3Settings {
            bucket: "bucket".into(),
            prefix: String::new(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: Some("us-east-1".into()),
            scratch: std::env::temp_dir(),
            cache: None,
            identity: Some(SharedCredentialsProvider::new(identity)),
            tuning: Tuning {
                in_parts_from: 1 << 20,
                part: 1 << 19,
                tries: 2,
                round: Duration::ZERO,
                ..Tuning::default()
            },
        })
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let request = read(&mut stream).await?;
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            let decide = self.decide.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let answer = decide(&request).unwrap_or_else(|| self.answer(&request));
            let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
            let length = if request.method == "HEAD" { None } else { Some(answer.body.len().to_string()) };
            let length = length.map(|length| ("content-length".to_owned(), length));
            for (name, value) in answer.headers.iter().chain(&length) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.get_mut().write_all(format!("{head}\r\n").as_bytes()).await.ok()?;
            if request.method != "HEAD" {
                stream.get_mut().write_all(answer.body.as_bytes()).await.ok()?;
            }
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let ok = || Answer { status: 200, ..Answer::default() };
        let missing = || refusal(404, "NoSuchKey");
        let etag = || format!("\"{:032x}\"", self.etags.fetch_add(1, Ordering::Relaxed));
        let there = objects.get(&request.key).cloned();
        match (request.method.as_str(), request.query.as_str()) {
            ("HEAD", _) if request.key.is_empty() => ok(),
            ("GET", query) if query.contains("list-type=2") => {
                let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or("");
                let prefix = prefix.replace("%2F", "/");
                let keys = objects.keys().filter(|key| key.starts_with(&prefix));
                let keys: String = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
                Answer { body: format!("<ListBucketResult>{keys}</ListBucketResult>"), ..ok() }
            }
            ("POST", "uploads" | "uploads=") => Answer {
                body: "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>".into(),
                ..ok()
            },
            ("PUT", query) if query.contains("partNumber=") => {
                Answer { headers: vec![("etag".into(), etag())], ..ok() }
            }
            ("POST", query) if query.contains("uploadId=") => {
                let etag = etag();
                objects
                    .insert(request.key.clone(), Object { body: Vec::new(), metadata: Vec::new(), etag: etag.clone() });
                let body = format!(
                    "<CompleteMultipartUploadResult><ETag>{}</ETag></CompleteMultipartUploadResult>",
                    etag.replace('"', "&quot;")
                );
                Answer { body, ..ok() }
            }
            ("PUT", _) => {
                let refused = match (request.header("if-none-match"), request.header("if-match"), &there) {
                    ("*", _, Some(_)) => true,
                    (_, wanted, there) => !wanted.is_empty() && there.as_ref().is_none_or(|there| there.etag != wanted),
                };
                if refused {
                    return refusal(412, "PreconditionFailed");
                }
                let metadata = request.headers.iter().filter(|(name, _)| name.starts_with("x-amz-meta-"));
                let metadata = metadata.map(|(name, value)| (name.clone(), value.clone())).collect();
                let etag = etag();
                let object = Object { body: request.body.clone(), metadata, etag: etag.clone() };
                objects.insert(request.key.clone(), object);
                Answer { headers: vec![("etag".into(), etag)], ..ok() }
            }
            ("DELETE", _) => {
                objects.remove(&request.key);
                Answer { status: 204, ..Answer::default() }
            }
            (_, _) => match there {
                None => missing(),
                Some(Object { body, mut metadata, etag }) => {
                    metadata.push(("etag".into(), etag));
                    if request.method == "HEAD" {
                        metadata.push(("content-length".into(), body.len().to_string()));
                    }
                    Answer { status: 200, headers: metadata, body: String::from_utf8_lossy(&body).into_owned() }
                }
            },
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let key = path.trim_start_matches('/').strip_prefix("bucket").unwrap_or(path).trim_start_matches('/');
    Some(Request { method, key: key.to_owned(), query: query.to_owned(), headers, body })
}
