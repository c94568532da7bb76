//! The custody log over the web, as a stranger's client sees it: real sockets, a real node, and two foreign clients.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may panic")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::note::VerifierKey;
use rogatory::custody::tile::tiles_between;
use rogatory::daemon::config::{Config, Web};
use rogatory::daemon::node::Node;
use rogatory::daemon::run::{self, RunError, Running};
use rogatory::daemon::{clock, init};
use rogatory::exchange::act::Act;
use rogatory::model::event::Event;
use tempfile::TempDir;

struct Served {
    dir: TempDir,
    running: Running,
}

fn settings(dir: &Path, web: Option<Web>) {
    let text = "authority = \"XA-MOJ\"\nname = \"Arcadia\"\nlisten = \"127.0.0.1:0\"\n";
    let config = Config { web, ..Config::parse(text).unwrap() };
    if dir.join("config.toml").exists() {
        fs::write(dir.join("config.toml"), config.to_text()).unwrap();
    } else {
        init::init(dir, &config, clock::now()).unwrap();
    }
}

fn plain() -> Web {
    Web { listen: "127.0.0.1:0".parse().unwrap(), certificate: None, key: None }
}

/// A node with so many records that tiles of all kinds are there.
async fn serve(web: Web) -> Served {
    let dir = tempfile::tempdir().unwrap();
    settings(dir.path(), Some(web));
    let running = run::start(dir.path()).await.unwrap();
    Served { dir, running }
}

impl Served {
    fn address(&self) -> SocketAddr {
        self.running.web_address().unwrap()
    }

    async fn grow(&self, entries: u64) {
        let node = self.running.node().clone();
        let logging = tokio::task::spawn_blocking(move || (0..entries).map(|_| log_something(&node)).max());
        let size = logging.await.unwrap().unwrap() + 1;
        while self.checkpoint().checkpoint().size() < size {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let key: VerifierKey =
            String::from_utf8(self.file("log.vkey")).unwrap().lines().next().unwrap().parse().unwrap();
        SignedCheckpoint::open(&self.file("checkpoint"), &[key]).unwrap()
    }

    fn file(&self, path: &str) -> Vec<u8> {
        fs::read(self.dir.path().join("custody").join(path)).unwrap()
    }
}

fn log_something(node: &Node) -> u64 {
    let record = node.scene().record(Event::NodeStarted);
    node.commit(Act { record, enclosures: Vec::new() }).unwrap().index
}

/// An answer, in lower-case head lines.
struct Answer {
    status: u16,
    head: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.lines().skip(1).map(str::to_ascii_lowercase).collect();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn value(&self, name: &str) -> &str {
        let line = self.head.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default()
    }
}

fn send(address: SocketAddr, head: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("{head}\r\nHost: log\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::of(&bytes)
}

fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, &format!("GET {path} HTTP/1.1"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_and_every_tile_of_its_size_are_served_as_the_format_wants() {
    let served = serve(plain()).await;
    served.grow(300).await;
    let address = served.address();
    let checkpoint = get(address, "/custody/checkpoint");
    assert_eq!(checkpoint.status, 200);
    assert_eq!(checkpoint.value("content-type"), "text/plain; charset=utf-8");
    assert_eq!(checkpoint.value("cache-control"), "no-cache");
    assert_eq!(checkpoint.body, served.file("checkpoint"));
    let size = served.checkpoint().checkpoint().size();
    assert!(size > 300);
    let paths: Vec<String> = tiles_between(0, size).map(|tile| tile.path()).collect();
    assert!(
        ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"].iter().all(|path| paths.contains(&(*path).to_owned()))
    );
    for path in paths {
        let tile = get(address, &format!("/custody/{path}"));
        assert_eq!((tile.status, &tile.body), (200, &served.file(&path)), "{path}");
        assert_eq!(tile.value("content-type"), "application/octet-stream");
        assert_eq!(tile.value("cache-control"), "public, max-age=31536000, immutable");
    }
    served.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_not_sent_again_and_head_sends_no_body() {
    let served = serve(plain()).await;
    served.grow(2).await;
    let address = served.address();
    for path in ["/custody/checkpoint", "/custody/tile/0/000.p/4", "/custody/tile/entries/000.p/4"] {
        let whole = get(address, path);
        let tag = whole.value("etag");
        assert!(whole.status == 200 && tag.len() == 66, "{path} {}", whole.status);
        let again = send(address, &format!("GET {path} HTTP/1.1\r\nIf-None-Match: \"x\", {tag}"));
        assert_eq!((again.status, again.body.len(), again.value("etag")), (304, 0, tag));
        let other = send(address, &format!("GET {path} HTTP/1.1\r\nIf-None-Match: \"x\""));
        assert_eq!((other.status, &other.body), (200, &whole.body));
        let head = send(address, &format!("HEAD {path} HTTP/1.1"));
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.value("content-length"), whole.body.len().to_string());
    }
    let before = get(address, "/custody/checkpoint");
    served.grow(1).await;
    let after = send(address, &format!("GET /custody/checkpoint HTTP/1.1\r\nIf-None-Match: {}", before.value("etag")));
    assert_eq!(after.status, 200);
    served.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_served_and_nothing_can_be_changed() {
    let served = serve(plain()).await;
    served.grow(2).await;
    let address = served.address();
    for path in [
        "/",
        "/custody",
        "/custody/",
        "/custody/log.vkey",
        "/custody/journal/00000000000000000000.seg",
        "/custody/tile/0/001",
        "/custody/tile/0/000",
        "/custody/tile/0/000.p/200",
        "/custody/tile/0/000.p/04",
        "/custody/tile/0/%30%30%30.p/4",
        "/custody/tile/0/000.p/4?",
        "/custody/tile/0//000.p/4",
        "/custody/./tile/0/000.p/4",
        "/custody/tile/../checkpoint",
        "/custody/tile/../../config.toml",
        "/custody/tile/0/../../../config.toml",
        "/custody/tile/..%2f..%2fconfig.toml",
        "/custody/checkpoint?size=1",
        "/config.toml",
        "/v1/status",
    ] {
        assert_eq!(get(address, path).status, 404, "{path}");
        assert!(!get(address, path).value("cache-control").contains("immutable"), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = send(address, &format!("{method} /custody/checkpoint HTTP/1.1\r\nContent-Length: 0"));
        assert_eq!(answer.status, 405, "{method}");
    }
    let long = send(address, &format!("GET /custody/checkpoint HTTP/1.1\r\nX: {}", "x".repeat(64 * 1024)));
    assert!((400..500).contains(&long.status));
    served.running.stop().await;
}

fn openssl(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new("openssl");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A refused handshake ends before the input is taken.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn https_speaks_tls_1_3_and_nothing_older() {
    let keys = tempfile::tempdir().unwrap();
    let [certificate, key] = ["web.crt", "web.key"].map(|name| keys.path().join(name));
    let (crt, pem) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let made = openssl(&[&made[..], &["-subj", "/CN=localhost", "-keyout", pem, "-out", crt]].concat(), b"");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let served = serve(Web { certificate: Some(certificate.clone()), key: Some(key), ..plain() }).await;
    let address = served.address().to_string();
    let ask = |version: &str| {
        let args = ["s_client", "-quiet", version, "-connect", &address, "-CAfile", crt, "-verify_return_error"];
        let request = b"GET /custody/checkpoint HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        openssl(&[&args[..], &["-ign_eof"]].concat(), request)
    };
    let answer = Answer::of(&ask("-tls1_3").stdout);
    assert_eq!((answer.status, answer.body), (200, served.file("checkpoint")));
    let old = ask("-tls1_2");
    assert!(!old.status.success() && old.stdout.is_empty());
    // Plain HTTP to the HTTPS port gets nothing that it could take for an answer.
    let mut plain = TcpStream::connect(served.address()).unwrap();
    plain.write_all(b"GET /custody/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"));
    served.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_and_a_taken_address_stop_the_start_with_their_names() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    settings(dir.path(), Some(Web { listen: taken.local_addr().unwrap(), ..plain() }));
    let refused = run::start(dir.path()).await.err().unwrap();
    assert!(matches!(refused, RunError::Web(_)) && refused.to_string().contains("`listen` of [web]"), "{refused}");
    fs::write(dir.path().join("a.crt"), "nothing").unwrap();
    let with = |certificate: &str| Web { certificate: Some(certificate.into()), key: Some("a.crt".into()), ..plain() };
    settings(dir.path(), Some(with("b.crt")));
    let refused = run::start(dir.path()).await.err().unwrap();
    assert!(refused.to_string().contains("b.crt"), "{refused}");
    settings(dir.path(), Some(with("a.crt")));
    let refused = run::start(dir.path()).await.err().unwrap();
    assert!(refused.to_string().contains("web.certificate"), "{refused}");
    settings(dir.path(), None);
    let running = run::start(dir.path()).await.unwrap();
    assert_eq!(running.web_address(), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_leaves_the_listener_where_it_is_and_a_stop_closes_it() {
    let served = serve(plain()).await;
    let address = served.address();
    settings(served.dir.path(), None);
    served.running.reload().await.unwrap();
    assert_eq!(get(address, "/custody/checkpoint").status, 200);
    // A connection that is kept open does not hold up the end.
    let idle = TcpStream::connect(address).unwrap();
    let begun = std::time::Instant::now();
    served.running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}

/// Go's own `sumdb`, over the address alone.
fn judge(address: SocketAddr, vkey: &Path, old: &str) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/tlog.go");
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new("go");
    command.arg("run").arg(program).arg(format!("http://{address}/custody")).arg(old);
    command.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("LOG_VKEY", vkey);
    if std::env::var_os("HOME").is_none() {
        command.env("GOCACHE", cache.path());
    }
    command.output().expect("the judge needs the Debian packages golang-go and golang-golang-x-mod-dev")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_verifies_the_served_log_with_its_growth_and_notices_an_altered_tile() {
    let served = serve(plain()).await;
    served.grow(100).await;
    let (old, vkey) = (served.dir.path().join("old"), served.dir.path().join("custody/log.vkey"));
    fs::write(&old, get(served.address(), "/custody/checkpoint").body).unwrap();
    served.grow(300).await;
    let verdict = judge(served.address(), &vkey, old.to_str().unwrap());
    let said = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert!(verdict.status.success(), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
    let size = served.checkpoint().checkpoint().size();
    assert!(said.contains(&format!("entries {size}")) && said.contains("consistent with"), "{said}");
    let tile = served.dir.path().join("custody/tile/0/000");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[100] ^= 1;
    fs::write(&tile, bytes).unwrap();
    assert!(!judge(served.address(), &vkey, "-").status.success());
    served.running.stop().await;
}
