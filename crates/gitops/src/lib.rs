//! Applications and manifests: wanted against live, ordered steps, health. Pure: no clock, no files, no network.
