//! Runs the program and holds its answer; a daemon that a test started dies with the test, whatever happens.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for what must happen. A machine under load is slow, never wrong.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The program, without any setting of the one who runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rogatory"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"ROGATORY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub fn run(args: &[&str]) -> Ran {
    Ran::of(program().args(args).stdin(Stdio::null()).output().unwrap(), args)
}

/// Runs a command that reads standard input.
pub fn run_with_input(args: &[&str], input: &[u8]) -> Ran {
    let mut command = program();
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may refuse before it reads: then nobody takes the input.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap(), args)
}

/// What a command answered.
#[derive(Debug)]
pub struct Ran {
    args: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(output: Output, args: &[&str]) -> Self {
        Self {
            args: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with that code.
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "`{}` said:\n{}{}", self.args, self.out, self.err);
        self
    }

    /// It failed; gives all that it said.
    pub fn failed(self) -> String {
        let ran = self.ends(1);
        ran.out + &ran.err
    }

    /// It was done; gives what it printed.
    pub fn done(self) -> String {
        self.ends(0).out
    }

    /// It was done; gives the one JSON document that it printed.
    pub fn json(self) -> Value {
        let args = self.args.clone();
        serde_json::from_str(&self.done()).unwrap_or_else(|error| panic!("`{args}`: {error}"))
    }

    /// It was refused, and said why in words that hold these.
    pub fn refused(self, words: &[&str]) -> String {
        let ran = self.ends(1);
        assert_eq!(ran.out, "", "`{}` was refused and printed an answer", ran.args);
        for word in words {
            assert!(ran.err.contains(word), "`{}` does not say `{word}`: {}", ran.args, ran.err);
        }
        ran.err
    }
}

/// A running `rogatory serve`. Killed when it is dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts the node in `data` and waits until it answers officers. Its log lines go to the end of `log`.
    pub fn start(data: &Path, log: &Path, level: &str) -> Self {
        Self::start_crashing(data, log, level, "")
    }

    /// Starts the node as [`Self::start`] does; it kills itself at that named place.
    pub fn start_crashing(data: &Path, log: &Path, level: &str, point: &str) -> Self {
        let begun = fs::metadata(log).map_or(0, |facts| facts.len());
        let mut daemon = Self::spawn_crashing(data, log, level, point);
        until("the node to be ready", || {
            if let Some(status) = daemon.child.try_wait().unwrap() {
                panic!("the node ended with {status}:\n{}", daemon.said());
            }
            let said = fs::read_to_string(log).unwrap();
            said.get(usize::try_from(begun).unwrap()..).is_some_and(|said| said.contains("node ready")).then_some(())
        });
        daemon
    }

    /// Starts the node and does not wait.
    pub fn spawn(data: &Path, log: &Path, level: &str) -> Self {
        Self::spawn_crashing(data, log, level, "")
    }

    fn spawn_crashing(data: &Path, log: &Path, level: &str, point: &str) -> Self {
        let lines = File::options().create(true).append(true).open(log).unwrap();
        let mut command = program();
        command.arg("serve").arg("--data").arg(data).env("ROGATORY_CRASH_AT", point);
        if !level.is_empty() {
            command.env("ROGATORY_LOG", level);
        }
        command.stdin(Stdio::null()).stdout(lines.try_clone().unwrap()).stderr(lines);
        Self { child: command.spawn().unwrap(), log: log.to_owned() }
    }

    /// What it logged.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks it to end and gives its exit code.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order; gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self) -> Option<i32> {
        until("the node to end", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
