//! The tests of `policy`, in the form that the name says (`plugnet_tests::Form`).

#[path = "policy/main.rs"]
mod policy;
