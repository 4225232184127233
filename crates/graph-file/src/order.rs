//! Orders a graph so that parents come before their children, or finds the cycles that prevent it.

/// Orders vertices `0..parents.len()` so that parents come first, otherwise as they are numbered.
///
/// # Errors
/// The cycles that prevent it, each as a path from parent to child; an edge leads from its last vertex to its first.
pub fn order(parents: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    let mut placed = vec![false; parents.len()];
    let mut order = Vec::with_capacity(parents.len());
    loop {
        let before = order.len();
        for vertex in 0..parents.len() {
            if !placed[vertex] && parents[vertex].iter().all(|parent| placed[*parent]) {
                placed[vertex] = true;
                order.push(vertex);
            }
        }
        if order.len() == parents.len() {
            return Ok(order);
        }
        if order.len() == before {
            return Err(cycles(parents, placed));
        }
    }
}

/// One cycle for each separate group of cycles among the vertices that are not `placed`.
fn cycles(parents: &[Vec<usize>], mut placed: Vec<bool>) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    // Every vertex that is left has a parent that is left, so going from parent to parent ends in a cycle.
    while let Some(start) = (0..parents.len()).find(|vertex| !placed[*vertex]) {
        let mut path = vec![start];
        let mut walk = start;
        let round = loop {
            let Some(up) = parents[walk].iter().copied().find(|parent| !placed[*parent]) else { break None };
            if let Some(at) = path.iter().position(|seen| *seen == up) {
                break Some(at);
            }
            path.push(up);
            walk = up;
        };
        for vertex in &path {
            placed[*vertex] = true;
        }
        if let Some(at) = round {
            let mut cycle = path.split_off(at);
            cycle.reverse(); // it was found from child to parent
            let least = cycle.iter().enumerate().min_by_key(|(_, vertex)| **vertex).map_or(0, |(at, _)| at);
            cycle.rotate_left(least);
            found.push(cycle);
        }
    }
    found
}

/// How many edges the longest path to each vertex has. `order` is one that [`order`] returned.
pub fn depths(order: &[usize], parents: &[Vec<usize>]) -> Vec<usize> {
    let mut depths = vec![0; parents.len()];
    for vertex in order {
        depths[*vertex] = parents[*vertex].iter().map(|parent| depths[*parent] + 1).max().unwrap_or(0);
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_the_order_of_the_file_is_kept_otherwise() {
        let parents = [vec![2], vec![], vec![1], vec![]];
        let order = order(&parents).expect("no cycle");
        assert_eq!(order, [1, 2, 3, 0]);
        assert_eq!(depths(&order, &parents), [2, 0, 1, 0]);
    }

    #[test]
    fn every_group_of_cycles_is_named_once_as_a_path_from_parent_to_child() {
        // 0 -> 1 -> 2 -> 0, 3 hangs below, 4 is its own parent.
        let parents = [vec![2], vec![0], vec![1], vec![2], vec![4]];
        assert_eq!(order(&parents), Err(vec![vec![0, 1, 2], vec![4]]));
    }
}
