//! What the integration tests share: where the binaries are, an app in a temporary folder, a
//! program that runs against a deadline, `wabe` with its processes seen from outside; what benchmarks
//! need; and for the conformance tests the reading of their cases and of the contract that these
//! hold up.

pub mod app;
pub mod bench;
pub mod case;
pub mod contract;
pub mod deeds;
pub mod guest;
pub mod live;
pub mod nonsense;
pub mod probes;
pub mod proc;
pub mod rogue;
pub mod run;
pub mod sandbox;
pub mod simulation;
pub mod watched;

pub use app::{App, bin};
pub use live::Live;
pub use run::{Ran, Running, run};
