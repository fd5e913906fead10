//! What the WIT package looks like in Rust.

#![allow(missing_docs, reason = "generated; documented in the WIT package")]

wit_bindgen::generate!({
    path: "../wit",
    world: "plugnet:net/provider",
    generate_all,
});
