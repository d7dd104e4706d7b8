//! Canary steps and the judge: pure functions and a state machine. No clock, no files, no network.
