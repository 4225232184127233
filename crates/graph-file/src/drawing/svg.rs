//! Draws a graph as SVG, which follows the reader's light or dark theme.

use super::layout::{Layout, lay_out};
use super::picture::{Count, Picture, Vertex};

const MARGIN: f64 = 24.0;
const GAP: f64 = 28.0;
const ROW: f64 = 112.0;
const HEIGHT: f64 = 52.0;
const RADIUS: f64 = 9.0;

const STYLE: &str = "
  svg { color-scheme: light dark; font-family: ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .paper { fill: #ffffff; } .job { fill: #f3f5fb; stroke: #5a6bb0; } .source { fill: #fdf4e3; stroke: #b07d2b; }
  .name { fill: #1c2340; font-size: 14px; font-weight: 600; } .what { fill: #5b6280; font-size: 11px; }
  .edge { fill: none; stroke: #8790b3; stroke-width: 1.6; } .mapped { stroke-dasharray: 5 4; }
  .tip { fill: #8790b3; } .map { fill: #5b6280; font-size: 11px; }
  .have { fill: #3f9a62; } .miss { fill: #d9dced; } .title { fill: #1c2340; font-size: 16px; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14161f; } .job { fill: #1f2436; stroke: #8c9be0; } .source { fill: #2b2416; stroke: #d8a657; }
    .name, .title { fill: #e8eaf6; } .what, .map { fill: #a3a9c6; } .edge { stroke: #6d76a0; } .tip { fill: #6d76a0; }
    .have { fill: #57b97d; } .miss { fill: #3a4160; }
  }";

/// Draws the graph as a stand-alone SVG.
pub fn draw(picture: &Picture) -> String {
    let widths: Vec<f64> = picture.vertices.iter().map(width_of).collect();
    let layout = lay_out(picture, &widths, GAP);
    let title_height = 34.0;
    let title_width = text_width(&picture.graph, 16.0);
    let width = layout.width.max(title_width) + 2.0 * MARGIN;
    let rows = layout.layers.max(1) as f64;
    let height = title_height + 2.0 * MARGIN + (rows - 1.0) * ROW + HEIGHT;
    let shift = MARGIN + (width - 2.0 * MARGIN - layout.width) / 2.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
        escaped(&format!("graph {}", picture.graph))
    );
    out.push_str(&text(MARGIN, MARGIN + 12.0, "title", "start", &picture.graph));
    let canvas = Canvas { layout: &layout, left: shift, top: MARGIN + title_height };
    for (number, edge) in picture.edges.iter().enumerate() {
        out.push_str(&canvas.edge(number, edge.mapping.is_some()));
    }
    for (at, vertex) in picture.vertices.iter().enumerate() {
        out.push_str(&canvas.vertex(at, vertex));
    }
    for (number, edge) in picture.edges.iter().enumerate() {
        if let Some(mapping) = &edge.mapping {
            out.push_str(&canvas.mapping(number, mapping));
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Turns slots of the layout into pixels.
struct Canvas<'l> {
    layout: &'l Layout,
    left: f64,
    top: f64,
}

impl Canvas<'_> {
    /// The middle of a slot's upper edge.
    fn at(&self, slot: usize) -> (f64, f64) {
        let slot = &self.layout.slots[slot];
        (self.left + slot.x, self.top + slot.layer as f64 * ROW)
    }

    fn vertex(&self, at: usize, vertex: &Vertex) -> String {
        let (x, y) = self.at(at);
        let width = self.layout.slots[at].width;
        let left = x - width / 2.0;
        let mut out = String::from("<g>");
        if vertex.is_source() {
            out.push_str(&cylinder(left, y, width));
            out.push_str(&text(x, y + 34.0, "what", "middle", &vertex.name));
        } else {
            out.push_str(&format!(
                "<rect class=\"job\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" rx=\"{RADIUS}\" \
                 stroke-width=\"1.4\"/>"
            ));
            out.push_str(&text(x, y + 22.0, "name", "middle", &vertex.name));
            out.push_str(&text(x, y + 39.0, "what", "middle", &second_line(vertex)));
            if let Some(Count { have, missing }) = vertex.count {
                out.push_str(&bar(left + RADIUS, y + HEIGHT - 5.0, width - 2.0 * RADIUS, have, missing));
            }
        }
        out.push_str("</g>\n");
        out
    }

    /// A curve through the slots of an edge, with a tip at its end.
    fn edge(&self, number: usize, mapped: bool) -> String {
        let way = &self.layout.ways[number];
        let class = if mapped { "edge mapped" } else { "edge" };
        let (mut x, mut y) = self.leave(number);
        let mut path = format!("M{x:.1} {y:.1}");
        for (step, slot) in way.iter().enumerate().skip(1) {
            let end = step + 1 == way.len();
            let (next_x, mut next_y) = if end { self.arrive(number) } else { self.at(*slot) };
            if end {
                next_y -= 7.0;
            }
            let bend = (next_y - y) * 0.5;
            path.push_str(&format!(
                " C{x:.1} {:.1} {next_x:.1} {:.1} {next_x:.1} {next_y:.1}",
                y + bend,
                next_y - bend
            ));
            (x, y) = (next_x, next_y);
            if !end {
                y += HEIGHT;
                path.push_str(&format!(" L{x:.1} {y:.1}"));
            }
        }
        let tip = format!("M{:.1} {:.1} L{x:.1} {:.1} L{:.1} {:.1} Z", x - 4.5, y - 1.0, y + 7.0, x + 4.5, y - 1.0);
        format!("<path class=\"{class}\" d=\"{path}\"/><path class=\"tip\" d=\"{tip}\"/>\n")
    }

    /// The point where an edge leaves its first box. Edges of one box fan out in the order of their ends.
    fn leave(&self, number: usize) -> (f64, f64) {
        let way = &self.layout.ways[number];
        let (x, y) = self.at(way[0]);
        (x + self.fan(number, way[0], |way| (way[0], way[1])), y + HEIGHT)
    }

    /// The point where an edge enters its last box.
    fn arrive(&self, number: usize) -> (f64, f64) {
        let way = &self.layout.ways[number];
        let last = way.len() - 1;
        let (x, y) = self.at(way[last]);
        (x + self.fan(number, way[last], |way| (way[way.len() - 1], way[way.len() - 2])), y)
    }

    fn fan(&self, number: usize, slot: usize, ends: impl Fn(&[usize]) -> (usize, usize)) -> f64 {
        let key = |number: usize| (self.layout.slots[ends(&self.layout.ways[number]).1].x, number);
        let mut together: Vec<usize> =
            (0..self.layout.ways.len()).filter(|other| ends(&self.layout.ways[*other]).0 == slot).collect();
        together.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal));
        let place = together.iter().position(|other| *other == number).unwrap_or(0) as f64;
        let room = (self.layout.slots[slot].width - 4.0 * RADIUS).min(16.0 * (together.len() as f64 - 1.0)).max(0.0);
        if together.len() < 2 { 0.0 } else { room * (place / (together.len() as f64 - 1.0) - 0.5) }
    }

    /// The label of a mapped edge, in the middle of its last piece.
    fn mapping(&self, number: usize, mapping: &str) -> String {
        let way = &self.layout.ways[number];
        let (end_x, end_y) = self.arrive(number);
        let (from_x, from_y) = match way.len() {
            2 => self.leave(number),
            more => {
                let (x, y) = self.at(way[more - 2]);
                (x, y + HEIGHT)
            }
        };
        let (x, y) = ((from_x + end_x) / 2.0, (from_y + end_y) / 2.0);
        let width = 0.9 * text_width(mapping, 11.0);
        format!(
            "<rect class=\"paper\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"13\"/>{}",
            x - width / 2.0,
            y - 7.0,
            text(x, y + 3.0, "map", "middle", mapping)
        )
    }
}

fn cylinder(left: f64, top: f64, width: f64) -> String {
    let (half, cap) = (width / 2.0, 6.0);
    let (upper, lower) = (top + cap, top + HEIGHT - cap);
    let right = left + width;
    format!(
        "<path class=\"source\" stroke-width=\"1.4\" d=\"M{left:.1} {upper:.1} A{half:.1} {cap} 0 0 1 {right:.1} {upper:.1} \
         V{lower:.1} A{half:.1} {cap} 0 0 1 {left:.1} {lower:.1} Z\"/>\
         <path class=\"source\" stroke-width=\"1.4\" style=\"fill:none\" \
         d=\"M{left:.1} {upper:.1} A{half:.1} {cap} 0 0 0 {right:.1} {upper:.1}\"/>"
    )
}

/// A thin bar that shows how many outputs are there and how many are missing.
fn bar(left: f64, top: f64, width: f64, have: u64, missing: u64) -> String {
    let all = (have + missing).max(1);
    let done = width * have as f64 / all as f64;
    format!(
        "<rect class=\"miss\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"3\" rx=\"1.5\"/>\
         <rect class=\"have\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{done:.1}\" height=\"3\" rx=\"1.5\"/>"
    )
}

fn second_line(vertex: &Vertex) -> String {
    let mut line = vertex.transform.clone().unwrap_or_default();
    if let Some(form) = &vertex.form {
        line.push_str(&format!(" · {form}"));
    }
    if let Some(Count { have, missing }) = vertex.count {
        line.push_str(&format!(" · {have}/{}", have + missing));
    }
    line
}

fn width_of(vertex: &Vertex) -> f64 {
    let wide = if vertex.is_source() {
        text_width(&vertex.name, 11.0)
    } else {
        text_width(&vertex.name, 14.0).max(text_width(&second_line(vertex), 11.0))
    };
    (wide + 28.0).max(96.0)
}

/// The width of a text in pixels, a little more than in common fonts.
fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}

fn text(x: f64, y: f64, class: &str, anchor: &str, content: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(content))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
