//! Reads the arguments, hands them to the verb they name, and turns its end into an exit code.
//!
//! 0 done · 1 refused or invalid · 2 usage · 3 verified only in part

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::{
    conditions, custody, demo, directory, directory_args, index, init, package, reply, request, serve, verify,
};
use crate::daemon::clock;

/// Secure evidence exchange between central authorities: signed, sealed, with a chain of custody that a stranger can check.
#[derive(Debug, Parser)]
#[command(name = "rogatory", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Two nodes on this machine: request, evidence, receipts, verified bag
    Demo(demo::DemoArgs),
    /// Make a node: settings, keys, and the row to hand to the directory's keepers
    Init(init::InitArgs),
    /// Run the node
    Serve(serve::ServeArgs),
    /// The signed directory of authorities
    Directory(directory_args::DirectoryArgs),
    /// Requests for assistance
    Request(request::RequestArgs),
    /// Answers to a request
    Reply(reply::ReplyArgs),
    /// Packages of files
    Package(package::PackageArgs),
    /// Conditions on the use of a package
    Conditions(conditions::ConditionsArgs),
    /// The chain-of-custody log
    Custody(custody::CustodyArgs),
    /// Verify a bag, a log, a proof or a receipt: offline, without any node
    Verify(verify::VerifyArgs),
    /// The index: derived from the log, may be rebuilt at any time
    Index(index::IndexArgs),
    /// Read settings and directory again in the running node
    Reload(serve::ReloadArgs),
}

/// Runs the program on the process's arguments and returns its exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let out = &mut std::io::stdout().lock();
    let ended = match arguments.verb {
        Verb::Demo(args) => demo::run(&args, out),
        Verb::Init(args) => init::run(&args, out),
        Verb::Serve(args) => serve::run(&args),
        Verb::Directory(args) => directory::run(args, clock::now(), out).map_err(anyhow::Error::from),
        Verb::Request(args) => request::run(&args, out),
        Verb::Reply(args) => reply::run(&args, out),
        Verb::Package(args) => package::run(&args, out),
        Verb::Conditions(args) => conditions::run(&args, out),
        Verb::Custody(args) => custody::run(&args, out),
        Verb::Verify(args) => verify::run(&args, clock::now(), out).map_err(anyhow::Error::from),
        Verb::Index(args) => index::run(&args, out),
        Verb::Reload(args) => serve::reload(&args, out),
    };
    match ended {
        Ok(code) => code,
        // A reader that went away (`| head`) is no error of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rogatory: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(kind)
}
