//! Where traces go and which: the flag `--otlp`, and the variables that OpenTelemetry gives a meaning to.

use std::time::Duration;

use euterpe_actors::trace::Sampling;
use euterpe_engine::Mistake;
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

/// Where traces go and which.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// Where requests are sent.
    pub url: Uri,
    /// What each request says beside its body, such as a password.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whose spans they are.
    pub resource: Vec<(String, String)>,
    /// Which traces are recorded.
    pub sampling: Sampling,
    /// How long a request may take.
    pub timeout: Duration,
}

/// The value of a variable; one that is set to nothing is as good as unset.
type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

impl TraceSettings {
    /// As the flag says, where it was typed, or the variables; none where no traces are asked for.
    ///
    /// # Errors
    /// What of them cannot be read.
    pub fn read(typed: Option<&str>, variable: Variables<'_>) -> Result<Option<Self>, Mistake> {
        let Some(url) = endpoint(typed, variable)? else { return Ok(None) };
        let mut headers = Vec::new();
        for (name, value) in pairs("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", variable)? {
            // The value may be a password, and is not shown.
            let bad =
                |what: &str| Mistake(format!("OTEL_EXPORTER_OTLP_HEADERS: {what} of `{name}` cannot stand in HTTP"));
            let of_http = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("the name"))?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| bad("the value"))?;
            value.set_sensitive(true);
            headers.push((of_http, value));
        }
        let mut resource = pairs("OTEL_RESOURCE_ATTRIBUTES", "", variable)?;
        let named = resource.iter().position(|(key, _)| key == "service.name").map(|at| resource.remove(at).1);
        let name = variable("OTEL_SERVICE_NAME").or(named).unwrap_or_else(|| "euterpe".into());
        resource.push(("service.name".into(), name));
        if !resource.iter().any(|(key, _)| key == "service.version") {
            resource.push(("service.version".into(), env!("CARGO_PKG_VERSION").into()));
        }
        Ok(Some(Self { url, headers, resource, sampling: sampling(variable)?, timeout: timeout(variable)? }))
    }
}

/// Where traces are sent. What is typed goes before the variable for traces, and that one before the one for all signals.
fn endpoint(typed: Option<&str>, variable: Variables<'_>) -> Result<Option<Uri>, Mistake> {
    let is_off = variable("OTEL_TRACES_EXPORTER").is_some_and(|exporter| exporter == "none")
        || variable("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true"));
    let whole = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let base = |url: &str| format!("{}/v1/traces", url.trim_end_matches('/'));
    let (name, url, text) = match (typed, whole) {
        (Some(typed), _) => ("--otlp", base(typed), typed.to_owned()),
        (None, _) if is_off => return Ok(None),
        (None, Some(whole)) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole.clone(), whole),
        (None, None) => match variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            Some(all) => ("OTEL_EXPORTER_OTLP_ENDPOINT", base(&all), all),
            None => return Ok(None),
        },
    };
    let bad = |why: &str| {
        Mistake(format!("{name}: `{text}` {why}; write the address of a collector, such as http://127.0.0.1:4318"))
    };
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(bad("begins with neither http:// nor https://"));
    }
    let uri: Uri = url.parse().map_err(|_| bad("is no URL"))?;
    match uri.authority() {
        // Not shown: it holds a password.
        Some(place) if place.as_str().contains('@') => Err(Mistake(format!(
            "{name}: no user and password can stand in the address; OTEL_EXPORTER_OTLP_HEADERS takes what a collector \
             wants to see, such as authorization=Basic%20dXNlcjpwYXNz"
        ))),
        Some(_) => Ok(Some(uri)),
        None => Err(bad("names no machine")),
    }
}

/// Pairs as `key=value,key=value`, with `%20` for a space and so on; of two variables the second goes before the first.
fn pairs(name: &str, first: &str, variable: Variables<'_>) -> Result<Vec<(String, String)>, Mistake> {
    let text = variable(first).or_else(|| variable(name)).unwrap_or_default();
    let written = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    written
        .map(|pair| {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| Mistake(format!("{name}: write key=value,key=value")))?;
            let decoded = decoded(value.trim()).ok_or_else(|| {
                Mistake(format!("{name}: the value of `{key}` is not well written; %25 stands for %"))
            })?;
            Ok((key.trim().to_owned(), decoded))
        })
        .collect()
}

/// A text in which `%` and two digits stand for a byte.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// Which traces are recorded, as `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say. A share without a sampler means the
/// usual one.
fn sampling(variable: Variables<'_>) -> Result<Sampling, Mistake> {
    let share = match variable("OTEL_TRACES_SAMPLER_ARG") {
        None => 1.0,
        Some(text) => match text.trim().parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => share,
            _ => {
                return Err(Mistake(format!(
                    "OTEL_TRACES_SAMPLER_ARG: `{text}` is no share; write a number from 0 to 1"
                )));
            }
        },
    };
    let (follows_parent, share) = match variable("OTEL_TRACES_SAMPLER").as_deref().map(str::trim) {
        None | Some("parentbased_traceidratio") => (true, share),
        Some("parentbased_always_on") => (true, 1.0),
        Some("parentbased_always_off") => (true, 0.0),
        Some("always_on") => (false, 1.0),
        Some("always_off") => (false, 0.0),
        Some("traceidratio") => (false, share),
        Some(other) => {
            return Err(Mistake(format!(
                "OTEL_TRACES_SAMPLER: `{other}` is not known; write always_on, always_off, traceidratio, or one of them after parentbased_"
            )));
        }
    };
    Ok(Sampling { follows_parent, share })
}

/// How long a request may take.
fn timeout(variable: Variables<'_>) -> Result<Duration, Mistake> {
    match variable("OTEL_EXPORTER_OTLP_TIMEOUT") {
        None => Ok(Duration::from_secs(10)),
        Some(text) => match text.trim().parse::<u64>() {
            Ok(millis) if millis > 0 => Ok(Duration::from_millis(millis)),
            _ => Err(Mistake(format!(
                "OTEL_EXPORTER_OTLP_TIMEOUT: `{text}` is no time; write milliseconds, such as 10000"
            ))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, String> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        TraceSettings::read(typed, &variable).map_err(|mistake| mistake.to_string())
    }

    #[track_caller]
    fn url(typed: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        read(typed, variables).expect("read").map(|settings| settings.url.to_string())
    }

    #[test]
    fn what_is_typed_goes_before_the_variable_for_traces_and_that_before_the_one_for_all_signals() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all:4318/base/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/as/it/is");
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[all]).as_deref(), Some("https://all:4318/base/v1/traces"));
        assert_eq!(url(None, &[all, traces]).as_deref(), Some("http://traces:1/as/it/is"));
        assert_eq!(url(Some("http://typed:4318"), &[all, traces]).as_deref(), Some("http://typed:4318/v1/traces"));
        for off in [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "TRUE")] {
            assert_eq!(url(None, &[all, traces, off]), None);
            assert!(url(Some("http://typed:4318"), &[off]).is_some());
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_no_password_is_shown() {
        let wrong = |typed: &str| read(Some(typed), &[]).expect_err(typed);
        assert!(wrong("localhost:4318").contains("neither http:// nor https://"), "{}", wrong("localhost:4318"));
        assert!(wrong("grpc://x:4317").contains("such as http://127.0.0.1:4318"));
        assert!(wrong("http://a b").contains("is no URL"));
        let secret = wrong("http://user:secret@x:4318");
        assert!(secret.contains("OTEL_EXPORTER_OTLP_HEADERS") && !secret.contains("secret"), "{secret}");
        for (name, value) in [
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_RESOURCE_ATTRIBUTES", "no pair"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c"),
        ] {
            let why = read(Some("http://x"), &[(name, value)]).expect_err(value);
            assert!(why.starts_with(name), "{why}");
        }
    }

    #[test]
    fn headers_attributes_and_the_share_are_those_of_the_variables() {
        let settings = read(
            Some("http://x:4318"),
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20dXNlcg==, x-scope=a"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment=test"),
                ("OTEL_SERVICE_NAME", "jobs"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ],
        );
        let settings = settings.expect("read").expect("asked for");
        let headers: Vec<_> = settings.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("authorization", &b"Basic dXNlcg=="[..]), ("x-scope", b"a")]);
        let names: Vec<_> = settings.resource.iter().filter(|(key, _)| key == "service.name").collect();
        assert_eq!(names, [&("service.name".to_owned(), "jobs".to_owned())]);
        assert!(settings.resource.contains(&("deployment.environment".into(), "test".into())));
        assert_eq!(settings.sampling, Sampling { follows_parent: true, share: 0.25 });
    }
}
