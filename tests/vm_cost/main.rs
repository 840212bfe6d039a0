//! What a VM costs beyond its guest: `/proc` of the real node joined with what a scripted API server, the real node's
//! components and guests say, by the programs' own ways of asking.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod exported;
mod other_samples;
mod printed;
mod real_node;
