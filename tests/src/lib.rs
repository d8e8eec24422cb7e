//! What the integration tests share: where the binaries are, an app in a temporary folder, a
//! program that runs against a deadline; and for the conformance tests the reading of their cases
//! and of the contract that these hold up.

pub mod app;
pub mod case;
pub mod contract;
pub mod run;

pub use app::{App, bin};
pub use run::{Ran, Running, run};
