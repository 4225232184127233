//! Who is let in, and what every response says of how it may be used.

use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
    ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;

use crate::query::{Query, address};
use crate::settings::Admission;
use crate::shared::Shared;

/// What a page may load: what this server has, and no script or style that stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The cookie that holds the token.
const TOKEN_COOKIE: &str = "euterpe_token";
/// Where a browser says from which site a request comes.
const FETCH_SITE: &str = "sec-fetch-site";

/// Lets a request through, or answers it.
pub(crate) async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(shared) = request.app_data::<actix_web::web::Data<Shared>>().cloned() else {
        let refused = HttpResponse::InternalServerError().finish();
        return Ok(request.into_response(refused).map_into_right_body());
    };
    if let Some(refused) = refusal(&request, &shared) {
        let mut response = request.into_response(refused);
        secure(response.headers_mut());
        return Ok(response.map_into_right_body());
    }
    shared.seen();
    let mut response = next.call(request).await?;
    secure(response.headers_mut());
    Ok(response.map_into_left_body())
}

/// What every response says, unless it says so itself.
fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Without any, browsers name no site where a form is sent, and it is taken for one of another site.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn refusal(request: &ServiceRequest, shared: &Shared) -> Option<HttpResponse> {
    let said = |status, text: &str| {
        Some(HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(format!("{text}\n")))
    };
    let writes = match *request.method() {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return said(StatusCode::METHOD_NOT_ALLOWED, "only GET, HEAD and POST are known here"),
    };
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = header(HOST.as_str()).unwrap_or_default();
    match &shared.admission {
        Admission::Loopback if !is_this_machine(host) => {
            return said(
                StatusCode::MISDIRECTED_REQUEST,
                "this server answers on this machine alone, by the names localhost, 127.0.0.1 and [::1]; \
                 `euterpe ui --listen ADDRESS` serves others",
            );
        }
        Admission::Loopback => {}
        Admission::Token(token) => {
            let query = Query::of(request.query_string());
            if query.get("token").is_some_and(|sent| is_same(sent, token)) && !writes {
                return Some(with_cookie(request.path(), &query, token));
            }
            let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
            if !bearer.is_some_and(|sent| is_same(sent, token))
                && !cookies(request.headers()).any(|sent| is_same(sent, token))
            {
                return said(
                    StatusCode::UNAUTHORIZED,
                    "open the link with the token that `euterpe ui` printed when it began",
                );
            }
        }
        Admission::Header(name) => {
            if header(name).is_none_or(|value| value.trim().is_empty()) {
                return said(StatusCode::UNAUTHORIZED, "the proxy before this server has to name who asks");
            }
        }
    }
    // Another site may lead here, and embed nothing from here.
    let is_led = header("sec-fetch-mode") == Some("navigate");
    if header(FETCH_SITE) == Some("cross-site") && !writes && !is_led {
        return said(StatusCode::FORBIDDEN, "other sites may link to this server, and embed nothing of it");
    }
    if writes && shared.read_only {
        return said(StatusCode::FORBIDDEN, "this server only shows: it was started with --read-only");
    }
    // A browser names the site that a form stands on; what is no browser names none, and needs the token of the form.
    let other_site = header(ORIGIN.as_str())
        .is_some_and(|origin| origin.split_once("://").is_none_or(|(_, site)| !site.eq_ignore_ascii_case(host)))
        || header(FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if writes && other_site {
        return said(StatusCode::FORBIDDEN, "a form of another site may start nothing here");
    }
    None
}

/// Keeps the token in a cookie and leads to the same page without it in its address.
fn with_cookie(path: &str, query: &Query, token: &str) -> HttpResponse {
    let id = query.text("id");
    HttpResponse::SeeOther()
        .insert_header((SET_COOKIE, format!("{TOKEN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict")))
        .insert_header((LOCATION, address(if path.starts_with("//") { "/" } else { path }, &[("id", &id)])))
        .finish()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == TOKEN_COOKIE).map(|(_, value)| value)
}

/// Whether a name means this machine: another one is a name that somebody made lead here. The port may be that of a tunnel.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name.to_ascii_lowercase().as_str(), "localhost" | "127.0.0.1" | "[::1]")
}

/// Compares secrets in a time that tells nothing of them.
pub(crate) fn is_same(sent: &str, secret: &str) -> bool {
    blake3::hash(sent.as_bytes()) == blake3::hash(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_few_names() {
        for host in ["localhost:8420", "127.0.0.1:8420", "[::1]:8420", "LocalHost:1", "[::1]", "localhost"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example:8420",
            "127.0.0.1.evil.example:8420",
            "localhost.:8420",
            "localhost:x",
            "[::2]:1",
            ":8420",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
