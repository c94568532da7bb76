//! Reads the arguments, hands them to the verb they name, and turns its end into an exit code.
//!
//! 0 done · 1 refused or invalid · 2 usage · 3 verified only in part, or a person must be asked

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::{
    backup, completions, conditions, config, consent, custody, demo, directory, directory_args, doctor, emergency, index,
    init, keys, law, package, reply, request, restore, rotate, serve, steps, thread, verify,
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
    /// Return items of evidence: demand, dispatch, receipt, waive
    Return(steps::StepArgs<{ steps::RETURN }>),
    /// Certify the destruction of items of evidence
    Destroy(steps::StepArgs<{ steps::DESTROY }>),
    /// What must be answered, returned, destroyed, reported; by whom and until when
    Duties(thread::DutiesArgs),
    /// Packages of files
    Package(package::PackageArgs),
    /// Conditions on the use of a package
    Conditions(conditions::ConditionsArgs),
    /// Consent to another use of evidence
    Consent(consent::ConsentArgs),
    /// Assurances that a transmission waits for
    Assurance(consent::AssuranceArgs),
    /// Give notice that evidence which clears an accused is disclosed; the notice opens every condition
    Exculpatory(consent::ExculpatoryArgs),
    /// The chain-of-custody log
    Custody(custody::CustodyArgs),
    /// Which legal basis binds two authorities; the instruments behind it
    Law(law::LawArgs),
    /// Verify a bag, a log, a proof or a receipt: offline, without any node
    Verify(verify::VerifyArgs),
    /// The index: derived from the log, may be rebuilt at any time
    Index(index::IndexArgs),
    /// Replace a key, logged; beside work or while the node is stopped
    Rotate(rotate::RotateArgs),
    /// Lock the private key files of the stopped node under a passphrase, or unlock them
    Keys(keys::KeysArgs),
    /// Back the node up, running or stopped; sealed to a key kept elsewhere
    Backup(backup::BackupArgs),
    /// Put a backup into an empty directory, and decide how its log goes on
    Restore(restore::RestoreArgs),
    /// Stop serving a peer, and serve it again
    Peer(emergency::PeerArgs),
    /// Take no new act and hand nothing over; reading goes on
    Freeze(emergency::FreezeArgs),
    /// Work again after `freeze`
    Thaw(emergency::ThawArgs),
    /// Look at the node, or at the way to a peer, and say what to do next
    Doctor(doctor::DoctorArgs),
    /// Ask the running node whether it is ready; for containers and supervisors
    Healthcheck(doctor::HealthcheckArgs),
    /// Read settings and directory again in the running node
    Reload(serve::ReloadArgs),
    /// The settings, each with its source and default
    Config(config::ConfigArgs),
    /// Print the completions for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs the program on the process's arguments and returns its exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let out = &mut Out { to: std::io::stdout().lock(), reader: Reader::There };
    let ended = match arguments.verb {
        Verb::Demo(args) => demo::run(&args, out),
        Verb::Init(args) => init::run(&args, out),
        Verb::Serve(args) => serve::run(&args),
        Verb::Directory(args) => directory::run(args, clock::now(), out).map_err(anyhow::Error::from),
        Verb::Request(args) => request::run(&args, out),
        Verb::Reply(args) => reply::run(&args, out),
        Verb::Return(args) => args.run(out),
        Verb::Destroy(args) => args.run(out),
        Verb::Duties(args) => thread::duties(&args, out),
        Verb::Package(args) => package::run(&args, out),
        Verb::Conditions(args) => conditions::run(&args, out),
        Verb::Consent(args) => consent::consent(&args, out),
        Verb::Assurance(args) => consent::assurance(&args, out),
        Verb::Exculpatory(args) => consent::exculpatory(&args, out),
        Verb::Custody(args) => custody::run(&args, out),
        Verb::Law(args) => law::run(&args, clock::now(), out),
        Verb::Verify(args) => verify::run(&args, clock::now(), out).map_err(anyhow::Error::from),
        Verb::Index(args) => index::run(&args, out),
        Verb::Rotate(args) => rotate::run(&args, out),
        Verb::Keys(args) => keys::run(&args, out),
        Verb::Backup(args) => backup::run(&args, out),
        Verb::Restore(args) => restore::run(&args, out),
        Verb::Peer(args) => emergency::peer(&args, out),
        Verb::Freeze(args) => emergency::freeze(&args, out),
        Verb::Thaw(args) => emergency::thaw(&args, out),
        Verb::Doctor(args) => doctor::doctor(&args, out),
        Verb::Healthcheck(args) => doctor::healthcheck(&args, out),
        Verb::Reload(args) => serve::reload(&args, out),
        Verb::Config(args) => config::run(&args, out),
        Verb::Completions(args) => completions::run(&args, Arguments::command(), out),
    };
    match ended {
        Ok(code) => code,
        // A reader that went away (`| head`) is no error of ours.
        Err(_) if out.reader == Reader::Gone => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rogatory: {}", told(&error));
            ExitCode::from(1)
        }
    }
}

/// Standard output, which knows whether its reader went away: a pipe to anything else that breaks is an error.
struct Out<W> {
    to: W,
    reader: Reader,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

impl<W: Write> Out<W> {
    fn seen<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if matches!(&done, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            self.reader = Reader::Gone;
        }
        done
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.to.write(bytes);
        self.seen(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.to.flush();
        self.seen(done)
    }
}

/// The error and its causes in one line. Many texts name their cause already: it is not said twice.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = || io::Error::other("the disk is gone");
        let error = Err::<(), _>(cause()).context("cannot write: the disk is gone").unwrap_err();
        assert_eq!(told(&error), "cannot write: the disk is gone");
        let error = Err::<(), _>(cause()).context("cannot write").unwrap_err();
        assert_eq!(told(&error), "cannot write: the disk is gone");
    }

    #[test]
    fn only_the_output_says_that_its_reader_is_gone() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Out { to: Broken, reader: Reader::There };
        out.flush().unwrap();
        assert_eq!(out.reader, Reader::There);
        out.write_all(b"x").unwrap_err();
        assert_eq!(out.reader, Reader::Gone);
    }
}
