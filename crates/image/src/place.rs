//! Where copied files go.

/// The path, absolute, under which a matched source is found in the image. For a directory it is where its content goes.
pub fn destination(dest: &str, source: &str, source_is_directory: bool, dest_is_directory: bool) -> String {
    let base = dest.trim_end_matches('/');
    if source_is_directory {
        return if base.is_empty() { "/".to_owned() } else { base.to_owned() };
    }
    if dest.ends_with('/') || dest_is_directory {
        let name = source.rsplit('/').next().unwrap_or(source);
        return format!("{base}/{name}");
    }
    base.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_into_directories_and_directories_give_their_content() {
        assert_eq!(destination("/app/", "bin/x", false, false), "/app/x");
        assert_eq!(destination("/app", "bin/x", false, true), "/app/x");
        assert_eq!(destination("/app", "bin/x", false, false), "/app");
        assert_eq!(destination("/", "x", false, true), "/x");
        assert_eq!(destination("/app/", "src", true, false), "/app");
        assert_eq!(destination("/", "", true, true), "/");
    }
}
