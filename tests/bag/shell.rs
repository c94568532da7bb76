//! Runs the judges as a person would: by the command lines of VERIFY.md, in the folder of the bag.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a command line in the folder, with the judges' programs in reach; what it said, or what it complained about.
pub fn shell(folder: &Path, line: &str) -> Result<String, String> {
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges-venv"), PathBuf::from);
    let path = std::env::var("PATH").unwrap_or_default();
    let done = Command::new("sh")
        .args(["-c", line])
        .env("PATH", format!("{}:{path}", venv.join("bin").display()))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert_ne!(done.status.code(), Some(127), "a judge is missing; run tests/judges/install.sh: {said}");
    if done.status.success() { Ok(said) } else { Err(said) }
}

/// The commands that VERIFY.md gives, from its `sh` blocks.
pub fn commands(bag: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(bag.join("rogatory/VERIFY.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim().to_owned());
    blocks.collect()
}
