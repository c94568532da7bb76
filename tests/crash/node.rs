//! One `rogatory serve` process of a test: started, killed, started again by the same command. Ends with the test.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rogatory::daemon::api::{OFFICER_HEADER, percent_encoded};
use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_rogatory");
/// How long anything may take before the test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A node of which at most one process runs.
pub struct Node {
    pub data: PathBuf,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    /// Moves before and after each kill, so that an act which failed for one can tell.
    disturbances: AtomicU64,
}

impl Node {
    pub fn at(data: &Path) -> Self {
        let log = data.with_extension("log");
        Self { data: data.to_owned(), log, child: Mutex::default(), disturbances: AtomicU64::new(0) }
    }

    /// Starts the process; does not wait for it.
    pub fn start(&self) {
        self.spawn(None);
    }

    /// Starts a process that kills itself at a named point.
    pub fn start_to_die_at(&self, point: &str) {
        self.spawn(Some(point));
    }

    fn spawn(&self, point: Option<&str>) {
        let mut child = self.child.lock().unwrap();
        assert!(child.is_none(), "the node runs already");
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--data").arg(&self.data).env_remove("ROGATORY_CRASH_AT");
        if let Some(point) = point {
            command.env("ROGATORY_CRASH_AT", point);
        }
        *child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// Kills the process as a power cut would, at whatever it is doing.
    pub fn kill(&self) {
        self.disturbances.fetch_add(1, Ordering::SeqCst);
        if let Some(mut child) = self.child.lock().unwrap().take() {
            // It may have died by itself: then there is nothing to kill.
            let _ = child.kill();
            child.wait().unwrap();
        }
        self.disturbances.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until the process has died by SIGKILL at its own named point.
    pub fn died_of_its_point(&self, point: &str) {
        let status = self.ended(PATIENCE);
        self.disturbances.fetch_add(1, Ordering::SeqCst);
        let status = status.unwrap_or_else(|| panic!("`{point}` was never reached\n{}", self.last_words()));
        assert_eq!(status.signal(), Some(9), "`{point}`: {status}\n{}", self.last_words());
    }

    /// Asks the process to end, and demands that it ends well.
    pub fn stop(&self) {
        if let Some(child) = self.child.lock().unwrap().as_ref() {
            let id = rustix::process::Pid::from_child(child);
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        }
        let status = self.ended(PATIENCE).unwrap_or_else(|| panic!("it does not stop\n{}", self.last_words()));
        assert!(status.success(), "{status}\n{}", self.last_words());
    }

    fn ended(&self, patience: Duration) -> Option<ExitStatus> {
        poll(patience, || {
            let mut child = self.child.lock().unwrap();
            let status = child.as_mut().expect("a process was started").try_wait().unwrap()?;
            *child = None;
            Some(status)
        })
    }

    /// Waits until the process answers officers. A process that ended by itself is a failure.
    pub fn ready(&self) {
        let answered = poll(PATIENCE, || {
            let ended = self.child.lock().unwrap().as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "the node ended by itself: {ended:?}\n{}", self.last_words());
            self.status()
        });
        assert!(answered.is_some(), "the node does not get ready\n{}", self.last_words());
    }

    /// Waits until a process answers, perhaps the next one: this one may be dying.
    pub fn ready_again(&self) {
        let answered = poll(PATIENCE, || self.status());
        assert!(answered.is_some(), "the node does not get ready\n{}", self.last_words());
    }

    /// What the node says of itself; `None` while it does not answer.
    pub fn status(&self) -> Option<Value> {
        let mut socket = UnixStream::connect(self.data.join("officer.sock")).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let officer = percent_encoded(&self.first_officer()?);
        let head = format!("host: node\r\n{OFFICER_HEADER}: {officer}\r\nconnection: close");
        socket.write_all(format!("GET /v1/status HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    fn first_officer(&self) -> Option<String> {
        let settings: toml::Table = fs::read_to_string(self.data.join("config.toml")).ok()?.parse().ok()?;
        settings.get("officer")?.get(0)?.get("name")?.as_str().map(str::to_owned)
    }

    /// Whether nothing waits to be handed over or fetched.
    pub fn idle(&self) -> bool {
        self.status().is_some_and(|status| status["outbox"] == 0 && status["intake"] == 0)
    }

    /// Changes whenever the process was killed or died.
    pub fn disturbances(&self) -> u64 {
        self.disturbances.load(Ordering::SeqCst)
    }

    /// Whether the process was killed since, or died by itself. The system may tell a moment after its sockets closed.
    pub fn disturbed_since(&self, before: u64) -> bool {
        let dead = || self.child.lock().unwrap().as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        poll(Duration::from_secs(2), || (before != self.disturbances() || dead()).then_some(())).is_some()
    }

    /// Whether its log says so anywhere.
    pub fn has_logged(&self, words: &str) -> bool {
        fs::read_to_string(&self.log).unwrap_or_default().contains(words)
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Also when the test panics: no process outlives it.
        if let Some(mut child) = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks again and again until there is an answer; `None` when the time is over.
pub fn poll<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if begun.elapsed() > patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
