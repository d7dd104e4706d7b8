//! What becomes of a rendered chart: manifests in order, hooks, notes, the record that is stored.
