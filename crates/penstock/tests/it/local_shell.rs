//! `penstock run --shell-on-failure`, by a person at a real terminal.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::house::LIMIT;
use crate::local_run::Shop;

nix::ioctl_write_ptr_bad!(set_window_size, nix::libc::TIOCSWINSZ, Winsize);

/// A terminal with the program at it.
struct Seat {
    keys: std::fs::File,
    /// The program's end, to look at how the program leaves it.
    tty: OwnedFd,
    shown: mpsc::Receiver<Vec<u8>>,
    screen: String,
    program: Child,
}

impl Seat {
    fn at(mut program: Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let program = program.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let (sender, shown) = mpsc::channel();
        let mut screen = std::fs::File::from(master.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keys: master.into(), tty: slave, shown, screen: String::new(), program }
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until something is on the screen that was not there when it was last waited for.
    fn sees(&mut self, text: &str) {
        while !self.screen.contains(text) {
            let more = self.shown.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("`{text}` does not come: {}", self.screen));
            self.screen.push_str(&String::from_utf8_lossy(&more));
        }
        let end = self.screen.find(text).unwrap() + text.len();
        self.screen.drain(..end);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_shell_opens_where_a_step_failed_and_the_terminal_is_as_before_when_it_has_ended() {
    let shop = Shop::new(
        "look:
  script: ['echo made > made', 'exit 3']
  after_script: ['test -e left && echo cleaned']
  variables: {COLOUR: blue}
last: {stage: deploy, script: 'true'}
",
    );
    // the terminal's own session, so that its signals come
    let mut session = Command::new("setsid");
    let run = shop.command(&["--shell-on-failure"]);
    session.args(["--ctty", "--wait"]).arg(run.get_program()).args(run.get_args()).current_dir(&shop.at);
    let mut seat = Seat::at(session);
    seat.sees("exit code 3");
    seat.sees("a shell where `script` failed");
    seat.types("cat made; echo \"<$COLOUR ${#PENSTOCK_TOKEN}>\"; pwd; touch left; stty size\n");
    for line in ["made\r", "<blue 64>", "/builds/shop\r", "24 100\r"] {
        seat.sees(line);
    }
    seat.types("sh -c 'echo begun $((1 + 1)); exec sleep 1000'\n");
    seat.sees("begun 2");
    seat.types("\u{3}");
    seat.types("echo interrupted $((1 + 2))\n");
    seat.sees("interrupted 3");
    let wide = Winsize { ws_row: 33, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 };
    #[allow(unsafe_code, reason = "the kernel reads the structure that the call is defined for")]
    unsafe { set_window_size(std::os::fd::AsRawFd::as_raw_fd(&seat.keys), &raw const wide) }.unwrap();
    seat.types("until [ \"$(stty size)\" = '33 77' ]; do :; done; echo resized $((1 + 3))\n");
    seat.sees("resized 4");
    seat.types("exit\n");
    seat.sees("cleaned");
    seat.sees("STATUS");
    seat.sees("failed");
    seat.sees("skipped");
    assert_eq!(seat.program.wait().unwrap().code(), Some(1), "the job's failure stands");
    let flags = tcgetattr(&seat.tty).unwrap().local_flags;
    assert!(flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG), "{flags:?}");
}

#[test]
fn without_a_terminal_a_shell_is_refused_with_what_to_do() {
    let shop = Shop::new("look: {script: 'true'}\n");
    shop.says(&["--shell-on-failure"], 2, &["needs a terminal", "call it from a terminal"]);
    shop.says(&["--shell-on-failure", "--watch"], 2, &["cannot be used with"]);
}
