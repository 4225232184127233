//! A collector of traces in this process: it understands OTLP over HTTP, as protobuf, by the numbers that the standard gives
//! to the fields, and keeps what it was sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A span as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    pub trace: String,
    pub id: String,
    /// Empty for a root.
    pub parent: String,
    pub name: String,
    pub kind: u64,
    pub start: u64,
    pub end: u64,
    pub attributes: BTreeMap<String, String>,
    /// The message of the status, where that is an error.
    pub error: Option<String>,
    /// Whose it is.
    pub resource: BTreeMap<String, String>,
}

/// How a collector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Takes,
    /// It says that it is too busy.
    Busy,
    /// It says that it does not want that.
    Refuses,
    /// It never answers.
    Hangs,
}

/// A collector, and what it was sent.
pub struct Collector {
    pub url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let collector = Self { url, spans: Arc::default(), heads: Arc::default() };
        let (spans, heads) = (collector.spans.clone(), collector.heads.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, spans, heads) = (stream.expect("a connection"), spans.clone(), heads.clone());
                std::thread::spawn(move || serve(&stream, manner, &spans, &heads));
            }
        });
        collector
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("whole").clone()
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("whole").clone()
    }
}

/// Answers the requests of one connection.
fn serve(stream: &TcpStream, manner: Manner, spans: &Mutex<Vec<Span>>, heads: &Mutex<Vec<String>>) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return; // the sender has closed
            }
            if line == "\r\n" {
                break;
            }
            if let Some(("content-length", value)) = line.to_lowercase().trim().split_once(": ") {
                length = value.parse().expect("a length");
            }
            head += &line;
        }
        heads.lock().expect("whole").push(head);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        let status = match manner {
            Manner::Takes => {
                spans.lock().expect("whole").extend(spans_of(&body));
                "200 OK"
            }
            Manner::Busy => "503 Service Unavailable",
            Manner::Refuses => "400 Bad Request",
            Manner::Hangs => loop {
                std::thread::park();
            },
        };
        if write!(writer, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").is_err() {
            return; // the sender waits no more
        }
    }
}

/// A field of a protobuf message.
enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

impl<'b> Field<'b> {
    fn bytes(&self) -> &'b [u8] {
        match self {
            Field::Bytes(bytes) => bytes,
            Field::Number(number) => panic!("{number} where bytes should be"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Field::Number(number) => *number,
            Field::Bytes(bytes) => panic!("{bytes:?} where a number should be"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("text")
    }

    fn hexadecimal(&self) -> String {
        self.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The fields of a message with their numbers.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Number(u64::from_le_bytes(take(&mut bytes, 8).try_into().expect("eight"))),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length))
            }
            5 => Field::Number(u32::from_le_bytes(take(&mut bytes, 4).try_into().expect("four")).into()),
            other => panic!("a field of wire type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}

/// The messages in the fields of this number.
fn all(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter(move |(at, _)| *at == number).map(|(_, field)| field.bytes())
}

fn spans_of(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_one in all(request, 1) {
        let resource: BTreeMap<String, String> = all(of_one, 1).flat_map(|resource| pairs(resource, 1)).collect();
        for scope in all(of_one, 2) {
            spans.extend(all(scope, 2).map(|span| Span { resource: resource.clone(), ..span_of(span) }));
        }
    }
    spans
}

fn span_of(message: &[u8]) -> Span {
    let mut span = Span { attributes: pairs(message, 9), ..Span::default() };
    for (number, field) in fields(message) {
        match number {
            1 => span.trace = field.hexadecimal(),
            2 => span.id = field.hexadecimal(),
            4 => span.parent = field.hexadecimal(),
            5 => span.name = field.text(),
            6 => span.kind = field.number(),
            7 => span.start = field.number(),
            8 => span.end = field.number(),
            15 => {
                let status = fields(field.bytes());
                let is_error = status.iter().any(|(at, code)| *at == 3 && code.number() == 2);
                let text = status.iter().find(|(at, _)| *at == 2).map(|(_, text)| text.text());
                span.error = is_error.then(|| text.unwrap_or_default());
            }
            _ => {}
        }
    }
    span
}

/// The attributes in the fields of this number.
fn pairs(message: &[u8], number: u64) -> BTreeMap<String, String> {
    let pair = |pair: &[u8]| {
        let key = fields(pair).iter().find(|(at, _)| *at == 1).expect("a key").1.text();
        let value = all(pair, 2).next().expect("a value");
        let value = match fields(value).first() {
            Some((1, text)) => text.text(),
            Some((2 | 3, number)) => number.number().to_string(),
            _ => panic!("a value of another type"),
        };
        (key, value)
    };
    all(message, number).map(pair).collect()
}
