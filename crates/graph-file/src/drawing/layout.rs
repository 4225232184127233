//! Lays out a drawing: layers by depth, few crossings, neighbours above each other.

use super::picture::Picture;
use crate::order::depths;

/// Room for a vertex, or for a bend of an edge that passes a layer.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The vertex; none for a bend.
    pub vertex: Option<usize>,
    /// The layer, from the top.
    pub layer: usize,
    /// The middle, in pixels.
    pub x: f64,
    /// The width, in pixels.
    pub width: f64,
}

/// The slots of a drawing and the ways of its edges through them.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Vertices first, by their numbers, then bends.
    pub slots: Vec<Slot>,
    /// For each edge the slots that it visits, from its start to its end.
    pub ways: Vec<Vec<usize>>,
    /// How many layers there are.
    pub layers: usize,
    /// The width of the drawing, in pixels.
    pub width: f64,
}

/// The width of a bend: room for an edge between boxes.
const BEND: f64 = 18.0;

/// Lays out a picture. `widths` are those of its vertices and `gap` is the least distance of two slots, all in pixels.
pub fn lay_out(picture: &Picture, widths: &[f64], gap: f64) -> Layout {
    let mut layout = slots(picture, widths);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); layout.layers];
    for (at, slot) in layout.slots.iter().enumerate() {
        layers[slot.layer].push(at);
    }
    let neighbours = neighbours(&layout);
    uncross(&mut layers, &neighbours);
    straighten(&mut layout, &layers, &neighbours, gap);
    layout
}

/// Puts vertices into layers by depth, sources right above their first child, and bends where edges pass a layer.
fn slots(picture: &Picture, widths: &[f64]) -> Layout {
    let count = picture.vertices.len();
    let parents: Vec<Vec<usize>> = (0..count).map(|at| picture.above(at).map(|edge| edge.from).collect()).collect();
    let order: Vec<usize> = (0..count).collect();
    let mut depth = depths(&order, &parents);
    for at in (0..count).rev() {
        let nearest = picture.below(at).map(|edge| depth[edge.to]).min();
        if let (true, Some(nearest)) = (parents[at].is_empty(), nearest) {
            depth[at] = nearest.saturating_sub(1);
        }
    }
    let slot = |at: usize| Slot { vertex: Some(at), layer: depth[at], x: 0.0, width: widths[at] };
    let mut layout = Layout {
        slots: (0..count).map(slot).collect(),
        layers: depth.iter().max().map_or(0, |deepest| deepest + 1),
        ..Layout::default()
    };
    for edge in &picture.edges {
        let mut way = vec![edge.from];
        for layer in depth[edge.from] + 1..depth[edge.to] {
            way.push(layout.slots.len());
            layout.slots.push(Slot { vertex: None, layer, x: 0.0, width: BEND });
        }
        way.push(edge.to);
        layout.ways.push(way);
    }
    layout
}

/// The neighbours of each slot, by the numbers of their slots.
struct Neighbours {
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
}

fn neighbours(layout: &Layout) -> Neighbours {
    let empty = vec![Vec::new(); layout.slots.len()];
    let mut neighbours = Neighbours { above: empty.clone(), below: empty };
    for way in &layout.ways {
        for pair in way.windows(2) {
            neighbours.below[pair[0]].push(pair[1]);
            neighbours.above[pair[1]].push(pair[0]);
        }
    }
    neighbours
}

/// Orders each layer by the middle of its neighbours, down and up in turn, and keeps the order with the fewest crossings.
fn uncross(layers: &mut Vec<Vec<usize>>, neighbours: &Neighbours) {
    let mut best = layers.clone();
    let mut fewest = crossings(&best, neighbours);
    for round in 0..24 {
        if fewest == 0 {
            break;
        }
        let down = round % 2 == 0;
        let mut place = places(layers);
        let count = layers.len();
        for step in 1..count {
            let at = if down { step } else { count - 1 - step };
            let towards = if down { &neighbours.above } else { &neighbours.below };
            let middle = |slot: usize| {
                let near = &towards[slot];
                match near.len() {
                    0 => place[slot],
                    count => near.iter().map(|other| place[*other]).sum::<f64>() / count as f64,
                }
            };
            let mut layer: Vec<(f64, usize)> = layers[at].iter().map(|slot| (middle(*slot), *slot)).collect();
            layer.sort_by(|a, b| a.0.total_cmp(&b.0));
            layers[at] = layer.into_iter().map(|(_, slot)| slot).collect();
            for (number, slot) in layers[at].iter().enumerate() {
                place[*slot] = number as f64;
            }
        }
        let now = crossings(layers, neighbours);
        if now < fewest {
            fewest = now;
            best.clone_from(layers);
        }
    }
    *layers = best;
}

fn places(layers: &[Vec<usize>]) -> Vec<f64> {
    let mut place = vec![0.0; layers.iter().map(Vec::len).sum()];
    for layer in layers {
        for (number, slot) in layer.iter().enumerate() {
            place[*slot] = number as f64;
        }
    }
    place
}

fn crossings(layers: &[Vec<usize>], neighbours: &Neighbours) -> usize {
    let place = places(layers);
    let mut count = 0;
    for layer in layers {
        let edges: Vec<(f64, f64)> =
            layer.iter().flat_map(|slot| neighbours.below[*slot].iter().map(|to| (place[*slot], place[*to]))).collect();
        for (number, a) in edges.iter().enumerate() {
            count += edges[..number].iter().filter(|b| (a.0 - b.0) * (a.1 - b.1) < 0.0).count();
        }
    }
    count
}

/// Gives every slot its `x`, as near to the middle of its neighbours as the order of its layer and the gaps allow.
fn straighten(layout: &mut Layout, layers: &[Vec<usize>], neighbours: &Neighbours, gap: f64) {
    for layer in layers {
        let mut x = 0.0;
        for slot in layer {
            let slot = &mut layout.slots[*slot];
            slot.x = x + slot.width / 2.0;
            x += slot.width + gap;
        }
    }
    // The last round goes down, so that a lone child stands right below its parent.
    for round in 0..41 {
        let order: Vec<usize> =
            if round % 2 == 0 { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for at in order {
            let wanted = |slot: &usize| {
                let near = neighbours.above[*slot].iter().chain(&neighbours.below[*slot]);
                let (sum, count) = near.fold((0.0, 0.0), |(sum, count), other| {
                    // Bends pull harder, so that long edges run straight.
                    let pull = if layout.slots[*other].vertex.is_none() || layout.slots[*slot].vertex.is_none() {
                        3.0
                    } else {
                        1.0
                    };
                    (sum + pull * layout.slots[*other].x, count + pull)
                });
                if count == 0.0 { layout.slots[*slot].x } else { sum / count }
            };
            let wanted: Vec<f64> = layers[at].iter().map(wanted).collect();
            let widths: Vec<f64> = layers[at].iter().map(|slot| layout.slots[*slot].width).collect();
            for (slot, x) in layers[at].iter().zip(pack(&wanted, &widths, gap)) {
                layout.slots[*slot].x = x;
            }
        }
    }
    let left = layout.slots.iter().map(|slot| slot.x - slot.width / 2.0).fold(f64::INFINITY, f64::min);
    let right = layout.slots.iter().map(|slot| slot.x + slot.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
    for slot in &mut layout.slots {
        slot.x -= left;
    }
    layout.width = (right - left).max(0.0);
}

/// Positions in the order of the slots, at least `gap` apart, with the least sum of squared distances from `wanted`.
///
/// Pool adjacent violators: neighbours that would overlap become a block, which stands at its members' mean.
fn pack(wanted: &[f64], widths: &[f64], gap: f64) -> Vec<f64> {
    // (sum of wanted starts, members): each member's wish, less its offset in the row.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wanted.len());
    for (number, wish) in wanted.iter().enumerate() {
        if number > 0 {
            offset += (widths[number - 1] + widths[number]) / 2.0 + gap;
        }
        offsets.push(offset);
        blocks.push((wish - offset, 1));
        while let [.., (a, n), (b, m)] = blocks[..] {
            if a / n as f64 <= b / m as f64 {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push((a + b, n + m));
        }
    }
    let starts = blocks.iter().flat_map(|(sum, members)| std::iter::repeat_n(sum / *members as f64, *members));
    starts.zip(offsets).map(|(start, offset)| start + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::picture::{Edge, Vertex};

    fn picture(count: usize, edges: &[(usize, usize)]) -> Picture {
        let vertex =
            |at: usize| Vertex { name: format!("v{at}"), transform: Some("t".into()), form: None, count: None };
        let edge = |(from, to): &(usize, usize)| Edge { from: *from, to: *to, inputs: vec![], mapping: None };
        Picture {
            graph: "g".into(),
            vertices: (0..count).map(vertex).collect(),
            edges: edges.iter().map(edge).collect(),
        }
    }

    #[test]
    fn no_two_boxes_of_a_layer_overlap_and_edges_lead_downwards() {
        let picture = picture(7, &[(0, 2), (1, 3), (0, 4), (2, 5), (3, 5), (4, 6), (1, 6), (0, 6)]);
        let layout = lay_out(&picture, &[80.0; 7], 20.0);
        for (number, a) in layout.slots.iter().enumerate() {
            for b in layout.slots[..number].iter().filter(|b| b.layer == a.layer) {
                assert!((a.x - b.x).abs() + 1e-6 >= (a.width + b.width) / 2.0 + 20.0, "{a:?} {b:?}");
            }
        }
        for way in &layout.ways {
            assert!(way.windows(2).all(|pair| layout.slots[pair[0]].layer + 1 == layout.slots[pair[1]].layer));
        }
    }

    #[test]
    fn edges_that_need_not_cross_do_not() {
        let picture = picture(4, &[(0, 3), (1, 2)]);
        let layout = lay_out(&picture, &[50.0; 4], 10.0);
        assert!((layout.slots[0].x < layout.slots[1].x) == (layout.slots[3].x < layout.slots[2].x));
    }
}
