//! A stage as a state machine: what the instructions so far make of the base's configuration, and what is to be done
//! for the next one. Variables are replaced here, since they depend on the base.

use std::collections::BTreeMap;

use penstock_model::image::{Empty, RunConfig};

use crate::dockerfile::{Command, Dockerfile, DockerfileError, Instruction, Verb};
use crate::words::Words;

/// No EXPOSE opens a wider range.
const MAX_PORTS: u16 = 1024;

/// Where a `COPY` takes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFrom {
    /// The context.
    Context,
    /// An earlier stage.
    Stage(usize),
    /// An image, as it is written.
    Image(String),
}

/// Files to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Where from.
    pub from: CopyFrom,
    /// True for `ADD`, which would unpack archives.
    pub add: bool,
    /// Below the source, clean, or patterns.
    pub sources: Vec<String>,
    /// Absolute; ends with `/` if it must be a directory.
    pub dest: String,
    /// `user`, `user:group`; names are the stage's.
    pub chown: Option<String>,
    /// A mode for everything copied.
    pub chmod: Option<u32>,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Program and arguments.
    pub args: Vec<String>,
    /// `NAME=value`: the image's and the declared arguments.
    pub env: Vec<String>,
    /// As the Dockerfile has it.
    pub user: Option<String>,
    /// Absolute.
    pub working_dir: String,
    /// True if the machine's network was asked for.
    pub network: bool,
}

/// What an instruction asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing but the configuration changed.
    Config,
    /// This directory is there.
    Workdir(String),
    /// Run something.
    Run(Run),
    /// Copy something.
    Copy(Copy),
}

/// A stage under way.
#[derive(Clone, Debug)]
pub struct StageState {
    /// The image's configuration so far.
    pub config: RunConfig,
    args: BTreeMap<String, String>,
    shell: Vec<String>,
    own_cmd: bool,
}

impl StageState {
    /// A stage on a base with this configuration.
    pub fn new(base: RunConfig) -> Self {
        Self { config: base, args: BTreeMap::new(), shell: vec!["/bin/sh".to_owned(), "-c".to_owned()], own_cmd: false }
    }

    /// Takes the next instruction of stage number `stage`.
    pub fn apply(&mut self, file: &Dockerfile, stage: usize, instruction: &Instruction) -> Result<Step, DockerfileError> {
        let error = |(what, hint): (String, String)| file.error(instruction.line, what, hint);
        let variables = self.variables();
        let words = Words { escape: file.escape, variables: &variables };
        let one = |text: &str| words.one(text).map_err(|what| error((what, String::new())));
        match &instruction.verb {
            Verb::Arg(args) => {
                for (name, default) in args {
                    let default = default.as_ref().map(|text| one(text)).transpose()?;
                    let value = file.build_args.get(name).cloned().or(default).or_else(|| file.globals.get(name).cloned());
                    self.args.extend(value.map(|value| (name.clone(), value)));
                }
            }
            Verb::Env(pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(name, value)| Ok((one(name)?, one(value)?))).collect::<Result<_, _>>()?;
                for (name, value) in pairs {
                    self.set_env(&name, &value);
                }
            }
            Verb::Label(pairs) => {
                for (name, value) in pairs {
                    self.config.labels.insert(one(name)?, one(value)?);
                }
            }
            Verb::Run { network, command } => return self.run(network.unwrap_or(file.run_network), command).map(Step::Run).map_err(error),
            Verb::Copy { .. } => return self.copy(file, stage, &instruction.verb, &one, &error).map(Step::Copy),
            Verb::Workdir(path) => {
                let path = join(self.working_dir(), &one(path)?);
                self.config.working_dir = Some(path.clone());
                return Ok(Step::Workdir(path));
            }
            Verb::User(user) => self.config.user = Some(one(user)?),
            Verb::Expose(ports) => {
                for port in ports {
                    self.config.exposed_ports.extend(expose(&one(port)?).map_err(error)?.map(|port| (port, Empty {})));
                }
            }
            Verb::Entrypoint(command) => {
                self.config.entrypoint = Some(self.command(command));
                // arguments of the base belong to the base's program
                if !self.own_cmd {
                    self.config.cmd = None;
                }
            }
            Verb::Cmd(command) => {
                self.config.cmd = Some(self.command(command));
                self.own_cmd = true;
            }
            Verb::Shell(shell) => self.shell.clone_from(shell),
            Verb::StopSignal(signal) => self.config.stop_signal = Some(one(signal)?),
        }
        Ok(Step::Config)
    }

    fn working_dir(&self) -> &str {
        self.config.working_dir.as_deref().filter(|path| !path.is_empty()).unwrap_or("/")
    }

    /// Arguments under the environment.
    fn variables(&self) -> BTreeMap<String, String> {
        let env = self.config.env.iter().filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.args.clone().into_iter().chain(env).collect()
    }

    fn set_env(&mut self, name: &str, value: &str) {
        let pair = format!("{name}={value}");
        match self.config.env.iter_mut().find(|pair| pair.split_once('=').is_some_and(|(own, _)| own == name)) {
            Some(own) => *own = pair,
            None => self.config.env.push(pair),
        }
    }

    fn command(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(words) => words.clone(),
            Command::Shell(text) => [self.shell.clone(), vec![text.clone()]].concat(),
        }
    }

    fn run(&self, network: bool, command: &Command) -> Result<Run, (String, String)> {
        let args = self.command(command);
        let env = self.variables().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if args.iter().any(|word| word.contains('\0')) {
            return Err(("a zero byte in a command".to_owned(), "leave it out".to_owned()));
        }
        Ok(Run { args, env, user: self.config.user.clone(), working_dir: self.working_dir().to_owned(), network })
    }

    fn copy(
        &self,
        file: &Dockerfile,
        stage: usize,
        verb: &Verb,
        one: &dyn Fn(&str) -> Result<String, DockerfileError>,
        error: &dyn Fn((String, String)) -> DockerfileError,
    ) -> Result<Copy, DockerfileError> {
        let Verb::Copy { add, from, chown, chmod, sources, dest } = verb else {
            return Err(error(("this is no COPY".to_owned(), String::new())));
        };
        let from = match from {
            None => CopyFrom::Context,
            Some(name) => file.stage_named(name, stage).map_or_else(|| CopyFrom::Image(name.clone()), CopyFrom::Stage),
        };
        let sources = sources.iter().map(|source| clean_source(&one(source)?).map_err(error)).collect::<Result<Vec<_>, _>>()?;
        let written = one(dest)?;
        let must_be_directory = written.ends_with('/') || written == "." || written.ends_with("/.");
        let mut dest = join(self.working_dir(), &written);
        if must_be_directory && dest != "/" {
            dest.push('/');
        }
        if sources.len() > 1 && !dest.ends_with('/') {
            return Err(error((format!("several files into `{written}`"), "end the destination with `/`".to_owned())));
        }
        let chmod = chmod.as_deref().map(|mode| {
            let mode = one(mode)?;
            u32::from_str_radix(&mode, 8)
                .ok()
                .filter(|bits| *bits <= 0o7777)
                .ok_or_else(|| error((format!("--chmod={mode} is no octal mode"), "write it as 0755".to_owned())))
        });
        let chown = chown.as_deref().map(one).transpose()?;
        Ok(Copy { from, add: *add, sources, dest, chown, chmod: chmod.transpose()? })
    }
}

/// A path from a directory, clean; `..` stops at the root.
pub fn join(directory: &str, path: &str) -> String {
    let start = if path.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn clean_source(source: &str) -> Result<String, (String, String)> {
    if source.split('/').any(|part| part == "..") {
        return Err((
            format!("`{source}` leads out of the context"),
            "move the file into the context, or choose a higher --context".to_owned(),
        ));
    }
    Ok(join("/", source).trim_start_matches('/').to_owned())
}

fn expose(port: &str) -> Result<impl Iterator<Item = String> + use<>, (String, String)> {
    let (range, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let numbers = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
    let protocol = protocol.to_ascii_lowercase();
    match numbers {
        Some((first, last))
            if first > 0 && first <= last && last - first < MAX_PORTS && matches!(protocol.as_str(), "tcp" | "udp" | "sctp") =>
        {
            Ok((first..=last).map(move |port| format!("{port}/{protocol}")))
        }
        _ => Err((format!("`{port}` is no port"), "write `8080` or `8080/udp`".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn seen(text: &str, build_args: &[(&str, &str)]) -> String {
        let build_args = build_args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let file = match Dockerfile::parse("Dockerfile", text, "linux/amd64", &build_args) {
            Ok(file) => file,
            Err(error) => return format!("error: {error}"),
        };
        let last = file.stages.len() - 1;
        let mut state =
            StageState::new(RunConfig { env: vec!["HOME=/base".to_owned()], cmd: Some(vec!["base".to_owned()]), ..RunConfig::default() });
        let mut seen = String::new();
        for instruction in &file.stages[last].instructions {
            match state.apply(&file, last, instruction) {
                Ok(Step::Config) => {}
                Ok(step) => writeln!(seen, "{step:?}").unwrap(),
                Err(error) => return format!("error: {error}"),
            }
        }
        let config = serde_json::to_string(&state.config).unwrap();
        seen + &config
    }

    #[test]
    fn variables_come_from_arguments_under_the_environment() {
        let text = "ARG V=1\nFROM x\nARG V\nARG W=w$V\nENV V=2 X=$V\nARG V=3\nRUN echo\nWORKDIR $HOME/${W}\nLABEL v=$V\n";
        insta::assert_snapshot!(seen(text, &[]), @r#"
        Run(Run { args: ["/bin/sh", "-c", "echo"], env: ["HOME=/base", "V=2", "W=w1", "X=1"], user: None, working_dir: "/", network: false })
        Workdir("/base/w1")
        {"Env":["HOME=/base","V=2","X=1"],"Cmd":["base"],"WorkingDir":"/base/w1","Labels":{"v":"2"}}
        "#);
        assert!(seen("FROM x\nARG V=1\nLABEL v=$V", &[("V", "given")]).contains(r#""v":"given""#));
        assert!(seen("FROM x\nARG TARGETARCH\nLABEL v=$TARGETARCH", &[]).contains(r#""v":"amd64""#));
    }

    #[test]
    fn copies_are_made_absolute_and_clean() {
        let text = "FROM a AS b\nFROM x\nWORKDIR /app\nCOPY . .\nCOPY --from=b /bin/x ./a//b/\nCOPY --from=other/image --chmod=755 --chown=app x y /z/\nADD a /b/../c\n";
        insta::assert_snapshot!(seen(text, &[]), @r#"
        Workdir("/app")
        Copy(Copy { from: Context, add: false, sources: [""], dest: "/app/", chown: None, chmod: None })
        Copy(Copy { from: Stage(0), add: false, sources: ["bin/x"], dest: "/app/a/b/", chown: None, chmod: None })
        Copy(Copy { from: Image("other/image"), add: false, sources: ["x", "y"], dest: "/z/", chown: Some("app"), chmod: Some(493) })
        Copy(Copy { from: Context, add: true, sources: ["a"], dest: "/c", chown: None, chmod: None })
        {"Env":["HOME=/base"],"Cmd":["base"],"WorkingDir":"/app"}
        "#);
    }

    #[test]
    fn an_entrypoint_takes_the_bases_arguments_away_and_its_own_stay() {
        assert!(!seen("FROM x\nENTRYPOINT [\"/y\"]", &[]).contains("Cmd"));
        assert!(seen("FROM x\nCMD [\"z\"]\nENTRYPOINT [\"/y\"]", &[]).contains(r#""Entrypoint":["/y"],"Cmd":["z"]"#));
        assert!(seen("FROM x\nSHELL [\"/bin/ash\", \"-ec\"]\nCMD a $b", &[]).contains(r#""Cmd":["/bin/ash","-ec","a $b"]"#));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        assert_eq!(
            seen("FROM x\nCOPY ../a /b", &[]),
            "error: Dockerfile:2: `../a` leads out of the context: move the file into the context, or choose a higher --context"
        );
        assert_eq!(seen("FROM x\nCOPY a b /c", &[]), "error: Dockerfile:2: several files into `/c`: end the destination with `/`");
        assert_eq!(seen("FROM x\nEXPOSE http", &[]), "error: Dockerfile:2: `http` is no port: write `8080` or `8080/udp`");
        assert_eq!(seen("FROM x\nCOPY --chmod=u+x a /b", &[]), "error: Dockerfile:2: --chmod=u+x is no octal mode: write it as 0755");
        assert!(seen("FROM x\nEXPOSE 8080-8081 53/udp", &[]).contains(r#""53/udp":{},"8080/tcp":{},"8081/tcp":{}"#));
    }
}
