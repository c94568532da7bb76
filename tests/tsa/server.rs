//! A time-stamp authority behind HTTP, on loopback, that behaves as a test tells it to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::Tsa;

/// How the authority behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As it should.
    Good,
    /// It closes the connection without a word.
    Mute,
    /// A page for people, with status 200.
    Page,
    /// Status 503.
    Busy,
    /// The right type, and bytes that mean nothing.
    Garbage,
    /// The first good answer again, to another question.
    Replay,
    /// A good answer with a flipped bit in its signature.
    Tampered,
    /// It takes the question and says nothing.
    Silent,
}

/// The server.
pub(crate) struct TsaServer {
    mode: Arc<Mutex<Mode>>,
}

impl TsaServer {
    /// Listens there.
    pub(crate) fn listen(listener: TcpListener, tsa: Tsa, mode: Mode) -> Self {
        let mode = Arc::new(Mutex::new(mode));
        let told = Arc::clone(&mode);
        thread::spawn(move || {
            let mut first = None;
            for stream in listener.incoming().flatten() {
                let mode = *told.lock().unwrap();
                // The next test step must not wait behind one that sleeps.
                if mode == Mode::Silent {
                    thread::spawn(move || {
                        let _keep = stream;
                        thread::sleep(Duration::from_secs(60));
                    });
                    continue;
                }
                serve(stream, &tsa, mode, &mut first);
            }
        });
        Self { mode }
    }

    /// From now on.
    pub(crate) fn become_(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }
}

fn serve(mut stream: TcpStream, tsa: &Tsa, mode: Mode, first: &mut Option<Vec<u8>>) {
    let Some((head, query)) = request(&mut stream) else { return };
    assert!(head.to_ascii_lowercase().contains("content-type: application/timestamp-query"), "{head}");
    if mode == Mode::Mute {
        return;
    }
    let mut answer = tsa.answer(&query);
    let kept = first.get_or_insert_with(|| answer.clone());
    let mut status = "200 OK";
    let mut content_type = "application/timestamp-reply";
    match mode {
        Mode::Page => (content_type, answer) = ("text/html", b"<html>Welcome</html>".to_vec()),
        Mode::Busy => status = "503 Service Unavailable",
        Mode::Garbage => answer = b"0\x82\x01\x00garbage".to_vec(),
        Mode::Replay => answer.clone_from(kept),
        Mode::Tampered => *answer.last_mut().unwrap() ^= 1,
        Mode::Good | Mode::Mute | Mode::Silent => {}
    }
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", answer.len());
    // The node may have gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer));
}

fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}
