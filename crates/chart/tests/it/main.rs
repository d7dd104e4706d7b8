//! The room's integration tests.
