//! The web client against servers that behave and servers that do not, over real loopback sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rogatory::model::time::Timestamp;
use rogatory::net::tls::Clock;
use rogatory::net::web::{WebAnswer, WebClient, WebError, WebLimits};
use rogatory::net::web_address::Address;
use rogatory::net::web_roots::{Roots, RootsError};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

use crate::pki::{NOW, at};

const LIMITS: WebLimits = WebLimits { total_ms_max: 1_500, answer_bytes_max: 4_096 };

/// Serves every connection by `serve`, each in a thread of its own. Returns the port.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Reads a request with its body.
fn request(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        text.extend_from_slice(&byte);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn clock() -> Clock {
    Clock::new(|| NOW)
}

fn ask(client: &WebClient, address: &str, limits: WebLimits) -> Result<WebAnswer, WebError> {
    let address: Address = address.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.post(&address, "text/plain", b"question".to_vec(), "text/html", limits))
}

fn plain(port: u16) -> Result<WebAnswer, WebError> {
    ask(&WebClient::new(&Roots::System, &clock()), &format!("http://127.0.0.1:{port}/a?b"), LIMITS)
}

/// A CA in a file and a server certificate for `localhost` that it issued.
struct Pki {
    folder: TempDir,
    config: Arc<rustls::ServerConfig>,
}

impl Pki {
    fn new(name: &str, to_day: i64) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (ca.not_before, ca.not_after) = (at(-30), at(300));
        let ca_der = ca.self_signed(&ca_key).unwrap();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (leaf.not_before, leaf.not_after) = (at(-20), at(to_day));
        let key = KeyPair::generate().unwrap();
        let der = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca_der.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(der.der().to_vec())],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        Self { folder, config: Arc::new(config) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn server(&self) -> u16 {
        let config = Arc::clone(&self.config);
        server(move |stream| {
            let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let asked = request(&mut tls);
            let _ = tls.write_all(answer("200 OK", &asked).as_bytes());
            tls.conn.send_close_notify();
            let _ = tls.flush();
        })
    }

    fn ask(&self, host: &str) -> Result<WebAnswer, WebError> {
        let client = WebClient::new(&Roots::File(self.file()), &clock());
        ask(&client, &format!("https://{host}:{}/", self.server()), LIMITS)
    }
}

#[test]
fn a_question_is_posted_and_the_answer_comes_back_whole() {
    let port = server(|mut stream| {
        let asked = request(&mut stream);
        let _ = stream.write_all(answer("200 OK\r\nContent-Type: Text/Plain; charset=utf-8", &asked).as_bytes());
    });
    let got = plain(port).unwrap();
    assert_eq!((got.status, got.content_type.as_str()), (200, "text/plain"));
    let asked = String::from_utf8(got.body).unwrap().to_ascii_lowercase();
    for line in [
        "post /a?b http/1.1\r\n",
        &format!("host: 127.0.0.1:{port}\r\n"),
        "content-type: text/plain\r\n",
        "accept: text/html\r\n",
        "\r\n\r\nquestion",
    ] {
        assert!(asked.contains(line), "{line} in {asked}");
    }
}

#[test]
fn a_chunked_answer_and_one_that_ends_with_the_connection_are_read() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for text in [chunked, "HTTP/1.1 200 OK\r\n\r\nabcde"] {
        let port = server(move |mut stream| {
            request(&mut stream);
            let _ = stream.write_all(text.as_bytes());
        });
        assert_eq!(plain(port).unwrap().body, b"abcde");
    }
}

#[test]
fn a_redirect_and_an_error_page_are_answers_and_nobody_goes_there() {
    let port = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer("302 Found\r\nLocation: http://127.0.0.1:1/", "").as_bytes());
    });
    assert_eq!(plain(port).unwrap().status, 302);
    let port = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer("503 Busy", "later").as_bytes());
    });
    let got = plain(port).unwrap();
    assert_eq!((got.status, got.body.as_slice()), (503, &b"later"[..]));
}

#[test]
fn an_answer_without_an_end_is_cut_at_the_bound() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"] {
        let port = server(move |mut stream| {
            request(&mut stream);
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&[b'x'; 1_024]).is_ok() {}
        });
        assert!(matches!(plain(port), Err(WebError::TooLarge { bytes_max: 4_096 })));
    }
}

#[test]
fn a_head_without_an_end_is_cut_at_the_bound() {
    let port = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").is_ok() {}
    });
    assert!(matches!(plain(port), Err(WebError::Protocol(_))));
}

#[test]
fn a_server_that_dribbles_or_says_nothing_is_left_after_the_whole_time() {
    let silent = server(|mut stream| {
        request(&mut stream);
        thread::sleep(Duration::from_secs(30));
    });
    let dribbling = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    for port in [silent, dribbling] {
        let begun = Instant::now();
        assert!(matches!(plain(port), Err(WebError::TooSlow { ms_max: 1_500 })));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn what_is_no_http_is_refused_and_so_is_a_body_that_breaks_off() {
    for text in ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ""] {
        let port = server(move |mut stream| {
            request(&mut stream);
            let _ = stream.write_all(text.as_bytes());
        });
        assert!(matches!(plain(port), Err(WebError::Protocol(_))), "{text:?}");
    }
}

#[test]
fn where_nobody_listens_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(plain(port), Err(WebError::Unreachable(_))));
}

#[test]
fn https_is_spoken_with_the_name_in_the_certificate_and_no_other() {
    let good = Pki::new("localhost", 90);
    assert_eq!(good.ask("localhost").unwrap().status, 200);
    let other = Pki::new("elsewhere.example", 90);
    let Err(WebError::Tls(why)) = other.ask("localhost") else { panic!("another name was taken") };
    assert!(why.contains("not valid for name"), "{why}");
}

#[test]
fn an_expired_certificate_and_one_of_an_unknown_ca_are_refused() {
    let Err(WebError::Tls(why)) = Pki::new("localhost", -1).ask("localhost") else { panic!("expired, and taken") };
    assert!(why.contains("expired"), "{why}");
    let (one, two) = (Pki::new("localhost", 90), Pki::new("localhost", 90));
    let client = WebClient::new(&Roots::File(one.file()), &clock());
    let refused = ask(&client, &format!("https://localhost:{}/", two.server()), LIMITS);
    let Err(WebError::Tls(why)) = refused else { panic!("an unknown CA was trusted") };
    // Two CAs of one name: the signature tells them apart.
    assert!(why.contains("BadSignature"), "{why}");
}

#[test]
fn a_server_that_speaks_no_tls_is_refused_over_https() {
    let pki = Pki::new("localhost", 90);
    let port = server(|mut stream| {
        let _ = stream.write_all(answer("200 OK", "plain").as_bytes());
    });
    let client = WebClient::new(&Roots::File(pki.file()), &clock());
    assert!(matches!(ask(&client, &format!("https://localhost:{port}/"), LIMITS), Err(WebError::Tls(_))));
}

#[test]
fn roots_that_are_missing_or_empty_fail_https_and_leave_http_alone() {
    let folder = TempDir::new().unwrap();
    let (empty, missing) = (folder.path().join("empty.pem"), folder.path().join("missing.pem"));
    std::fs::write(&empty, "no certificate\n").unwrap();
    let client = |file: &PathBuf| WebClient::new(&Roots::File(file.clone()), &Clock::new(|| Timestamp::from_millis(0)));
    let port = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer("200 OK", "").as_bytes());
    });
    let https = |file| ask(&client(file), &format!("https://localhost:{port}/"), LIMITS);
    assert!(matches!(https(&empty), Err(WebError::Roots(RootsError::Empty { .. }))));
    assert!(matches!(https(&missing), Err(WebError::Roots(RootsError::Unreadable { .. }))));
    assert_eq!(ask(&client(&missing), &format!("http://localhost:{port}/"), LIMITS).unwrap().status, 200);
}
