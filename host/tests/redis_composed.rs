//! The tests of `redis`, with the net component inside the programs.

#[path = "redis.rs"]
mod redis;
