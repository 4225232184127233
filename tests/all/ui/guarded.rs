//! Who is let in, and what hostile requests get.

use super::{Pages, ask, chain, raw};

/// What stands in a file outside of the stores, and may never be sent.
const SECRET: &str = "the-secret-of-the-house";

fn pages(flags: &str) -> Pages {
    let bench = chain();
    bench.write("secret.txt", SECRET);
    bench.write("in/secret", SECRET);
    let pages = Pages::of(bench, flags);
    pages.page("/");
    pages
}

#[test]
fn nothing_is_started_without_the_token_of_a_form_of_our_own() {
    let pages = pages("");
    let page = pages.page("/command?do=run");
    let token =
        page.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
    for body in ["", "do=run", "do=run&form_token=", "do=run&form_token=0123456789abcdef0123456789abcdef"] {
        assert_eq!(pages.post("/command", body).status, 403, "{body}");
        assert_eq!(pages.post("/interrupt", body).status, 403, "{body}");
    }
    let good = format!("do=run&form_token={token}");
    let own = format!("http://{}", pages.address);
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        assert_eq!(ask(&pages.address, "POST", "/command", &[(name, value)], &good).status, 403, "{name}: {value}");
    }
    assert!(pages.page("/commands").contains("Nothing was started"));
    let answer = ask(&pages.address, "POST", "/command", &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")], &good);
    assert_eq!(answer.status, 303, "{}", answer.text());
    // What another site embeds is not even drawn or forecast.
    let embedded = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    assert_eq!(ask(&pages.address, "GET", "/command?do=run", &embedded, "").status, 403);
}

#[test]
fn a_server_that_only_shows_starts_nothing() {
    let pages = pages("--read-only");
    for path in ["/", "/dead", "/dead?job=b", "/entity?id=y", "/command?do=run"] {
        let page = pages.page(path);
        assert!(!page.contains("method=\"post\"") && !page.contains("Try again"), "{path}: {page}");
    }
    assert_eq!(pages.post("/command", "do=run").status, 403);
}

#[test]
fn beyond_this_machine_nobody_is_let_in_without_the_token() {
    let mut pages = pages_with_token("--token 0123456789abcdefXYZ");
    let first = pages.get("/");
    assert_eq!(first.status, 401, "{}", first.text());
    let link = pages.link.split_once(&pages.address).expect("its address").1.to_owned();
    assert_eq!(link, "/?token=0123456789abcdefXYZ");
    let led = pages.get("/entity?id=a+b%26c&token=0123456789abcdefXYZ");
    assert_eq!((led.status, led.header("location")), (303, "/entity?id=a%20b%26c"));
    let cookie = led.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    assert!(led.header("set-cookie").contains("HttpOnly") && led.header("set-cookie").contains("SameSite=Strict"));
    for (name, value, status) in [
        ("Cookie", cookie.as_str(), 200),
        ("Authorization", "Bearer 0123456789abcdefXYZ", 200),
        ("Cookie", "euterpe_token=0123456789abcdefXY", 401),
        ("Authorization", "Bearer ", 401),
        ("Cookie", "other=1", 401),
    ] {
        assert_eq!(ask(&pages.address, "GET", "/", &[(name, value)], "").status, status, "{name}: {value}");
    }
    pages = pages_with_token("--trusted-header X-Forwarded-User");
    assert_eq!(pages.get("/").status, 401);
    assert_eq!(ask(&pages.address, "GET", "/", &[("X-Forwarded-User", "mia")], "").status, 200);
    let bench = chain();
    let wrong = bench.call("ui g.yaml --listen 0 --token short").ends(2);
    assert!(wrong.err.contains("at least 16"), "{wrong:?}");
}

fn pages_with_token(flags: &str) -> Pages {
    Pages::of(chain(), flags)
}

#[test]
fn two_hundred_hostile_requests_are_refused_or_harmless() {
    let pages = pages("");
    let host = pages.address.clone();
    let mut answers = Vec::new();
    let up = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..\\",
        "..%5c",
        "....//",
        "%252e%252e%252f",
        "/",
        "%00",
        "file:///",
        "~/",
    ];
    let files = ["secret.txt", "g.yaml", "etc/passwd", ".euterpe/x"];
    for way in up {
        for file in files {
            let path = format!("{}{file}", way.repeat(4));
            for at in [
                format!("/{path}"),
                format!("/object?id={path}&job=a"),
                format!("/object?id=x&job={path}"),
                format!("/drawn/heat?id={path}&job=a"),
            ] {
                answers.push((at.clone(), ask(&host, "GET", &at, &[], "")));
            }
        }
    }
    for method in [
        "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "MKCOL", "COPY", "MOVE", "LOCK", "SEARCH",
        "x",
    ] {
        answers.push((method.to_owned(), ask(&host, method, "/", &[], "")));
    }
    for foreign in
        ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "", "a b", "[::2]"]
    {
        let answer = ask(&host, "GET", "/", &[("Host", foreign)], "");
        assert!([400, 421].contains(&answer.status), "{foreign}: {}", answer.status);
        answers.push((foreign.to_owned(), answer));
    }
    for query in [
        "id=".to_owned() + &"a".repeat(3000),
        "id=%ff%fe".into(),
        "id=a%0d%0aSet-Cookie:x".into(),
        "id=a&id=b&job=%27%22%3Cscript%3E".into(),
        "&&&===&&".into(),
        "page=-1".into(),
        "page=99999999999999999999".into(),
        "text=%28%5B".into(),
    ] {
        for path in
            ["/entity", "/browse", "/dead", "/runs", "/run", "/object", "/api/entities", "/api/letters", "/compare"]
        {
            let at = format!("{path}?{query}");
            answers.push((at.clone(), ask(&host, "GET", &at, &[], "")));
        }
    }
    for bytes in [
        &b"GET / HTTP/9.9\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        b"POST /command HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\nabc",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"G",
    ] {
        answers.push((String::from_utf8_lossy(bytes).into_owned(), raw(&host, bytes)));
    }
    let large = format!("do=run&id={}", "a".repeat(1 << 20));
    answers.push(("oversized".into(), pages.post("/command", &large)));
    let headers = "x".repeat(200_000);
    answers.push(("headers".into(), ask(&host, "GET", "/", &[("X-Large", &headers)], "")));
    assert!(answers.len() >= 200, "{}", answers.len());
    for (what, answer) in &answers {
        let text = answer.text();
        assert!(answer.status < 500, "{what}: {} {text}", answer.status);
        assert!(!text.contains(SECRET) && !text.contains("root:"), "{what}: {text}");
        let is_page = answer.header("content-type").starts_with("text/html");
        assert!(!(is_page && text.contains("<script>")) && answer.header("set-cookie").is_empty(), "{what}: {text}");
    }
    assert!(pages.page("/").contains("<h1>Overview</h1>"), "it goes on");
}

/// The slow ones are let go after the time that a browser has; meanwhile others are served.
#[test]
fn slow_clients_keep_nobody_waiting() {
    use std::io::Write;
    let pages = pages("");
    let slow: Vec<_> = (0..300)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(&pages.address).expect("a connection");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").expect("sent");
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(pages.get("/").status, 200);
    }
    drop(slow);
}
