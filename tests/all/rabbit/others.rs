//! The manual's examples for other programs, taken out of it and really run, and what nodes make of their messages.

use std::{collections::BTreeSet, fs, time::Duration};

use super::cluster::Said;
use super::{Cluster, Vhost, soon};
use crate::venv::python_with;

const MANUAL: &str = include_str!("../../../docs/amqp.md");

/// The jobs that the examples name, with one more below them.
pub const CATALOGUE: &str = "version: 1
graph: catalogue
stores: {out: {url: ./out, fsync: false}}
defaults: {backoff: 100ms}
jobs:
  pcm:   {use: test.faulty, out: \"out:pcm/{id}.txt\"}
  mel:   {use: test.faulty, in: {p: pcm}, out: \"out:mel/{id}.txt\", pool: {workers: 8}}
  card:  {use: test.faulty, in: {m: mel}, out: \"out:card/{id}.txt\"}
  print: {use: test.faulty, in: {c: card}, out: \"out:print/{id}.txt\"}
";

/// The code of the manual's example in a language.
fn example(language: &str) -> &'static str {
    let (_, rest) = MANUAL.split_once(&format!("```{language}\n")).expect("the manual has one");
    rest.split_once("```").expect("it ends").0
}

fn waits_for(cluster: &Cluster, files: &[&str]) {
    let wanted: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
    soon(&format!("{files:?} and nothing else"), Duration::from_secs(60), || {
        cluster.names("out").into_iter().filter(|file| file.ends_with(".txt")).collect::<BTreeSet<_>>() == wanted
    });
}

#[test]
fn what_pika_publishes_by_the_manuals_example_is_made() {
    let python = python_with("pika", &["pika"]);
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(CATALOGUE, &vhost);
    cluster.node(&[]);
    let run = |cluster: &Cluster, script: &str| -> Said {
        fs::write(cluster.path("example.py"), script).expect("written");
        cluster.program(&python).arg("example.py").output().expect("Python").into()
    };
    run(&cluster, example("python")).ends(0);
    let mut made = vec!["pcm/t-1.txt", "mel/t-1.txt", "card/t-1.txt", "print/t-1.txt"];
    made.extend(["pcm/t-2.txt", "mel/t-2.txt", "card/t-2.txt"]); // bottom-up: not what is below the card
    waits_for(&cluster, &made);

    let (helper, _) = example("python").split_once("\n\npublish(").expect("a function, then its calls");
    let more = "
def publish_as(job, body, content_type):
    said = pika.BasicProperties(content_type=content_type, delivery_mode=pika.DeliveryMode.Persistent)
    channel.basic_publish('euterpe.catalogue', job, body, said, mandatory=True)


publish_as('mel', b't-3\\n', 'text/plain')
publish_as('card', b't-4', None)
publish_as('mel', b'{\"entity\": \"t-5\", \"when\": \"' + 3000 * b'now ' + b'\"}', 'application/json; charset=utf-8')
publish('card', {'entity': 't-6', 'mode': 'bottom_up'})
try:
    publish('mell', {'entity': 't-1'})
except pika.exceptions.UnroutableError:
    print('came back')
connection.close()
";
    let said = run(&cluster, &format!("{helper}\n{more}")).ends(0);
    assert_eq!(said.out.trim(), "came back");
    for id in ["t-3", "t-4"] {
        made.extend(["pcm", "mel", "card", "print"].map(|job| &*format!("{job}/{id}.txt").leak()));
    }
    made.extend(["pcm/t-6.txt", "mel/t-6.txt", "card/t-6.txt"]);
    waits_for(&cluster, &made);

    let show = ["--json", "dead", "show", "g.yaml", "--run", "inbox", "--reason", "malformed"];
    soon("the letter is there", Duration::from_secs(30), || !cluster.call(&show).out.is_empty());
    let letter = &cluster.call(&show).ends(0).last()["letter"];
    let body = letter["body"].as_str().expect("a body");
    assert!(body.starts_with("{\"entity\": \"t-5\", \"when\": \"now now") && body.len() == 1024, "{letter}");
    assert_eq!(letter["job"], "mel");
    assert!(letter["text"].as_str().is_some_and(|text| text.contains("`when`: no such key")), "{letter}");
    assert_eq!(letter["content_type"], "application/json; charset=utf-8");
    let text = cluster.call(&["dead", "show", "g.yaml", "--run", "inbox"]).ends(0).out;
    assert!(text.contains("malformed") && text.contains("now now"), "{text}");
}

#[test]
fn what_a_shell_publishes_by_the_manuals_example_is_made() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(CATALOGUE, &vhost);
    cluster.node(&[]);
    let said: Said = cluster.program("sh").args(["-euc", example("sh")]).output().expect("a shell").into();
    assert_eq!(said.code, Some(0), "is `amqp-publish` there? apt-get install -y amqp-tools: {said:?}");
    waits_for(&cluster, &["pcm/t-1.txt", "mel/t-1.txt", "card/t-1.txt", "print/t-1.txt"]);
}
