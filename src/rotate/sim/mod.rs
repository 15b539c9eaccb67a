//! The simulator: the production engine in a world that lies, loses answers and dies at every line, in virtual time.
//!
//! One seed makes one story, and the same seed makes the same story again. An observer that knows the whole truth checks the
//! invariants I1-I16 after every event. Every call to the outside is a numbered point at which a [`fault::Fault`] can be planted.

mod coverage;
mod disk;
mod engine;
mod fault;
mod happening;
mod levels;
mod line;
mod management;
mod observer;
mod play;
mod provider;
mod random;
mod rng;
mod sabotage;
mod scenario;
mod shrink;
mod store;
mod verdict;
mod world;

#[cfg(test)]
mod tests;
