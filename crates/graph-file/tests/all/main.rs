//! The tests of graph files, as one binary. This list says what belongs where.

mod broken_graphs; // every broken graph file is refused with a position and a remedy
mod drawing; //       the graph as text, DOT, Mermaid and SVG
mod fuzz_graph; //    random damage to graph files, for as long as a variable says
mod graph_bombs; //   graph files that are meant to exhaust the reader
mod graph_file;
mod listed_sources; //    what good graph files mean
mod transforms; //    a small registry, whose transforms look like the program's and do nothing
