//! The arguments of `rogatory directory`. A number out of its range never reaches a verb.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::directory_registry::RegistryVerb;
use crate::cli::show::Form;
use crate::exchange::keeper::{Fingerprint, KeeperKey};
use crate::model::ident::AuthorityId;

/// Arguments of `rogatory directory`.
#[derive(Debug, Args)]
pub struct DirectoryArgs {
    #[command(subcommand)]
    /// What to do.
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a keeper's key; prints the public key, which the other keepers need
    Keygen {
        /// Where to write the private key (PEM, readable by its owner alone)
        #[arg(long)]
        out: PathBuf,
    },
    /// Found a directory: a folder, or one file if the name ends in .rogatory-directory
    New {
        /// The folder or file
        path: PathBuf,
        /// Its keepers
        #[command(flatten)]
        keepers: KeeperArgs,
        /// Its validity
        #[command(flatten)]
        validity: ValidityArgs,
    },
    /// Put authorities into the list, each in the place of its old row; the keepers then sign
    Add {
        /// The directory's folder or file
        path: PathBuf,
        /// The files that `rogatory init` wrote
        #[arg(required = true)]
        entries: Vec<PathBuf>,
        /// Days until the list expires
        #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
        valid_days: u32,
    },
    /// Take an authority out of the list; the keepers then sign
    Remove {
        /// The directory's folder or file
        path: PathBuf,
        /// Whom
        authority: AuthorityId,
        /// Days until the list expires
        #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
        valid_days: u32,
    },
    /// Prolong the list as it is; the keepers then sign
    Renew {
        /// The directory's folder or file
        path: PathBuf,
        /// Days until the list expires
        #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
        valid_days: u32,
    },
    /// Hand the directory over to other keepers, or to new keys; the former and the new keepers then sign
    Rotate {
        /// The directory's folder or file
        path: PathBuf,
        /// Its keepers
        #[command(flatten)]
        keepers: KeeperArgs,
        /// Its validity
        #[command(flatten)]
        validity: ValidityArgs,
    },
    /// Sign with a keeper's key
    Sign {
        /// The directory's folder or file
        path: PathBuf,
        /// The keeper's private key
        #[arg(long)]
        key: PathBuf,
    },
    /// Say whether the directory is complete, who signed and who did not (exit 3: signatures are missing)
    Verify {
        /// The directory's folder or file
        path: PathBuf,
        /// The fingerprint of a root to start from
        #[arg(long)]
        trust_root: Option<Fingerprint>,
        /// Its form
        #[command(flatten)]
        form: JsonArgs,
    },
    /// List the authorities
    Show {
        /// The directory's folder or file
        path: PathBuf,
        /// Its form
        #[command(flatten)]
        form: JsonArgs,
    },
    /// Copy a folder into one file for the mail, or such a file into a folder
    Pack {
        /// From
        from: PathBuf,
        /// To; must not exist
        to: PathBuf,
        /// Leave the registry out: for nodes that hold it already
        #[arg(long)]
        without_registry: bool,
    },
    /// The registry of what States did about treaties, which goes with the list
    Registry {
        #[command(subcommand)]
        /// What to do with it
        verb: RegistryVerb,
    },
    /// Accept a directory for a node
    Import {
        /// The directory's folder or file
        path: PathBuf,
        /// The node's data directory
        #[arg(long)]
        data: PathBuf,
        /// The fingerprint that the keepers published (first import)
        #[arg(long, conflicts_with = "trust_first_root")]
        trust_root: Option<Fingerprint>,
        /// Trust whoever made the first root, unseen (first import; for trials)
        #[arg(long)]
        trust_first_root: bool,
    },
}

/// Who keeps a directory.
#[derive(Debug, Args)]
pub struct KeeperArgs {
    /// A keeper's public key; several times
    #[arg(long = "keeper", value_name = "PUBLIC", required_unless_present = "keys")]
    pub keepers: Vec<KeeperKey>,
    /// A keeper's private key file, of which the public key is taken; several times
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// How many of the keepers must sign
    #[arg(long)]
    pub threshold: usize,
}

/// How long a directory holds.
#[derive(Debug, Args)]
pub struct ValidityArgs {
    /// Days until the list expires
    #[arg(long, default_value_t = LIST_DAYS, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub valid_days: u32,
    /// Days until the keepers' own mandate expires
    #[arg(long, default_value_t = ROOT_DAYS, value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub root_valid_days: u32,
}

/// Keepers are offices with keys in a safe: they meet once a year, not once a day.
pub const LIST_DAYS: u32 = 366;
/// Five years: changing the root takes the former and the new keepers.
const ROOT_DAYS: u32 = 1_830;
/// A century: dates stay within what every reader of RFC 3339 takes.
pub const DAYS_MAX: i64 = 36_525;

/// In which form a reading verb answers.
#[derive(Debug, Clone, Copy, Args)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl JsonArgs {
    /// For whom the answer is written.
    pub fn form(self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}
