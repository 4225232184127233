//! Spans as the bytes of OTLP: the messages of `opentelemetry/proto/collector/trace/v1/trace_service.proto`, as far as we
//! write and read them. The numbers of the fields are the standard's.

use std::time::{SystemTime, UNIX_EPOCH};

use euterpe_engine::{Attribute, Span, SpanKind};
use prost::Message;

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "OneValue", tags = "1, 2, 3")]
    value: Option<OneValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum OneValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Whole(i64),
}

/// `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

/// The body of a request with these spans. `resource` says whose they are.
pub fn request(spans: &[Span], resource: &[(String, String)]) -> Vec<u8> {
    let text = |(key, value): &(String, String)| pair(key, &Attribute::Text(value.clone()));
    let scope = Scope { name: "euterpe".into(), version: env!("CARGO_PKG_VERSION").into() };
    let spans = ScopeSpans { scope: Some(scope), spans: spans.iter().map(wire_span).collect() };
    let resource = Resource { attributes: resource.iter().map(text).collect() };
    let of_one = ResourceSpans { resource: Some(resource), scope_spans: vec![spans] };
    Request { resource_spans: vec![of_one] }.encode_to_vec()
}

/// How many spans a collector refused, as its answer says, and why; none where the answer says nothing of that.
pub fn refused(answer: &[u8]) -> Option<(u64, String)> {
    let PartialSuccess { rejected_spans, error_message } = Response::decode(answer).ok()?.partial_success?;
    let count = u64::try_from(rejected_spans).ok()?;
    (count > 0).then_some((count, error_message))
}

fn wire_span(span: &Span) -> WireSpan {
    let id = |id: u64| id.to_be_bytes().to_vec();
    WireSpan {
        trace_id: span.context.trace.to_be_bytes().to_vec(),
        span_id: id(span.context.span),
        parent_span_id: span.parent.map(id).unwrap_or_default(),
        name: span.name.to_string(),
        kind: match span.kind {
            SpanKind::Internal => 1,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        },
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.end),
        attributes: span.attributes.iter().map(|(key, value)| pair(key, value)).collect(),
        status: span.error.as_ref().map(|error| Status { message: error.clone(), code: ERROR }),
        flags: u32::from(span.context.sampled),
    }
}

fn pair(key: &str, value: &Attribute) -> KeyValue {
    let value = match value {
        Attribute::Text(text) => OneValue::Text(text.clone()),
        Attribute::Flag(flag) => OneValue::Flag(*flag),
        Attribute::Whole(number) => OneValue::Whole(*number),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_many_spans_were_refused() {
        let answer = |rejected_spans| {
            let partial_success = Some(PartialSuccess { rejected_spans, error_message: "too old".into() });
            Response { partial_success }.encode_to_vec()
        };
        assert_eq!(refused(&answer(3)), Some((3, "too old".into())));
        assert_eq!((refused(&answer(0)), refused(b""), refused(b"<html>")), (None, None, None));
    }
}
