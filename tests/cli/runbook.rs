//! Every command of the run-book, deploy/README.md, in its order, against real nodes. The machine's own commands that need root or
//! systemd have stand-ins; the paths of the machine lie in the folder of the test.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::office::path;
use crate::program::{run, until};
use crate::stage::Stage;

/// Starts what the unit says, without systemd.
const SYSTEMCTL: &str = r#"#!/bin/bash
set -eu
machine="${0%/stand-ins/*}"
pid="$machine/pid"
runs() { test -s "$pid" && grep -q '^State:[[:space:]]*[^Z]' "/proc/$(cat "$pid")/status" 2>/dev/null; }
start() {
    command="$(sed -n 's/^ExecStart=//p' "$machine/etc/systemd/system/rogatory.service")"
    command="${command//\/usr\/local/$machine/usr/local}"
    command="${command//\/var\/lib/$machine/var/lib}"
    $command >>"$machine/log" 2>&1 </dev/null &
    echo $! >"$pid"
}
stop() { if runs; then kill -TERM "$(cat "$pid")"; while runs; do sleep 0.05; done; fi; }
case "$*" in
    daemon-reload) test -s "$machine/etc/systemd/system/rogatory.service" ;;
    "enable --now rogatory" | "start rogatory") start ;;
    "disable --now rogatory" | "stop rogatory") stop ;;
    "restart rogatory") stop; start ;;
    *) echo "the test knows no systemctl $*" >&2; exit 1 ;;
esac
"#;

/// The machine of the run-book. What it started dies with it.
struct Machine {
    root: PathBuf,
    /// What the text says, and what it is here.
    here: Vec<(&'static str, String)>,
    trust_root: String,
}

impl Machine {
    fn new(root: PathBuf, address: &str) -> Self {
        for folder in ["stand-ins", "usr/local/bin", "etc/systemd/system", "var/lib", "media/safe", "work"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let nothing = "#!/bin/sh\nexit 0\n";
        let behind_the_dashes = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n";
        for (name, text) in [
            ("useradd", nothing),
            ("usermod", nothing),
            ("chown", nothing),
            ("runuser", behind_the_dashes),
            ("systemctl", SYSTEMCTL),
        ] {
            let file = root.join("stand-ins").join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_rogatory"), root.join("work/rogatory")).unwrap();
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/rogatory.service"), root.join("work/rogatory.service"))
            .unwrap();
        let below = |name: &str| path(&root.join(name)).to_owned();
        let uid = format!("@{}", rustix::process::getuid().as_raw());
        let here = vec![
            ("/usr/local/bin", below("usr/local/bin")),
            ("/etc/systemd/system", below("etc/systemd/system")),
            ("/var/lib", below("var/lib")),
            ("/media/safe", below("media/safe")),
            ("mla.arcadia.example:4711", address.to_owned()),
            ("0.0.0.0:4711", address.to_owned()),
            // TCP beside UDP: the same number is free.
            ("127.0.0.1:9464", address.to_owned()),
            ("@1000", uid.clone()),
            ("@1001", uid.clone()),
            ("@1002", uid),
        ];
        Self { root, here, trust_root: String::new() }
    }

    fn work(&self, name: &str) -> PathBuf {
        self.root.join("work").join(name)
    }

    /// Runs a block; it must end with 0.
    fn run(&self, section: &str, block: &str) -> String {
        let mut text = block.to_owned();
        for (theirs, ours) in &self.here {
            text = text.replace(theirs, ours);
        }
        let search =
            format!("{}:{}:{}", path(&self.root.join("stand-ins")), self.here[0].1, std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &text]).current_dir(self.root.join("work"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"ROGATORY_")) {
            shell.env_remove(name);
        }
        shell
            .env("PATH", search)
            .env("ROGATORY_DATA", self.root.join("var/lib/rogatory"))
            .env("ROOT", &self.trust_root);
        let ended = shell.stdin(Stdio::null()).output().unwrap();
        let (said, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "{section}: this block failed:\n{text}\n{said}{complained}\n{}", self.log());
        said.into_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.root.join("pid")).ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // It may have ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// The blocks of the run-book, each with the heading above it.
fn blocks() -> Vec<(String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/README.md")).unwrap();
    let (mut found, mut heading, mut block) = (Vec::new(), String::new(), None::<String>);
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```sh runbook") => block = Some(String::new()),
            (Some(text), "```") => {
                found.push((heading.clone(), std::mem::take(text)));
                block = None;
            }
            (Some(text), line) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, line) => {
                if let Some(title) = line.strip_prefix("## ") {
                    title.clone_into(&mut heading);
                }
            }
        }
    }
    found
}

/// What the keepers do between two sections: they sign a list of both authorities, which lies in the folder `members` and as
/// one file.
fn keepers_sign(machine: &mut Machine, stage: &Stage) {
    let (key, directory) = (machine.work("keeper.pem"), machine.work("members"));
    run(&["directory", "keygen", "--out", path(&key)]).done();
    let founded = run(&["directory", "new", path(&directory), "--key", path(&key), "--threshold", "1"]).done();
    let ours = machine.root.join("var/lib/rogatory/directory-entry.json");
    let theirs = stage.xb.data.join("directory-entry.json");
    run(&["directory", "add", path(&directory), path(&ours), path(&theirs)]).done();
    run(&["directory", "sign", path(&directory), "--key", path(&key)]).done();
    run(&["directory", "pack", path(&directory), path(&machine.work("members.rogatory-directory"))]).done();
    let line = founded.lines().find(|line| line.starts_with("Fingerprint")).unwrap();
    line.rsplit(' ').next().unwrap().clone_into(&mut machine.trust_root);
    let xb = path(&stage.xb.data);
    run(&["directory", "import", path(&directory), "--data", xb, "--trust-root", &machine.trust_root]).done();
}

#[test]
fn every_command_of_the_run_book_does_what_it_says() {
    let mut stage = Stage::without_directory(["Ana", "Bor"], ["Carla Lind", "Dan Holm"]);
    let settings = fs::read_to_string(stage.xa.data.join("config.toml")).unwrap();
    let address =
        settings.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap().trim_matches('"').to_owned();
    let mut machine = Machine::new(stage.at("machine"), &address);
    let mut sections: Vec<String> = Vec::new();
    for (section, block) in blocks() {
        if sections.last() != Some(&section) {
            match section.as_str() {
                "First peer" => {
                    keepers_sign(&mut machine, &stage);
                    stage.xb.start();
                }
                "A peer is unreachable" => stage.xb.stop(),
                _ => {}
            }
            sections.push(section.clone());
        }
        let said = machine.run(&section, &block);
        match section.as_str() {
            "Install" if block.contains("config show") => assert!(said.contains("none was imported"), "{said}"),
            "First peer" => assert!(said.contains("proved to be XB-MOJ"), "{said}"),
            "A peer is unreachable" => assert!(said.contains("BAD  path"), "{said}"),
            _ => {}
        }
        std::io::stdout().write_all(format!("{section}: done\n").as_bytes()).unwrap();
    }
    for wanted in [
        "Install",
        "First peer",
        "Daily look",
        "A certificate is about to expire",
        "The disk is full",
        "A peer is unreachable",
        "Leaving the network",
    ] {
        assert!(sections.iter().any(|section| section == wanted), "the run-book says nothing of: {wanted}");
    }
    until("the node to be gone", || machine.log().contains("node stopped").then_some(()));
    assert!(Path::new(&machine.root.join("media/safe/rogatory.tar")).exists());
}
