//! The tests of `node`, in the form that the name says (`plugnet_tests::Form`).

#[path = "node/main.rs"]
mod node;
