//! `ruby/setup-ruby`.

use super::super::act::{Act, Inputs, quoted};
use super::super::facts::Facts;
use super::super::sequence::{KEY, Keeping, Sequence, ready, script};
use super::super::table::{BuiltIn, Known, Refusal};
use super::{Begun, Env, Setup, Tool, Wish, first_line, of_tool_versions};
use crate::reader::shown;

pub(in super::super) const KNOWN: Known = Known {
    name: "ruby/setup-ruby",
    built_in: BuiltIn::SetupRuby,
    majors: &[1],
    branches: &["master"],
    inputs: &[
        "ruby-version",
        "rubygems",
        "bundler",
        "bundler-cache",
        "working-directory",
        "cache-version",
        "self-hosted",
        "windows-toolchain",
        "token",
    ],
    check,
    begin,
};

const TOOL: Tool = Tool {
    title: "Ruby",
    image: "ruby:3",
    programs: &["ruby", "ruby[0-9].[0-9]", "ruby[0-9]"],
    elsewhere: &[
        "/opt/hostedtoolcache/Ruby/*/*/bin/ruby",
        "/opt/rubies/*/bin/ruby",
        "/usr/local/rbenv/versions/*/bin/ruby",
        "/opt/ruby*/bin/ruby",
    ],
    version: "\"$1\" -e 'print RUBY_ENGINE == %q(ruby) ? RUBY_VERSION + (RUBY_PATCHLEVEL < 0 ? %q(-dev) : %q()) : %q()' 2>/dev/null",
    of_file: |name, text| match name {
        ".tool-versions" => of_tool_versions(text, &["ruby"]),
        "mise.toml" => {
            let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix("ruby")?.trim_start().strip_prefix('='))?;
            Some(line.split('#').next().unwrap_or(line).trim().trim_matches(['"', '\'']).to_owned())
        }
        _ => first_line(text),
    },
    range: |wish| {
        let wish = wish.strip_prefix("ruby-").unwrap_or(wish);
        if wish == "ruby" {
            Some(Wish::Highest(|_| true))
        } else {
            Wish::of_range(wish).filter(|_| wish.starts_with(|c: char| c.is_ascii_digit()))
        }
    },
    // gems go where the job may write, if it may not where they lie
    apply: |found| {
        format!(
            concat!(
                "r={0}; b=${{r%/*}}; PATH=$b:$PATH; echo \"$b\" >> \"$GITHUB_PATH\"\n",
                "[ \"${{r##*/}}\" = ruby ] || {{ mkdir -p \"$HOME/.ruby/bin\"; ln -sf \"$r\" \"$HOME/.ruby/bin/ruby\"; echo \"$HOME/.ruby/bin\" >> \"$GITHUB_PATH\"; PATH=$HOME/.ruby/bin:$PATH; }}\n",
                "echo \"ruby-prefix=$(\"$r\" -e 'print RbConfig::CONFIG[%q(prefix)]')\" >> \"$GITHUB_OUTPUT\"\n",
                "g=$(\"$r\" -e 'print Gem.dir'); if ! [ -w \"$g\" ]; then g=$HOME/.gem/ruby/$(\"$r\" -e 'print RbConfig::CONFIG[%q(ruby_version)]'); mkdir -p \"$g/bin\"; export GEM_HOME=\"$g\"; echo \"GEM_HOME=$g\" >> \"$GITHUB_ENV\"; echo \"$g/bin\" >> \"$GITHUB_PATH\"; PATH=$g/bin:$PATH; fi\n",
                "[ -e \"$HOME/.gemrc\" ] || echo 'gem: --no-document' > \"$HOME/.gemrc\"\n",
            ),
            quoted(&found.path)
        )
    },
};

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    match inputs.get("ruby-version") {
        Some(version) if other_engine(version) => Err(Refusal::input(
            "ruby-version",
            format!("`{}` is not carried out", shown(version)),
            "use a release of CRuby, or an image that has the other (`container`)",
        )),
        _ => Ok(()),
    }
}

/// Engines that are not `CRuby`, and versions of it that only a build of today is.
fn other_engine(version: &str) -> bool {
    let version = version.strip_prefix("ruby-").unwrap_or(version);
    ["jruby", "truffleruby", "mruby", "rubinius"].iter().any(|engine| version.starts_with(engine))
        || ["head", "debug", "asan", "master", "mingw", "mswin", "ucrt", "3.4-asan"].contains(&version)
}

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let place = inputs.or("working-directory", ".").to_owned();
    let below = |name: &str| if place == "." { name.to_owned() } else { format!("{place}/{name}") };
    let files = [".ruby-version", ".tool-versions", "mise.toml"];
    let given = inputs.or("ruby-version", "default");
    let wishes: Vec<String> = (given != "default" && !files.contains(&given)).then(|| given.to_owned()).into_iter().collect();
    let mut setup = Setup::new(&TOOL, wishes, None, "penstock.version");
    if setup.wishes.is_empty() {
        setup.files = files.iter().filter(|file| given == "default" || given == **file).map(|file| below(file)).collect();
        setup.file_needed = true;
    }
    setup.after = format!("cd {}\nruby --version\n{}{}", quoted(&place), rubygems(inputs.or("rubygems", "default")), bundler(&inputs));
    if !inputs.flag("bundler-cache", false)? {
        return Ok(Box::new(setup));
    }
    let version = inputs
        .get("cache-version")
        .filter(|version| *version != "0")
        .map(|version| format!("-v-{}", version.replace(',', "-")))
        .unwrap_or_default();
    let keeping = Keeping { paths: vec![below("vendor/bundle")], near: 1, restores: true, hit: "penstock.hit", ..Keeping::default() };
    let saving = keeping.clone();
    let enter = format!("set -e\ncd {}\n", quoted(&place));
    let lock = format!(
        concat!(
            "{}bundle config set --local path \"$PWD/vendor/bundle\"\n",
            "g=${{BUNDLE_GEMFILE:-Gemfile}}; l=${{BUNDLE_LOCKFILE:-$g.lock}}; if ! [ -f \"$g\" ] && [ -f gems.rb ]; then l=gems.locked; fi\n",
            "if [ -f \"$l\" ]; then bundle config set --local deployment true; else bundle lock; fi\n",
            "k=\"setup-ruby-bundler-cache-v6-$(uname -m)-$(ruby -e 'print RUBY_VERSION')-wd-$PWD-with-$BUNDLE_WITH-without-$BUNDLE_WITHOUT-only-$BUNDLE_ONLY{}-$l\"; k=$(printf '%s' \"$k\" | tr ',' '-')\n",
            "echo \"{key}=$k-$(sha256sum \"$l\" | cut -c1-64)\" >> \"$GITHUB_OUTPUT\"; echo \"{key}-1=$k-\" >> \"$GITHUB_OUTPUT\"\n",
        ),
        enter,
        version,
        key = KEY
    );
    let install = format!("{enter}bundle install --jobs 4\n");
    let parts = vec![ready(Box::new(setup) as Box<dyn Act>), script(lock), keeping.part(), script(install), saving.save_now()];
    Ok(Sequence::boxed(parts))
}

fn rubygems(wish: &str) -> String {
    match wish {
        "default" => String::new(),
        "latest" => "gem update --system\n".to_owned(),
        version => format!("gem update --system {}\n", quoted(version)),
    }
}

/// Bundler of the wish, unless it is there.
fn bundler(inputs: &Inputs) -> String {
    let lock = "l=${BUNDLE_GEMFILE:-Gemfile}.lock; v=''; [ -f \"$l\" ] && v=$(sed -n '/^BUNDLED WITH/{n;s/ //g;p;}' \"$l\")\n";
    let there = "if [ -n \"$v\" ] && ! gem list -i bundler -v \"$v\" > /dev/null; then gem install bundler -v \"$v\" || { echo \"##[error]Bundler $v is not here and could not be had: put it on the machine, or run the job in an image that has it\"; exit 1; }; fi\n";
    let any = "command -v bundle > /dev/null || gem install bundler || { echo '##[error]Bundler is not here and could not be had: put it on the machine, or run the job in an image that has it (`container: ruby:3`)'; exit 1; }\n";
    match inputs.or("bundler", "Gemfile.lock") {
        "none" => String::new(),
        "default" => any.to_owned(),
        // Bundler takes the version of the lock file by itself where it can be had
        "Gemfile.lock" => format!(
            "{any}{lock}[ -z \"$v\" ] || gem list -i bundler -v \"$v\" > /dev/null || echo \"##[warning]Bundler $v of $l is not here: $(bundle --version) goes on\"\n"
        ),
        "latest" => {
            format!("{any}gem install bundler || echo \"##[warning]the latest Bundler could not be had: $(bundle --version) goes on\"\n")
        }
        version => {
            let range = if version.matches('.').count() >= 2 { version.to_owned() } else { format!("~> {version}.0") };
            format!("v={}\n{there}", quoted(&range))
        }
    }
}
