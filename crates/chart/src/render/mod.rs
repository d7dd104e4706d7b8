//! A chart and values to documents: the order of templates, `include`, `tpl`, what templates see.
