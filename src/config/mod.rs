//! The graph file: read, substitute, parse, check, plan.
