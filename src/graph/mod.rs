//! Jobs, edges, order; drawing.
