//! Values: how files, flags, parents and subcharts are merged.
