//! The transforms that come with the program.
