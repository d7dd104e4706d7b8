//! Go's template language (text/template).
