//! What the node denies itself before it listens: writing outside its data, starting programs, looking into other processes, core
//! dumps, new privileges. Where the kernel lacks one of them the node runs all the same, and `doctor` says so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use landlock::{ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus};
use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::daemon::health::Finding;

/// What is in force in this process; set once.
static FORCE: OnceLock<Vec<Measure>> = OnceLock::new();

#[derive(Debug, Clone, PartialEq, Eq)]
struct Measure {
    what: &'static str,
    /// Why not, if not.
    missing: Option<String>,
}

/// System calls that a node never makes.
const DENIED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
];

/// Puts it in force for this thread and all that it starts: called before there is a second one. Only for the program that serves.
pub fn enter(data: &Path) {
    let measures = vec![
        measure("no core dumps", no_core_dumps()),
        measure("no new privileges", rustix::thread::set_no_new_privs(true).map_err(|error| error.to_string())),
        measure("memory is never swapped out", locked_memory()),
        measure("writes nothing outside its data, starts no program (Landlock)", landlocked(data)),
        measure("never makes the system calls of debuggers and administrators (seccomp)", filtered()),
    ];
    for missing in measures.iter().filter(|measure| measure.missing.is_some()) {
        tracing::warn!(measure = missing.what, reason = missing.missing, "the node runs without it");
    }
    // A second call has nothing to add.
    let _ = FORCE.set(measures);
}

/// For `doctor`. Nothing where no node serves in this process.
pub(super) fn findings() -> Vec<Finding> {
    let told = |measure: &Measure| match &measure.missing {
        None => Finding::good("sandbox", measure.what),
        Some(why) => {
            let next = "see \"Hardening\" in deploy/README.md; the node works without it";
            Finding::warning("sandbox", format!("not in force: {} ({why})", measure.what), next)
        }
    };
    FORCE.get().map(|measures| measures.iter().map(told).collect()).unwrap_or_default()
}

fn measure(what: &'static str, done: Result<(), String>) -> Measure {
    Measure { what, missing: done.err() }
}

fn no_core_dumps() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(|error| error.to_string())?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| error.to_string())
}

/// Only where there is no bound on locked memory: below one, a later allocation would fail, and with it the node.
fn locked_memory() -> Result<(), String> {
    if rustix::process::getrlimit(Resource::Memlock).current.is_some() {
        return Err("the limit on locked memory is not infinite".to_owned());
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    rustix::mm::mlockall(flags).map_err(|error| error.to_string())
}

fn landlocked(data: &Path) -> Result<(), String> {
    // Renames between directories are a right of their own from the second version on.
    let abi = ABI::V3;
    let writes = AccessFs::from_write(abi);
    let data = PathFd::new(data).map_err(|error| error.to_string())?;
    let done = Ruleset::default()
        .handle_access(writes | AccessFs::Execute)
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rule(PathBeneath::new(data, writes)))
        .and_then(|rules| rules.restrict_self());
    match done.map_err(|error| error.to_string())?.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("this kernel knows a part of it only".to_owned()),
        RulesetStatus::NotEnforced => Err("this kernel has it not".to_owned()),
    }
}

fn filtered() -> Result<(), String> {
    let rules: BTreeMap<i64, Vec<_>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().map_err(|error| format!("{error}"))?;
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, denied, arch).map_err(|error| error.to_string())?;
    let program: BpfProgram = filter.try_into().map_err(|error| format!("{error}"))?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}
