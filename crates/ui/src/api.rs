//! The facts of the pages as JSON, for other programs, and a description of them.

use std::rc::Rc;

use euterpe_engine::Session;
use serde_json::{Value, json};

use crate::pages::browse::filter_of;
use crate::pages::entity::stories;
use crate::pages::letters::which;
use crate::query::Query;
use crate::shared::Shared;
use crate::snapshot::{JobLine, Snapshot};
use crate::words::STATES;

/// How many entities and letters are told at once, at the most.
const MOST: usize = 1000;
/// How many are where nobody says how many.
const USUAL: usize = 100;

/// What is under an address below `/api/`; none where nothing is.
///
/// # Errors
/// What cannot be meant; what keeps stores and records from being read.
pub(crate) async fn facts(
    shared: &Shared,
    session: &dyn Fn() -> anyhow::Result<Rc<Session>>,
    what: &str,
    query: &Query,
) -> anyhow::Result<Option<Value>> {
    let newest = shared.newest();
    let snapshot = newest.snapshot.as_deref();
    Ok(Some(match what {
        "openapi.json" => description(),
        "overview" => overview(shared, snapshot, newest.trouble.as_deref()),
        "runs" => json!({"runs": snapshot.map_or(&[][..], |snapshot| &snapshot.runs)}),
        "dead" => json!({"groups": snapshot.map_or(&[][..], |snapshot| &snapshot.letters)}),
        "letters" => letters(&*session()?, query).await?,
        "entities" => entities(snapshot, query),
        "entity" => {
            let (entity, jobs) = stories(&*session()?, &query.text("id")).await?;
            json!({"entity": entity, "jobs": jobs})
        }
        _ => return Ok(None),
    }))
}

/// What went wrong, as an object.
pub(crate) fn failure(text: &str) -> Value {
    json!({"error": text})
}

fn overview(shared: &Shared, snapshot: Option<&Snapshot>, trouble: Option<&str>) -> Value {
    let Some(snapshot) = snapshot else { return json!({"counted": null, "trouble": trouble}) };
    let job = |job: &JobLine| {
        let mut counts = serde_json::Map::new();
        counts.insert("job".into(), json!(job.name));
        counts.insert("transform".into(), json!(job.transform));
        counts.extend(STATES.iter().map(|state| (state.name().to_owned(), json!(job.count(*state)))));
        Value::Object(counts)
    };
    let jobs: Vec<Value> = snapshot.jobs.iter().map(job).collect();
    #[cfg(feature = "amqp")]
    let broker = json!(crate::locks::locked(&shared.broker).clone());
    #[cfg(not(feature = "amqp"))]
    let broker = Value::Null;
    #[cfg(not(feature = "amqp"))]
    let _ = shared;
    json!({
        "counted": snapshot.millis, "trouble": trouble, "graph": snapshot.graph, "entities": snapshot.entities,
        "bad_names": snapshot.bad_names, "left": snapshot.left(), "dead_letters": snapshot.dead(), "jobs": jobs, "broker": broker,
    })
}

fn entities(snapshot: Option<&Snapshot>, query: &Query) -> Value {
    let nothing = || json!({"total": null, "entities": []});
    let Some(snapshot) = snapshot else { return nothing() };
    let Some(catalogue) = &snapshot.catalogue else { return nothing() };
    let most = query.number("limit").unwrap_or(USUAL).min(MOST);
    let found = catalogue.rows(&filter_of(query, snapshot), query.number("offset").unwrap_or(0), most);
    let row = |row: &crate::catalogue::Row<'_>| {
        let states = snapshot.jobs.iter().zip(&row.states);
        let states: serde_json::Map<String, Value> =
            states.filter_map(|(job, state)| Some((job.name.to_string(), json!((*state)?.name())))).collect();
        json!({"id": row.id, "states": states})
    };
    json!({"total": found.total, "entities": found.rows.iter().map(row).collect::<Vec<_>>()})
}

async fn letters(session: &Session, query: &Query) -> anyhow::Result<Value> {
    let which = which(query).map_err(euterpe_engine::Mistake)?;
    let most = query.number("limit").unwrap_or(USUAL).min(MOST);
    let (total, letters) = session.letter_page(&which, query.number("offset").unwrap_or(0), most).await?;
    let letter = |found: &euterpe_engine::Letter| {
        let letter = &found.letter;
        json!({
            "entity": letter.entity, "job": letter.job, "reason": letter.reason, "text": letter.text, "stderr": letter.stderr,
            "tries": letter.tries, "millis": letter.millis, "run": letter.run, "made_good": found.made_good,
        })
    };
    Ok(json!({"total": total, "letters": letters.iter().map(letter).collect::<Vec<_>>()}))
}

/// The description of these addresses, by OpenAPI 3.1.
fn description() -> Value {
    let parameter = |name: &str, kind: &str, what: &str| {
        let minimum = if kind == "integer" { json!({"type": kind, "minimum": 0}) } else { json!({"type": kind}) };
        json!({"name": name, "in": "query", "required": false, "description": what, "schema": minimum})
    };
    let path = |what: &str, parameters: Vec<Value>| {
        let said =
            |text: &str| json!({"description": text, "content": {"application/json": {"schema": {"type": "object"}}}});
        json!({"get": {"summary": what, "parameters": parameters, "responses": {
            "200": said("what was asked for"), "400": said("what cannot be meant"), "404": said("what is not there"),
        }}})
    };
    let page = || {
        vec![
            parameter("offset", "integer", "how many are left out"),
            parameter("limit", "integer", "how many are told, at most 1000"),
        ]
    };
    let with_page = |own: Vec<Value>| own.into_iter().chain(page()).collect::<Vec<_>>();
    let (job, reason) =
        (parameter("job", "string", "the job"), parameter("reason", "string", "the reason, such as `bad_input`"));
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Euterpe", "version": env!("CARGO_PKG_VERSION"), "description": "What the pages of `euterpe ui` show."},
        "paths": {
            "/api/overview": path("the jobs with their counts, and what the queues hold", vec![]),
            "/api/runs": path("the runs, the newest first", vec![]),
            "/api/dead": path("dead letters by job and reason", vec![]),
            "/api/letters": path("dead letters", with_page(vec![job.clone(), reason, parameter("run", "string", "the run")])),
            "/api/entities": path("entities with the states of their jobs, in the order of their ids", with_page(vec![
                job, parameter("prefix", "string", "how the id begins"), parameter("text", "string", "what it holds"),
                parameter("state", "string", "a state of its jobs: done, stale, missing, skipped or dead"),
            ])),
            "/api/entity": path("what is known of one entity, job by job", vec![parameter("id", "string", "the entity")]),
        },
    })
}
