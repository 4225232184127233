//! What is started from pages, and what changes while they are shown.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::{Pages, chain};

#[test]
fn a_dead_letter_is_tried_again_from_a_page_until_it_is_made() {
    let pages = Pages::of(chain(), "");
    let shown = pages.page("/command?do=retry&job=b&reason=failed");
    assert!(shown.contains("euterpe dead retry --job b --reason failed g.yaml"), "{shown}");
    assert!(shown.contains("What it would do") && !pages.bench.has("out/c/y.txt"), "nothing is done before it is said");
    pages.bench.write("fix/y", "fixed");
    let answer = pages.send("/command?do=retry&job=b", "/command", "do=retry&job=b&reason=failed");
    assert_eq!((answer.status, answer.header("location")), (303, "/commands#command-1"), "{}", answer.text());
    let ended = pages.until("/commands", |page| page.contains("ended well"));
    assert!(ended.contains("dead retry --job b"), "{ended}");
    let overview = pages.until("/dead", |page| page.contains("Nothing failed for good"));
    assert!(!overview.contains("badge dead"), "{overview}");
    assert!(!pages.page("/entity?id=y").contains("Failed for good"));
}

#[test]
fn what_is_started_says_so_when_it_fails_and_can_be_stopped() {
    let bench = chain();
    let slow = bench.read("g.yaml").replace("jobs:", "jobs:\n  slow: {use: command, with: {argv: [sh, -c, \"sleep 600; cp {input} {output}\"]}, in: {x: \"in:{id}.txt\"}, out: \"out:slow/{id}.txt\"}");
    bench.write("g.yaml", &slow);
    let pages = Pages::of(bench, "");
    let answer = pages.send("/command?do=run&job=slow", "/command", "do=run&job=slow&id=x");
    assert_eq!(answer.status, 303, "{}", answer.text());
    pages.until("/commands", |page| page.contains("at work"));
    // Another one finds the state taken, and says by whom.
    pages.send("/command?do=run", "/command", "do=run");
    pages.until("/commands", |page| page.contains("failed (exit 1)"));
    assert_eq!(pages.send("/command?do=run", "/interrupt", "number=1").status, 303);
    // The first time it finishes what is in hand, as ctrl-c does.
    pages.until("/commands", |page| page.contains("once more to stop now"));
    assert_eq!(pages.send("/command?do=run", "/interrupt", "number=1").status, 303);
    pages.until("/commands", |page| page.contains("was stopped (exit 130)"));
    for (path, wrong) in [("/command?do=gc", 400), ("/command?do=drop", 400), ("/command?do=retry&job=-n", 400)] {
        assert_eq!(pages.get(path).status, wrong, "{path}");
    }
}

#[test]
fn news_comes_to_who_listens_and_the_graph_file_is_followed() {
    let pages = Pages::of(chain(), "");
    pages.page("/");
    let mut stream = TcpStream::connect(&pages.address).expect("a connection");
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
    assert!(lines.next().expect("a line").contains("200"));
    pages.bench.write("in/new.txt", "new");
    assert!(lines.any(|line| line.starts_with("data: ")));
    pages.until("/browse", |page| page.contains(">new</bdi>"));
    let graph = pages.bench.read("g.yaml");
    pages.bench.write("g.yaml", &graph.replace("graph:", "graf:"));
    let page = pages.until("/", |page| page.contains("no longer up to date"));
    assert!(page.contains("the graph file is not valid") && page.contains("<h1>Overview</h1>"), "{page}");
    pages.bench.write("g.yaml", &graph.replace("graph: ", "graph: other-"));
    pages.until("/", |page| page.contains("other-") && !page.contains("no longer up to date"));
}
