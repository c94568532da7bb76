//! What supervisors, operators and Prometheus see of the real program: `healthcheck`, `doctor`, /livez, /readyz, /metrics.
//! Metrics that name an authority, an officer or a case fail here.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{Ran, run, until};
use crate::stage::Stage;

/// Gives the node an operator's listener, on the address of its own socket (TCP instead of UDP), and tells it.
fn with_admin(office: &Office) -> String {
    let file = office.data.join("config.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let line = settings.lines().find(|line| line.starts_with("listen = ")).unwrap().to_owned();
    fs::write(&file, format!("{settings}\n[admin]\n{line}\n")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

/// Status line and body of an answer.
fn get(address: &str, route: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn healthcheck(office: &Office) -> Ran {
    run(&["healthcheck", "--data", path(&office.data)])
}

/// The findings of one check.
fn found<'a>(findings: &'a Value, check: &str) -> Vec<&'a Value> {
    findings.as_array().unwrap().iter().filter(|finding| finding["check"] == check).collect()
}

#[test]
fn a_ready_node_says_so_and_a_stopped_one_fails_the_check() {
    let mut stage = Stage::set();
    let address = with_admin(&stage.xa);
    stage.xa.start();
    let said = healthcheck(&stage.xa).done();
    // What the machine of the test denies or allows is no matter of the node.
    let warned = |line: &str| line.starts_with("WARN") && !line.contains(" sandbox ");
    assert!(said.contains("ok   custody-log") && !said.contains("BAD") && !said.lines().any(warned), "{said}");
    assert_eq!(get(&address, "/livez"), ("HTTP/1.1 200 OK".to_owned(), "alive\n".to_owned()));
    let (status, ready) = get(&address, "/readyz");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(ready.contains("ok   directory"), "{ready}");
    assert_eq!(get(&address, "/v1/status").0, "HTTP/1.1 404 Not Found", "officers' routes are not here");
    assert!(!stage.xa.run(FIRST, &["doctor"]).done().contains("stopped"));
    stage.xa.stop();
    healthcheck(&stage.xa).refused(&["no node answers", "is it running?"]);
    let stopped = stage.xa.run(FIRST, &["doctor"]).done();
    assert!(stopped.starts_with("The node is stopped"), "{stopped}");
    stage.xa.run(FIRST, &["doctor", "XB-MOJ"]).refused(&["start it first"]);
}

#[test]
fn a_node_without_an_operators_listener_says_which_lines_are_missing() {
    let mut stage = Stage::set();
    stage.xa.start();
    healthcheck(&stage.xa).refused(&["[admin]", "listen = "]);
}

#[test]
fn a_node_without_a_directory_lives_and_is_not_ready() {
    let mut stage = Stage::without_directory(["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"]);
    let address = with_admin(&stage.xa);
    stage.xa.start();
    let said = healthcheck(&stage.xa).ends(1).out;
    let line = said.lines().find(|line| line.starts_with("BAD  directory")).unwrap();
    assert!(line.contains("next: ") && line.contains("rogatory directory import"), "{line}");
    let (status, body) = get(&address, "/readyz");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(body.contains("BAD  directory"), "{body}");
    assert_eq!(get(&address, "/livez").0, "HTTP/1.1 200 OK", "a restart would mend nothing");
    let doctor = stage.xa.run(FIRST, &["doctor"]).ends(1).out;
    assert!(doctor.contains("-> get the newest one from its keepers"), "{doctor}");
}

#[test]
fn metrics_count_and_name_no_authority_officer_or_case() {
    let mut stage = Stage::set();
    let address = with_admin(&stage.xa);
    stage.xa.start();
    stage.xb.start();
    let asked = stage.xa.ask("XB-MOJ", "Marmalade", &[]);
    let message = text(&asked, "message_id");
    stage.xa.handed_over(&message);
    let (status, metrics) = get(&address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(metrics.ends_with("# EOF\n"), "OpenMetrics ends with its mark");
    for counted in ["rogatory_records_total{event=\"message.queued\"} 1", "rogatory_check{check=\"directory\"} 0"] {
        assert!(metrics.lines().any(|line| line == counted), "`{counted}` is not in:\n{metrics}");
    }
    let entries = metrics.lines().find_map(|line| line.strip_prefix("rogatory_log_entries ")).unwrap();
    assert!(entries.parse::<usize>().unwrap() > 5, "{entries}");
    let (request, low) = (text(&asked, "request_id"), metrics.to_lowercase());
    let names = ["xa-moj", "xb-moj", "ministry", "novak", "kos\"", "ana ", "bor ", "lind", "holm", "marmalade"];
    for name in names.iter().copied().chain([&request[..], &message[..], stage.xa.name(FIRST), stage.xa.name(SECOND)]) {
        assert!(!low.contains(&name.to_lowercase()), "`{name}` is in the metrics:\n{metrics}");
    }
}

#[test]
fn the_doctor_looks_at_the_way_to_a_peer_and_knows_what_to_do_when_it_is_silent() {
    let mut stage = Stage::play();
    let way = stage.xa.json(FIRST, &["doctor", "XB-MOJ"]);
    assert_eq!(found(&way, "link")[0]["grade"], "good", "{way}");
    assert_eq!(found(&way, "key-exchange")[0]["seen"], "TLS 1.3, X25519MLKEM768");
    for check in
        ["own-row", "own-certificate", "certificate", "protocol", "clock", "round-trip", "datagram", "rate", "inbound"]
    {
        assert_eq!(found(&way, check).len(), 1, "{check}: {way}");
    }
    assert!(way.as_array().unwrap().iter().all(|finding| finding["grade"] == "good"), "{way}");
    let unknown = stage.xa.run(FIRST, &["doctor", "XC-MOJ"]).ends(1).out;
    assert!(unknown.contains("does not list XC-MOJ") && unknown.contains("-> "), "{unknown}");
    stage.xb.stop();
    let silent = stage.xa.run(FIRST, &["doctor", "XB-MOJ"]).ends(1).out;
    let lines: Vec<_> = silent.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("BAD  link")).unwrap();
    assert!(lines[at + 1].trim_start().starts_with("-> ") && lines[at + 1].contains("UDP"), "{silent}");
    assert!(silent.contains("BAD  path"), "{silent}");
    assert!(silent.contains("nothing listens there"), "{silent}");
    assert!(silent.contains("ok   row"), "what the directory says is told all the same: {silent}");
}

#[test]
fn a_destruction_that_was_decided_and_cannot_be_carried_out_stops_no_start_and_is_told() {
    let mut stage = Stage::set();
    let address = with_admin(&stage.xa);
    let id = "01900000-0000-7000-8000-000000000001";
    let plan = stage.xa.data.join(format!("destroying-{id}"));
    let unknown = format!(
        r#"{{"package_id":"{id}","asked":0,"name":"Bor Kos","role":"approver","authentication":"unix-uid:0"}}"#
    );
    for text in ["no plan at all", &unknown] {
        fs::write(&plan, text).unwrap();
        stage.xa.start();
        let said = healthcheck(&stage.xa).done();
        assert!(said.contains("decided and not carried out: 1"), "{said}");
        assert!(get(&address, "/readyz").1.contains("destructions"));
        stage.xa.stop();
        assert!(plan.exists(), "it is tried again");
    }
    fs::remove_file(plan).unwrap();
    stage.xa.start();
    assert!(!healthcheck(&stage.xa).done().contains("destructions"));
}

/// Takes spans until the test is over; gives their bodies so far.
fn collector() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let taken = Arc::<Mutex<String>>::default();
    let into = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            into.lock().unwrap().push_str(&String::from_utf8(body).unwrap());
            // The node may be gone already.
            let _ = stream
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    (url, taken)
}

#[test]
fn traces_tell_a_collector_how_long_steps_took_and_nothing_of_the_case() {
    let mut stage = Stage::set();
    let (url, taken) = collector();
    for office in [&stage.xa, &stage.xb] {
        let file = office.data.join("config.toml");
        let settings = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{settings}\n[traces]\nurl = \"{url}\"\n")).unwrap();
    }
    stage.xa.start();
    stage.xb.start();
    let asked = stage.xa.ask("XB-MOJ", "Marmalade", &[]);
    stage.xa.handed_over(&text(&asked, "message_id"));
    for step in ["officer.act", "letter.hand-over", "letter.receive", "custody.append"] {
        until(step, || taken.lock().unwrap().contains(&format!("\"name\":\"{step}\"")).then_some(()));
    }
    // An append stands below what caused it.
    until("a child", || taken.lock().unwrap().contains("parentSpanId").then_some(()));
    let low = taken.lock().unwrap().to_lowercase();
    let (request, message) = (text(&asked, "request_id"), text(&asked, "message_id"));
    for name in ["xa-moj", "xb-moj", "marmalade", "novak", "lind", &request, &message] {
        assert!(!low.contains(name), "`{name}` is in the traces:\n{low}");
    }
    assert!(!stage.xa.said().contains("officer.act"), "log lines do not change");
}
