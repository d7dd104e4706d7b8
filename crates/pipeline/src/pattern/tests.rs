use super::*;

/// As Ruby 3.1 answers `File.fnmatch?(glob, path, File::FNM_PATHNAME | File::FNM_DOTMATCH | File::FNM_EXTGLOB)`.
const RUBY: &[(&str, &str, bool)] = &[
    ("Dockerfile", "Dockerfile", true),
    ("Dockerfile", "a/Dockerfile", false),
    ("Dockerfile", "dockerfile", false),
    ("./Dockerfile", "Dockerfile", false),
    ("/Dockerfile", "Dockerfile", false),
    ("docs/", "docs", false),
    ("docs", "docs/a", false),
    ("*.md", "README.md", true),
    ("*.md", "docs/a.md", false),
    ("*.md", ".md", true),
    ("*", ".gitignore", true),
    ("*", "a/b", false),
    ("*/*", "a/b", true),
    ("*/*", "a/b/c", false),
    ("a*", "a", true),
    ("a*b*c", "aXbXbXc", true),
    ("a*b*c", "aXbXb", false),
    ("**/*.md", "README.md", true),
    ("**/*.md", "a/b/c.md", true),
    ("**/*.md", ".a/.b.md", true),
    ("**.md", "README.md", true),
    ("**.md", "a/b.md", false),
    ("**", "a", true),
    ("**", "a/b", false),
    ("**/", "a", false),
    ("**/*", "a", true),
    ("**/*", ".a/.b", true),
    ("**/**/*", "a", true),
    ("**/**/*.c", "a/b/x.c", true),
    ("***/*.c", "a/b/x.c", false),
    ("***/*.c", "a/x.c", true),
    ("docs/**/*", "docs/a", true),
    ("docs/**/*", "docs/a/b", true),
    ("docs/**/*", "docs", false),
    ("docs/**", "docs/a", true),
    ("docs/**", "docs/a/b", false),
    ("docs/*", "docs/.hidden", true),
    ("docs/**/a/**/b", "docs/a/x/b", true),
    ("docs/**/a/**/b", "docs/x/a/b", true),
    ("docs/**/a/**/b", "docs/x/b", false),
    ("a**/b", "ax/b", true),
    ("a**/b", "a/x/b", false),
    ("a/**b", "a/xb", true),
    ("a/**b", "a/x/b", false),
    ("*/**/x", "x", false),
    ("*/**/x", "a/b/x", true),
    ("a?c", "abc", true),
    ("a?c", "a/c", false),
    ("a?c", "ac", false),
    ("?.md", "é.md", true),
    ("??", "ab", true),
    ("[a-c]x", "bx", true),
    ("[a-c]x", "dx", false),
    ("[!a]x", "ax", false),
    ("[^a]x", "bx", true),
    ("[c-a]x", "bx", false),
    ("[c-a]x", "cx", true),
    ("[a-]x", "-x", true),
    ("[-a]x", "-x", true),
    ("[a/b]x", "ax", true),
    ("a[/]b", "a/b", false),
    ("a[!x]b", "a/b", false),
    ("[!]x", "qx", true),
    ("[!]x", "x", false),
    ("[\\]]x", "]x", true),
    ("[\\]a]x", "ax", true),
    ("[[]x", "[x", true),
    ("[*]x", "*x", true),
    ("[*]x", "ax", false),
    ("[à-é]x", "èx", true),
    ("[&&a]x", "&x", true),
    ("[a&&b]x", "ax", true),
    ("[[:alpha:]]x", "ax", false),
    ("[[:alpha:]]x", ":]x", true),
    ("[~~a]x", "~x", true),
    ("[\\d]x", "dx", true),
    ("[\\d]x", "1x", false),
    ("[+--]x", ",x", true),
    ("a.b", "axb", false),
    ("a\\*", "a*", true),
    ("a\\*", "ab", false),
    ("a\\?c", "a?c", true),
    ("a\\?c", "abc", false),
    ("\\a", "a", true),
    ("a\\/b", "a/b", true),
    ("a\\", "a", true),
    ("a\\", "a\\", false),
    ("a(b)", "a(b)", true),
    ("a+", "aa", false),
    ("a|b", "a", false),
    ("$x", "$x", true),
    ("^a", "a", false),
    ("*.{rb,py}", "a.py", true),
    ("*.{rb,py}", "a.rs", false),
    ("*.{rb}", "a.rb", true),
    ("{src,tests}/**/*.rs", "tests/a/b.rs", true),
    ("{src,tests}/**/*.rs", "other/b.rs", false),
    ("a{,b}", "a", true),
    ("a{,b}", "ab", true),
    ("a{}b", "ab", true),
    ("{a,{b,c}d}", "cd", true),
    ("{a,{b,c}d}", "b", false),
    ("{a,b}{c,d}", "bc", true),
    ("{a,b\\,c}", "b,c", true),
    ("{a,b\\,c}", "b", false),
    ("a,b", "a,b", true),
    ("a}", "a}", true),
    ("\\{a,b}", "{a,b}", true),
    ("\\{a,b}", "a", false),
    ("{a\\}}", "a}", true),
    ("[{a,b}]", "a", true),
    ("[{a,b}]", "{", false),
    ("a{b,**/}c", "a/x/c", false),
    ("a/{**/,}c", "a/x/c", true),
    ("a/{**/,}c", "a/c", true),
    ("a/{b,**}/c", "a/x/y/c", true),
    ("{a/,}**/x", "y/x", true),
    ("{**/*.js,*.ts}", "a/b.js", true),
    ("{a/b,c}/d", "a/b/d", true),
    ("{*,.*}", ".x", true),
];

#[test]
fn globs_are_rubys() {
    for (glob, path, expected) in RUBY {
        assert_eq!(ruby_glob(glob).unwrap().is_match(path), *expected, "{glob} {path}");
    }
}

#[test]
fn what_ruby_never_matches_is_told() {
    for (glob, why) in [
        ("{a", "a `{` is not closed"),
        ("a{b,c", "a `{` is not closed"),
        ("{a}{b", "a `{` is not closed"),
        ("[a", "a `[` is not closed, or empty"),
        ("a[", "a `[` is not closed, or empty"),
        ("[]a]", "a `[` is not closed, or empty"),
        ("[a-", "a `[` is not closed, or empty"),
        ("[a\\", "a `[` is not closed, or empty"),
        ("[a\\]", "a `[` is not closed, or empty"),
        ("x{[a,b}", "a `[` is not closed, or empty"),
    ] {
        assert_eq!(ruby_glob(glob).unwrap_err().0, why, "{glob}");
    }
}

#[test]
fn braces_are_bounded() {
    assert_eq!(ruby_glob(&"{a,b}".repeat(100)).unwrap_err().0, "its braces stand for too many patterns");
    assert_eq!(ruby_glob(&"{".repeat(2_001)).unwrap_err().0, "it is longer than 2000 characters");
    assert!(ruby_glob(&format!("{}{}", "{".repeat(90), "}".repeat(90))).unwrap().is_match(""));
    assert!(ruby_glob("{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}").unwrap().is_match("acegil"));
}

#[test]
fn filters_are_githubs() {
    // the examples of "filter pattern cheat sheet" in GitHub's documentation
    for (filter, name, expected) in [
        ("feature/*", "feature/my-branch", true),
        ("feature/*", "feature/a/b", false),
        ("feature/**", "feature/beta-a/my-branch", true),
        ("main", "main", true),
        ("releases/mona-the-octocat", "releases/mona", false),
        ("'*'", "main", false),
        ("*", "main", true),
        ("*", "a/b", false),
        ("**", "all/the/branches", true),
        ("*feature", "mona-feature", true),
        ("v2*", "v2.0", true),
        ("v[12].[0-9]+.[0-9]+", "v1.10.1", true),
        ("v[12].[0-9]+.[0-9]+", "v3.1.1", false),
        ("*.jsx?", "page.js", true),
        ("*.jsx?", "page.jsx", true),
        ("**.js", "src/js/app.js", true),
        ("docs/**/*.md", "docs/hello.md", true),
        ("docs/**/*.md", "docs/a/markdown/file.md", true),
        ("**/docs/**", "docs/hello.md", true),
        ("**/docs/**", "dir/docs/my-file.txt", true),
        ("**/README.md", "js/README.md", true),
        ("**/*src/**", "my-src/code/js/app.js", true),
        ("**/migrate-*.sql", "dir/migrate-10909.sql", true),
        ("**/*-post.md", "x/my-post.md", true),
    ] {
        assert_eq!(github_filter(filter).unwrap().is_match(name), expected, "{filter} {name}");
    }
    assert!(github_filter("+a").is_err());
}
