//! The tests of `limits`, with the net component inside the programs.

#[path = "limits.rs"]
mod limits;
