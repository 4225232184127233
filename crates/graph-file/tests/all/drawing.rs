//! The graph as text, DOT, Mermaid and SVG.

use euterpe_graph_file::drawing::{Count, Picture, dot, mermaid, svg, text};

use crate::graph_file::check;

const GRAPH: &str = r#"
version: 1
graph: studio
stores: {music: ./music, derived: ./derived}
jobs:
  pcm: {use: audio.transcode, in: {audio: "music:{id}.{ext}"}, out: "derived:pcm/{id}.flac"}
  loud: {use: audio.loudness, in: {audio: pcm}, out: "derived:loud/{id}.json"}
  raw: {use: audio.loudness, in: {audio: "music:{id}.{ext}"}, out: "derived:raw/{id}.json"}
  card: {use: json.merge, in: {a: loud, b: raw}, out: "derived:card/{id}.json"}
  pair: {use: json.merge, entity: "{a},{b}", in: {a: {from: card, id: "{a}"}, b: {from: card, id: "{b}"}}, out: "derived:pair/{id}.json"}
"#;

fn picture() -> Picture {
    Picture::of(&check(GRAPH).unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn the_text_tree_draws_every_job_once_and_names_the_other_parents() {
    assert_eq!(
        text::draw(&picture().with_counts([("pcm", Count { have: 3, missing: 1 })])),
        "studio
└─ (music:{id}.{ext})
   ├─ pcm  audio.transcode  3/4
   │  └─ loud  audio.loudness
   │     └─ card ↓
   └─ raw  audio.loudness
      └─ card  json.merge  ← loud, raw
         └─ ╌{a}, {b}╌ pair  json.merge  {a},{b}
"
    );
}

#[test]
fn dot_and_mermaid_name_every_vertex_and_draw_mapped_edges_dashed() {
    let dot = dot::draw(&picture());
    let mermaid = mermaid::draw(&picture());
    for name in ["pcm", "loud", "raw", "card", "pair", "music:{id}.{ext}"] {
        assert!(dot.contains(&format!("\"{name}")), "{dot}");
        assert!(mermaid.contains(&format!("\"{name}")), "{mermaid}");
    }
    assert!(dot.contains("v4 -> v5 [style=dashed, label=\"{a}, {b}\"]"), "{dot}");
    assert!(mermaid.contains("v4 -. \"{a}, {b}\" .-> v5"), "{mermaid}");
}

#[test]
fn the_svg_has_a_box_for_every_job_a_dark_theme_and_is_the_same_every_time() {
    let drawing = svg::draw(&picture());
    assert_eq!(drawing, svg::draw(&picture()));
    assert_eq!(drawing.matches("class=\"job\"").count(), 5);
    assert_eq!(drawing.matches("class=\"edge mapped\"").count(), 1);
    assert_eq!(drawing.matches("class=\"edge\"").count(), 5);
    assert!(drawing.contains("prefers-color-scheme: dark"));
    assert!(!drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
}

#[test]
fn names_cannot_break_out_of_any_drawing() {
    let nasty = "d:a/<script>alert(1)</script>\\\"]; x --> y/{id}.json";
    let text = GRAPH.replace("derived:raw", "derived:rw").replace("\"music:{id}.{ext}\"", "\"music:<b>&'/{id}.{ext}\"");
    let picture = Picture::of(&check(&text).unwrap_or_else(|problems| panic!("{problems} {nasty}")));
    assert!(!svg::draw(&picture).contains("<b>"));
    assert!(!mermaid::draw(&picture).contains("<b>"));
}

#[test]
fn a_picture_of_nothing_and_one_of_a_single_job_can_be_drawn() {
    for picture in [
        Picture::default(),
        Picture::of(
            &check("version: 1\ngraph: g\nstores: {d: ./d}\njobs:\n  a: {use: synth.track, out: \"d:{id}.wav\"}")
                .unwrap_or_else(|problems| panic!("{problems}")),
        ),
    ] {
        for drawing in [text::draw(&picture), dot::draw(&picture), mermaid::draw(&picture), svg::draw(&picture)] {
            assert!(!drawing.is_empty() && !drawing.contains("NaN") && !drawing.contains("inf"), "{drawing}");
        }
    }
}
