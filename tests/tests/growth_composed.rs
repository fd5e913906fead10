//! The tests of `growth`, in the form that the name says (`plugnet_tests::Form`).

#[path = "growth/main.rs"]
mod growth;
