//! What good graph files mean: references, defaults, variables, stores, order.

use std::path::Path;
use std::time::Duration;

use euterpe_actors::plan::{Mapping, Route};
use euterpe_graph_file::plan::Location;
use euterpe_graph_file::{Plan, Problems, Surroundings, check_text};

use crate::transforms;

/// Checks `text` as if it lay in `/graphs`, with a few variables set.
pub fn check(text: &str) -> Result<Plan, Problems> {
    check_with(text, &[])
}

/// As [`check`], with stores put elsewhere.
pub fn check_with(text: &str, stores: &[(String, String)]) -> Result<Plan, Problems> {
    let registry = transforms::registry();
    let env = |name: &str| match name {
        "HOME" => Some("/home/me".to_owned()),
        "WORKERS" => Some("7".to_owned()),
        "TRICK" => Some("x, y: {z: 1}\n- w".to_owned()),
        _ => None,
    };
    check_text(text, Path::new("/graphs/g.yaml"), Surroundings { registry: &registry, env: &env, stores })
}

fn plan(text: &str) -> Plan {
    check(text).unwrap_or_else(|problems| panic!("{problems}"))
}

const MIX: &str = r#"
version: 1
graph: catalogue
stores:
  music: ./music
  derived: {url: ../derived, fsync: false}
  cloud: {url: "s3://bucket/a/b", endpoint: "${S3_ENDPOINT:-}", region: "${REGION:-eu-north-1}"}
defaults: {timeout: 1h30m, retries: 2}
jobs:
  automix:
    use: command
    with: {argv: [mix, "{input.a}", "{input.b}", "{output}"]}
    entity: "{a},{b}"
    in: {a: {from: pcm, id: "{a}"}, b: {from: pcm, id: "{b}"}}
    out: "derived:mixes/{a}+{b}.ogg"
    backoff: 500ms
    claim: never
    isolation: process
  pcm:
    use: audio.transcode
    with: {rate: 22050, channels: 1}
    in: {audio: "music:{id}.{ext}"}
    out: "derived:pcm/{id}.flac"
    pool: {workers: "${WORKERS}", memory: 512MiB, recycle_after: 1000}
    timeout: 90s
  stems:
    use: command
    with: {argv: [stems, "{output.bass}", "{output.drums}"]}
    in: {audio: pcm}
    outputs: {bass: "derived:stems/{id}/bass.wav", drums: "derived:stems/{id}/drums.wav"}
  drums: {use: audio.loudness, in: {audio: stems.drums}, out: "derived:drums/{id}.json"}
"#;

#[test]
fn jobs_come_in_an_order_in_which_parents_stand_before_their_children() {
    let plan = plan(MIX);
    let names: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["pcm", "stems", "drums", "automix"]);
    for (at, job) in plan.jobs.iter().enumerate() {
        assert!(job.parents().iter().all(|(parent, _)| parent.0 < at));
    }
}

#[test]
fn references_resolve_to_jobs_outputs_mappings_and_sources() {
    let plan = plan(MIX);
    let job = |name: &str| &plan.jobs[plan.find(name).expect("it is there").0];
    let Route::Job { job: parent, output: 1, entity: Mapping::Same } = &job("drums").inputs[0].from else {
        panic!("{:?}", job("drums").inputs)
    };
    assert_eq!(plan.jobs[parent.0].name.as_str(), "stems");
    let Route::Job { entity: Mapping::To(map), .. } = &job("automix").inputs[1].from else {
        panic!("{:?}", job("automix").inputs)
    };
    assert_eq!(map.to_string(), "{b}");
    let Route::Source { store, key, exts, .. } = &job("pcm").inputs[0].from else { panic!("{:?}", job("pcm").inputs) };
    assert_eq!((store.as_str(), key.to_string().as_str()), ("music", "{id}.{ext}"));
    assert!(exts.iter().any(|ext| ext == "ogg"), "{exts:?}");
    assert_eq!(plan.listable().len(), 1);
    assert_eq!(job("stems").output_names, ["bass", "drums"]);
}

#[test]
fn a_job_s_own_settings_come_before_the_defaults_and_these_before_the_program_s() {
    let plan = plan(MIX);
    let job = |name: &str| &plan.jobs[plan.find(name).expect("it is there").0];
    let (pcm, automix) = (job("pcm"), job("automix"));
    assert_eq!(pcm.timeout, Duration::from_secs(90));
    assert_eq!(automix.timeout, Duration::from_secs(5400));
    assert_eq!((pcm.retry.retries, pcm.retry.backoff), (2, Duration::from_secs(1)));
    assert_eq!(automix.retry.backoff, Duration::from_millis(500));
    assert_eq!((pcm.workers, pcm.memory, pcm.recycle_after), (Some(7), Some(512 << 20), Some(1000)));
    assert_eq!(automix.workers, None);
    assert!(pcm.claim && !automix.claim);
    assert!(!pcm.isolate && automix.isolate);
}

#[test]
fn variables_put_stores_elsewhere_and_flags_go_before_them() {
    let registry = transforms::registry();
    let env = |name: &str| match name {
        "EUTERPE_STORES" => Some("s3://bucket/all/".to_owned()),
        "EUTERPE_STORE_OLD_MUSIC" => Some("/mnt/music".to_owned()),
        "EUTERPE_STORE_D" => Some(" ".to_owned()), // as good as unset
        _ => None,
    };
    let text = "version: 1\ngraph: g\nstores: {old-music: ./music, covers: ./covers, d: ./d, e: ./e}\njobs:\n  \
                a: {use: audio.loudness, in: {audio: \"old-music:{id}.wav\"}, out: \"d:{id}.json\"}\n  \
                b: {use: json.merge, in: {a: a, c: \"covers:{id}.json\"}, out: \"e:{id}.json\"}\n";
    let stores = [("e".to_owned(), "/here/e".to_owned())];
    let around = Surroundings { registry: &registry, env: &env, stores: &stores };
    let plan = check_text(text, Path::new("/graphs/g.yaml"), around).unwrap_or_else(|problems| panic!("{problems}"));
    let places: Vec<String> = plan.stores.iter().map(|store| store.location.text()).collect();
    assert_eq!(places, ["/mnt/music", "/graphs/covers", "s3://bucket/all/g/d", "/here/e"]);
    assert_eq!(plan.given_stores().len(), 3, "what was put elsewhere is remembered with a run");
}

#[test]
fn stores_are_resolved_beside_the_file_unless_a_flag_puts_them_elsewhere() {
    let folder = |path: &str, fsync| Location::Folder { path: path.into(), fsync };
    let plan = plan(MIX);
    assert_eq!(plan.stores[0].location, folder("/graphs/music", true));
    assert_eq!(plan.stores[1].location, folder("/derived", false));
    assert_eq!(
        plan.stores[2].location,
        Location::S3 {
            bucket: "bucket".into(),
            prefix: "a/b".into(),
            endpoint: None,
            region: Some("eu-north-1".into())
        }
    );
    let moved = check_with(MIX, &[("music".into(), "~/Music".into())]).expect("still good");
    assert_eq!(moved.stores[0].location, folder("/home/me/Music", true));
    let here = check_with(MIX, &[("music".into(), "m".into())]).expect("still good");
    assert_eq!(
        here.stores[0].location,
        folder(std::env::current_dir().expect("a folder").join("m").to_str().expect("text"), true)
    );
    let unknown = check_with(MIX, &[("musik".into(), "m".into())]).expect_err("no such store");
    assert!(unknown.to_string().contains("no store named `musik`; did you mean `music`?"), "{unknown}");
}

#[test]
fn what_a_variable_holds_stays_one_value_and_is_never_read_as_yaml() {
    let text = MIX.replace("argv: [stems", "env: {A: \"${TRICK}\", B: \"$${HOME}\"}, argv: [stems");
    let plan = plan(&text);
    let stems = &plan.jobs[plan.find("stems").expect("it is there").0];
    assert_eq!(stems.options["env"], serde_json::json!({"A": "x, y: {z: 1}\n- w", "B": "${HOME}"}));
}

#[test]
fn an_anchor_may_be_used_again_where_it_is_small() {
    let text = MIX.replace("retries: 2}", "retries: &n 3}").replace("backoff: 500ms", "retries: *n");
    assert_eq!(plan(&text).jobs[0].retry.retries, 3);
}

#[test]
fn the_digest_of_settings_changes_with_options_and_version_and_with_nothing_else() {
    let digest = |text: &str| {
        let plan = plan(text);
        plan.jobs[plan.find("pcm").expect("it is there").0].settings_digest()
    };
    let before = digest(MIX);
    assert_eq!(before, digest(&MIX.replace("timeout: 90s", "timeout: 91s")));
    assert_ne!(before, digest(&MIX.replace("rate: 22050", "rate: 44100")));
    assert_ne!(before, digest(&MIX.replace("timeout: 90s", "timeout: 90s\n    version: 2")));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = MIX
        .replace("graph: catalogue", "graf: catalogue")
        .replace("timeout: 1h30m", "timeout: 90")
        .replace("from: pcm, id: \"{b}\"", "from: pmc, id: \"{b}\"")
        .replace("audio.loudness", "audio.loudnes")
        .replace("workers: \"${WORKERS}\"", "workers: 0");
    let problems = check(&text).expect_err("five things are wrong");
    assert_eq!(
        problems.to_string(),
        "/graphs/g.yaml: 6 problems\n  \
         2:1    graph                  missing; name the graph, such as `graph: catalogue`\n  \
         3:1    graf                   no key `graf` here; did you mean `graph`?\n  \
         8:21   defaults.timeout       expected a duration such as `10m` or `500ms`, got 90\n  \
         14:47  jobs.automix.in.b      no job named `pmc`; did you mean `pcm`?\n  \
         24:21  jobs.pcm.pool.workers  expected a number from 1 to 1024, got 0\n  \
         31:16  jobs.drums.use         no transform named `audio.loudnes`; did you mean `audio.loudness`?"
    );
}

#[test]
fn a_source_is_optional_where_it_is_written_or_where_the_function_has_a_default() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = "def card(audio: Path, lyrics: Optional[str] = None, notes: Optional[str] = None) -> dict:\n    pass\n";
    std::fs::write(folder.path().join("c.py"), code).expect("written");
    let file = |inputs: &str| {
        let job = format!("  c: {{python: \"c.py:card\", in: {{{inputs}}}, out: \"d:c/{{id}}.json\"}}");
        let (text, path) = (crate::broken_graphs::jobs(&job), folder.path().join("g.yaml"));
        let registry = transforms::registry();
        check_text(&text, &path, Surroundings { registry: &registry, env: &|_| None, stores: &[] })
    };
    let plan = file("audio: \"m:{id}.wav\", lyrics: \"m:{id}.txt\", notes: {from: \"m:{id}.md\", optional: false}");
    assert_eq!(plan.expect("good").jobs[0].optional_inputs(), ["lyrics"]);
    let problems = file("audio: {from: \"m:{id}.wav\", optional: true}").expect_err("no default").to_string();
    assert!(problems.contains("`card` has no default for `audio`; write one"), "{problems}");
    let merge = "  j: {use: json.merge, in: {a: \"m:{id}.json\", b: {from: \"m:{id}.b.json\", optional: true}}, \
                 out: \"d:j/{id}.json\"}";
    assert_eq!(check(&crate::broken_graphs::jobs(merge)).expect("good").jobs[0].optional_inputs(), ["b"]);
}
