//! Logs that fork, shrink, and prove nothing; peers that lie about others; and a judge of ours over the web.

use std::sync::{Arc, Mutex};

use rogatory::custody::checkpoint::{LogSigner, SignedCheckpoint};
use rogatory::custody::cosignature;
use rogatory::custody::note::{Note, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::tree::{consistency_proof, leaf_hash};
use rogatory::daemon::{log_keys, witness_view};
use rogatory::exchange::receipt::log_keys as keys_of;
use rogatory::model::authority::Authority;
use rogatory::model::event::{Event, Outcome};
use rogatory::model::ident::Digest;
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::Connection;
use rogatory::wire::frame::{Frame, Told};
use serde_json::Value;

use crate::peer::{Link, Peer, code};
use crate::stage::{Stage, until};

/// A log of a peer with its real keys; `branch` is the history after the first `common` entries.
struct Log {
    row: Authority,
    signer: LogSigner,
    common: u64,
}

impl Log {
    fn of(peer: &Peer, common: u64) -> Self {
        Self { row: peer.row.clone(), signer: log_keys::log_signer(&peer.home).unwrap(), common }
    }

    fn tree(&self, size: u64, branch: u8) -> MerkleTree {
        let leaf = |n: u64| leaf_hash(&[&[if n < self.common { 0 } else { branch }][..], &n.to_be_bytes()].concat());
        MerkleTree::of((0..size).map(leaf))
    }

    fn signed(&self, size: u64, branch: u8) -> SignedCheckpoint {
        let origin = self.row.id.log_origin().parse().unwrap();
        let root = self.tree(size, branch).root();
        let signed = SignedCheckpoint::sign(&origin, size, root, &self.signer.ed25519);
        let line = cosignature::log_line(self.signer.ml_dsa_44.as_ref().unwrap(), &signed).unwrap();
        signed.with_lines([line])
    }

    fn proof(&self, old: u64, new: u64, branch: u8) -> Vec<Digest> {
        let tree = self.tree(new, branch);
        consistency_proof(old, new, |level, index| tree.node(level, index)).unwrap()
    }

    fn add(&self, old_size: u64, size: u64, branch: u8) -> Frame {
        let proof = if old_size == 0 { Vec::new() } else { self.proof(old_size, size, branch) };
        Frame::AddCheckpoint { old_size, proof, checkpoint: self.signed(size, branch).note().to_string() }
    }
}

/// The status that officers see of that log.
fn held(stage: &Stage, peer: &Peer) -> Value {
    let status = witness_view::witness(stage.node()).unwrap();
    let held = status["held"].as_array().unwrap().iter().find(|log| log["log"] == peer.id.log_origin());
    held.cloned().unwrap_or(Value::Null)
}

fn evidence(stage: &Stage, peer: &Peer) -> Vec<Value> {
    held(stage, peer)["evidence"].as_array().cloned().unwrap_or_default()
}

/// Both notes lie in files, are signed by the log, and stand in a record with their exact bytes.
fn proven_offline(stage: &Stage, peer: &Peer, fault: &str) {
    let found = evidence(stage, peer).into_iter().find(|found| found["fault"] == fault).expect("kept");
    let keys = keys_of(&peer.row).unwrap();
    let opened = |name: &str| {
        let path = std::path::Path::new(found["at"].as_str().unwrap()).join(name);
        SignedCheckpoint::open(&std::fs::read(path).unwrap(), &keys).unwrap()
    };
    let (earlier, later) = (opened("earlier"), opened("later"));
    assert_ne!(earlier.checkpoint().root(), later.checkpoint().root());
    let size = stage.node().index_digest().unwrap().0;
    let enclosed = (0..size).map(|index| stage.node().record(index).unwrap()).find(|(record, content)| {
        record.event == Event::LogInconsistent
            && record.outcome == Outcome::Failed(fault.to_owned())
            && record.counterpart.as_ref() == Some(&peer.id)
            && content.enclosures == [earlier.to_bytes(), later.to_bytes()]
    });
    assert!(enclosed.is_some(), "a record encloses both notes");
}

/// Answers what the node asks of a peer's log and of what the peer holds; tells what it was asked.
fn answers(connection: Connection, answer: impl Fn(&Frame) -> Frame + Send + 'static) -> Arc<Mutex<Vec<Frame>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok(mut stream) = connection.accept().await {
            let Ok(frame) = stream.receive().await else { continue };
            let reply = answer(&frame);
            list.lock().unwrap().push(frame);
            // The node may have broken the stream off, which is an answer too.
            let _ = stream.send(&reply).await;
            stream.finish();
        }
    });
    asked
}

fn refused(code: RefusalCode) -> Frame {
    Frame::Refused { code: Told::Known(code), retry_after_ms: 0 }
}

async fn cosigned(stage: &Stage, link: &Link, frame: Frame) {
    let Frame::AddCheckpoint { checkpoint, .. } = frame.clone() else { panic!("another frame") };
    let Frame::Cosigned { lines } = link.ask(frame).await.unwrap() else { panic!("not cosigned") };
    let mut note = Note::parse(checkpoint.as_bytes()).unwrap();
    let keys: Vec<VerifierKey> = stage.victim.witness_keys.iter().map(|key| key.parse().unwrap()).collect();
    let lines = Note::parse_lines(lines.as_bytes()).unwrap();
    assert_eq!(cosignature::add(&mut note, &lines, &keys).unwrap().len(), 2, "one line of each algorithm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_proof_fails_is_not_cosigned_and_both_its_checkpoints_are_kept() {
    let stage = Stage::raise("XC-FAILED").await;
    let (evil, log) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 5));
    cosigned(&stage, &evil, log.add(0, 7, 1)).await;
    cosigned(&stage, &evil, log.add(7, 9, 1)).await;
    // Another history after five entries, with its own good proof.
    assert_eq!(code(evil.ask(log.add(9, 12, 2)).await.unwrap()), RefusalCode::Inconsistent);
    until("the evidence is recorded", || stage.count(Event::LogInconsistent) == 1).await;
    proven_offline(&stage, &stage.evil, "unproven");
    // The same again is no news, and the true branch is still cosigned.
    assert_eq!(code(evil.ask(log.add(9, 12, 2)).await.unwrap()), RefusalCode::Inconsistent);
    cosigned(&stage, &evil, log.add(9, 12, 1)).await;
    // Two roots for one size prove it to anybody.
    let Frame::HaveCheckpoint { .. } = evil.ask(log.add(9, 12, 2)).await.unwrap() else { panic!("not told") };
    until("the fork is recorded", || stage.count(Event::LogInconsistent) == 2).await;
    proven_offline(&stage, &stage.evil, "fork");
    assert_eq!(evidence(&stage, &stage.evil)[0]["weight"], "proof");
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_checkpoint_is_answered_with_what_is_held_and_accuses_nobody() {
    let stage = Stage::raise("XC-LATER").await;
    let (evil, log) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 100));
    // It answers every question on its first link by a code, so that no round waits for it.
    answers(evil.connection.clone(), |_| refused(RefusalCode::NotFound));
    cosigned(&stage, &evil, log.add(0, 20, 0)).await;
    for late in [log.add(0, 8, 0), log.add(3, 9, 0), log.add(0, 20, 0)] {
        let Frame::HaveCheckpoint { checkpoint } = evil.ask(late).await.unwrap() else { panic!("not told") };
        assert!(checkpoint.starts_with(log.signed(20, 0).note().text()));
    }
    // At the next link it is asked about them, and proves them.
    let again = stage.link(&stage.evil).await;
    let prover = Log::of(&stage.evil, 100);
    answers(again.connection.clone(), move |frame| match frame {
        Frame::ProveConsistency { old_size, new_size } => {
            Frame::ConsistencyProof { hashes: prover.proof(*old_size, *new_size, 0) }
        }
        _ => refused(RefusalCode::NotFound),
    });
    until("both are linked", || held(&stage, &stage.evil)["links"] == 2).await;
    assert_eq!(evidence(&stage, &stage.evil), Vec::<Value>::new());
    assert_eq!(stage.count(Event::LogInconsistent), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_denies_a_size_which_it_signed_has_shrunk() {
    let stage = Stage::raise("XC-SHRUNK").await;
    let (evil, log) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 100));
    // It answers every question on its first link by a code, so that no round waits for it.
    answers(evil.connection.clone(), |_| refused(RefusalCode::NotFound));
    cosigned(&stage, &evil, log.add(0, 20, 0)).await;
    let Frame::HaveCheckpoint { .. } = evil.ask(log.add(8, 9, 0)).await.unwrap() else { panic!("not told") };
    let again = stage.link(&stage.evil).await;
    answers(again.connection.clone(), |_| refused(RefusalCode::BadRange));
    until("the evidence is recorded", || stage.count(Event::LogInconsistent) == 1).await;
    proven_offline(&stage, &stage.evil, "shrunk");
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_that_is_shown_to_two_peers_is_found_by_comparing() {
    let stage = Stage::raise("XC-TWOFACE").await;
    let (evil, log) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 5));
    cosigned(&stage, &evil, log.add(0, 9, 1)).await;
    // The honest peer was shown the other history, of the same length; and it cannot accuse anybody by its word alone.
    let shown = log.signed(9, 2).note().to_string();
    let forged = shown.replace("xc-twoface", "xb-moj");
    let honest = stage.link(&stage.honest).await;
    answers(honest.connection.clone(), move |frame| match frame {
        Frame::LatestOf { origin } if origin == "xc-twoface.rogatory/custody" => {
            Frame::HaveCheckpoint { checkpoint: shown.clone() }
        }
        Frame::LatestOf { .. } => Frame::HaveCheckpoint { checkpoint: forged.clone() },
        _ => refused(RefusalCode::NotFound),
    });
    until("the fork is recorded", || stage.count(Event::LogInconsistent) == 1).await;
    proven_offline(&stage, &stage.evil, "fork");
    assert_eq!(evidence(&stage, &stage.honest), Vec::<Value>::new());
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lie_about_a_third_log_accuses_nobody_but_the_liar() {
    let stage = Stage::raise("XC-LIAR").await;
    let honest = stage.link(&stage.honest).await;
    let log = Log::of(&stage.honest, 5);
    cosigned(&stage, &honest, log.add(0, 9, 1)).await;
    let lie = log.signed(9, 1).note().to_string().replacen("\n9\n", "\n8\n", 1);
    let evil = stage.link(&stage.evil).await;
    answers(evil.connection.clone(), move |frame| match frame {
        Frame::LatestOf { .. } => Frame::HaveCheckpoint { checkpoint: lie.clone() },
        _ => refused(RefusalCode::NotFound),
    });
    until("the lie is recorded", || stage.refused() == [RefusalCode::BadSignature]).await;
    assert_eq!(evidence(&stage, &stage.honest), Vec::<Value>::new());
    assert_eq!(stage.count(Event::LogInconsistent), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_logs_wrong_signatures_and_wrong_sizes_are_refused_by_their_code() {
    let stage = Stage::raise("XC-WRONG").await;
    let (evil, log, other) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 50), Log::of(&stage.honest, 50));
    let add = |old_size, proof, checkpoint: String| Frame::AddCheckpoint { old_size, proof, checkpoint };
    let text = |log: &Log| log.signed(9, 0).note().to_string();
    let unsigned = text(&log).replacen("\n9\n", "\n8\n", 1);
    for (frame, expected) in [
        (add(0, Vec::new(), text(&other)), RefusalCode::NotFound),
        (add(0, Vec::new(), unsigned), RefusalCode::BadSignature),
        (add(0, Vec::new(), "no note".to_owned()), RefusalCode::Malformed),
        (add(10, Vec::new(), text(&log)), RefusalCode::BadRange),
        (add(0, vec![Digest([7; 32]); 63], text(&log)), RefusalCode::Inconsistent),
        (add(4, Vec::new(), text(&log)), RefusalCode::NotFound),
        (Frame::ProveConsistency { old_size: 1, new_size: u64::MAX }, RefusalCode::BadRange),
        (Frame::LatestOf { origin: "xz-none.rogatory/custody".to_owned() }, RefusalCode::NotFound),
    ] {
        assert_eq!(code(evil.ask(frame).await.unwrap()), expected);
    }
    // What nobody could check is not stored: the first good one is still the first.
    cosigned(&stage, &evil, log.add(0, 9, 0)).await;
    assert_eq!(evidence(&stage, &stage.evil), Vec::<Value>::new());
    assert_eq!(stage.count(Event::LogInconsistent), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_checkpoints_and_questions_costs_the_flooder_and_nobody_else() {
    let stage = Stage::raise("XC-FLOODER").await;
    let (evil, log) = (stage.link(&stage.evil).await, Log::of(&stage.evil, 5));
    cosigned(&stage, &evil, log.add(0, 7, 1)).await;
    let bad = log.signed(9, 1).note().to_string().replacen("\n9\n", "\n8\n", 1);
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..300_u64 {
        let (connection, bad) = (evil.connection.clone(), bad.clone());
        flood.spawn(async move {
            let mut stream = connection.open().await.unwrap();
            let frame = match number % 3 {
                0 => Frame::AddCheckpoint { old_size: 7, proof: Vec::new(), checkpoint: bad },
                1 => Frame::ProveConsistency { old_size: 1, new_size: u64::MAX },
                _ => Frame::LatestOf { origin: "xz-none.rogatory/custody".to_owned() },
            };
            stream.send(&frame).await.unwrap();
            stream.finish();
            let answer = stream.receive().await;
            assert!(matches!(answer, Ok(Frame::Refused { .. }) | Err(_)), "{answer:?}");
        });
    }
    stage.serves_others().await;
    while let Some(done) = flood.join_next().await {
        done.unwrap();
    }
    // Many histories, all contradicting what is held: few records, bounded evidence.
    for branch in 2..40 {
        assert_eq!(code(evil.ask(log.add(7, 9, branch)).await.unwrap()), RefusalCode::Inconsistent);
    }
    assert!(stage.refused().len() <= 10, "records of refused input are few");
    assert!(stage.count(Event::LogInconsistent) <= 4, "records of evidence are few in an hour");
    assert_eq!(evidence(&stage, &stage.evil).len(), 38);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_witness_over_the_web_is_one_by_the_judgement_of_a_foreign_client() {
    let stage = Stage::raise("XC-WEB").await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV").map_or_else(|| root.join("target/judges-venv"), Into::into);
    let (keys, log_key) = (stage.dir.path().join("witness.vkeys"), stage.evil.home.key("log.key.pem"));
    std::fs::write(&keys, stage.victim.witness_keys.join("\n") + "\n").unwrap();
    let address = stage.running().web_address().unwrap().to_string();
    let origin = stage.evil.id.log_origin();
    let judged = tokio::task::spawn_blocking(move || {
        std::process::Command::new(venv.join("bin/python"))
            .arg(root.join("tests/judges/witness.py"))
            .args([address, origin])
            .args([log_key, keys])
            .output()
            .expect("the judges are installed by tests/judges/install.sh")
    });
    let judged = judged.await.unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    // A stranger's bad proof accuses nobody; two signed roots for one size do.
    let faults: Vec<_> = evidence(&stage, &stage.evil).iter().map(|found| found["fault"].clone()).collect();
    assert_eq!(faults, ["fork"]);
}
