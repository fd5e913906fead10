//! The tests of `net`, in the form that the name says (`plugnet_tests::Form`).

#[path = "net/main.rs"]
mod net;
