//! The rules of the house as tables: floors, homes, bounds and the exceptions, each by name and with its reason.

/// Directory of `src/`, its floor, and what stands there.
pub const FLOORS: &[(&str, u8)] = &[
    ("cli", 7),
    ("daemon", 6),
    ("net", 5),
    ("store", 5),
    ("bag", 5),
    ("exchange", 4),
    ("custody", 3),
    ("wire", 2),
    ("crypto", 2),
    ("law", 2),
    ("model", 1),
];

/// Floors up to this one are pure: no clock, no disk, no socket, no thread.
pub const PURE_FLOOR_MAX: u8 = 4;

/// Anybody may use the crate: it is vocabulary, not machinery.
const ANYWHERE: &[&str] = &[""];

/// Each crate of `[dependencies]` (as written in `use`) and the places below `src/` where it may be named.
pub const HOMES: &[(&str, &[&str])] = &[
    ("anyhow", &["cli/"]),
    ("argon2", &["crypto/locked.rs"]),
    ("arc_swap", &["net/", "daemon/"]),
    ("axum", &["daemon/", "cli/"]),
    ("blake3", &["crypto/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/completions.rs"]),
    ("cms", &["crypto/"]),
    ("crc32fast", &["store/"]),
    ("data_encoding", ANYWHERE),
    ("der", &["crypto/"]),
    ("hpke", &["crypto/"]),
    ("http_body_util", &["net/", "daemon/", "cli/"]),
    ("hyper", &["net/", "daemon/", "cli/"]),
    ("hyper_util", &["net/", "daemon/", "cli/"]),
    ("jiff", &["model/"]),
    ("landlock", &["daemon/sandbox.rs"]),
    ("libc", &["daemon/sandbox.rs"]),
    ("ml_dsa", &["crypto/"]),
    ("md5", &["crypto/"]),
    ("miniz_oxide", &["bag/"]),
    ("ml_kem", &["crypto/"]),
    ("pdf_writer", &["bag/"]),
    ("postcard", &["exchange/rows.rs"]),
    ("prometheus_client", &["daemon/meters.rs"]),
    ("prost", &["wire/"]),
    ("quinn", &["net/"]),
    ("quinn_proto", &["net/"]),
    ("rcgen", &["crypto/"]),
    ("ring", &["crypto/"]),
    ("rustix", &["store/", "daemon/", "cli/"]),
    ("rustls", &["net/"]),
    ("rustls_pki_types", &["crypto/", "net/"]),
    ("seccompiler", &["daemon/sandbox.rs"]),
    ("serde", ANYWHERE),
    ("serde_json", ANYWHERE),
    ("skrifa", &["bag/"]),
    ("sled", &["store/index.rs"]),
    ("subsetter", &["bag/"]),
    ("thiserror", ANYWHERE),
    ("time", &["crypto/"]),
    ("tokio", &["net/", "daemon/", "cli/"]),
    ("tokio_rustls", &["net/"]),
    ("tokio_util", &["net/", "daemon/", "cli/"]),
    ("toml", &["daemon/config.rs", "daemon/settings.rs", "cli/", "law/"]),
    ("tracing", &["net/", "store/", "daemon/", "cli/serve.rs"]),
    ("tracing_subscriber", &["daemon/", "cli/"]),
    ("uuid", &["model/"]),
    ("webpki", &["crypto/"]),
    ("x509_cert", &["crypto/"]),
    ("zeroize", ANYWHERE),
];

/// Where a crate is named outside its home: crate, file, reason.
pub const GUESTS: &[(&str, &str, &str)] = &[];

/// A package whose name in `use` is another one.
pub const RENAMED: &[(&str, &str)] = &[("md-5", "md5"), ("rustls-webpki", "webpki")];

/// Paths that reach outside, and the lowest floor that may name them.
pub const REACHES: &[(&[&str], u8, &str)] = &[
    (&["SystemTime", "now"], 6, "the wall clock is read in daemon/clock.rs and handed down as an argument"),
    (&["Instant", "now"], 6, "time is an argument; net may ask tokio's clock, which a test can stop"),
    (&["std", "fs"], PURE_FLOOR_MAX + 1, "floors 1-4 have no disk"),
    (&["std", "thread"], PURE_FLOOR_MAX + 1, "floors 1-4 have no threads"),
    (&["std", "process"], PURE_FLOOR_MAX + 1, "floors 1-4 start nothing"),
    (&["std", "env"], PURE_FLOOR_MAX + 1, "floors 1-4 read no environment"),
    (&["TcpStream", "connect"], PURE_FLOOR_MAX + 1, "floors 1-4 have no sockets"),
    (&["UdpSocket", "bind"], PURE_FLOOR_MAX + 1, "floors 1-4 have no sockets"),
];

/// Macros that write to the terminal: the command line speaks to people, everything below speaks through `tracing`.
pub const TERMINAL: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// Longest file and longest function, in lines.
pub const FILE_LINES_MAX: usize = 400;
/// Longest function, in lines.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, and why.
pub const LONG_FILES: &[(&str, &str)] = &[];
/// Functions that may be longer (`file::function`), and why.
pub const LONG_FUNCTIONS: &[(&str, &str)] = &[];
/// Public functions that may take a bool (`file::function`), and why.
pub const BOOLS: &[(&str, &str)] = &[];

/// Words that nothing in the tree may hold, where (a prefix of the path), and why.
pub const WORDS: &[(&str, &[&str], &str)] = &[
    (concat!("/wo", "rk/"), &[""], "it names a path of one machine"),
    (concat!("/ro", "ot/"), &[""], "it names a path of one machine"),
    (concat!("/tm", "p/"), &["src/", "docs/", "proto/", "fuzz/", "certs/"], "it names a path of one machine"),
    (concat!("/ho", "me/"), &["src/", "docs/", "proto/", "fuzz/", "certs/"], "it names a path of one machine"),
    (concat!("crates", ".io"), &[""], "it names a registry; the tools know theirs"),
    (concat!("pypi", ".org"), &[""], "it names a registry; the tools know theirs"),
    (concat!("deb.debian", ".org"), &[""], "it names a registry; the tools know theirs"),
    (concat!("proxy.gol", "ang.org"), &[""], "it names a registry; the tools know theirs"),
    (concat!("TO", "DO"), &[""], "finish it, or say in SPECIFICATION.md that it is not built"),
    (concat!("FIX", "ME"), &[""], "finish it, or say in SPECIFICATION.md that it is not built"),
    (concat!("to", "do!("), &[""], "finish it"),
    (concat!("unimple", "mented!("), &[""], "finish it"),
    (concat!("#[ig", "nore"), &[""], "an ignored test proves nothing; widen it by ROGATORY_SOAK instead"),
    (concat!("<<<<", "<<< "), &[""], "a merge was not finished"),
    (concat!(">>>>", ">>> "), &[""], "a merge was not finished"),
    (concat!("BEGIN PRIV", "ATE KEY"), &[""], "keys are made at run time, never committed"),
    (concat!("BEGIN EC PRIV", "ATE KEY"), &[""], "keys are made at run time, never committed"),
];
