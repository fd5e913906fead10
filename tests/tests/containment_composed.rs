//! The tests of `containment`, in the form that the name says (`plugnet_tests::Form`).

#[path = "containment/main.rs"]
mod containment;
