//! The cast of the demo: two fictional authorities with their officers, made in one folder and run in this process.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;

use crate::crypto::ed25519::SigningKey;
use crate::crypto::random;
use crate::daemon::basis::BasisWish;
use crate::daemon::config::{self, Config, Officer};
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::run::{self, Running};
use crate::daemon::{clock, init};
use crate::exchange::entry::Entry;
use crate::exchange::keeper::{Fingerprint, KeeperKey};
use crate::exchange::keeping::{self, Change, Expiries, Keepers};
use crate::exchange::reading::Reading;
use crate::law::registry::Registry;
use crate::model::basis::BasisQuestion;
use crate::model::event::Role;
use crate::model::request::{Measure, RequestBody};
use crate::model::request_parts::LawText;
use crate::store::directory::{NodeDirectory, Trust};

/// The attachment of the request.
pub const LAW: &[u8] =
    b"Penal Code of Arcadia (fictional), art. 142: Whoever, as part of a widespread or systematic attack\n\
directed against any civilian population, ... is punished with imprisonment of ten to thirty years.\n";
/// The first piece of evidence.
pub const STATEMENT: &[u8] = b"Statement (fictional), taken on 12 October 2026 in Port Boreal.\n\
The witness describes what happened on the bridge on 3 March 2025, in the order in which it happened.\n";

/// One authority on the stage: a node in its own runtime, and two officers.
pub struct Side {
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
    node: Arc<Node>,
    officers: [Admitted; 2],
}

impl Side {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The officer who drafts, seals and opens.
    pub fn first(&self) -> &Admitted {
        &self.officers[0]
    }

    /// The officer who approves and sends.
    pub fn second(&self) -> &Admitted {
        &self.officers[1]
    }

    /// The first officer's name.
    pub fn first_name(&self) -> &str {
        self.first().name().as_str()
    }

    /// The second officer's name.
    pub fn second_name(&self) -> &str {
        self.second().name().as_str()
    }
}

/// Both sides, and the root of the directory they trust.
pub struct Cast {
    /// Who asks.
    pub arcadia: Side,
    /// Who is asked.
    pub borealia: Side,
    /// The fingerprint of the directory's first root.
    pub root: Fingerprint,
}

impl Cast {
    /// Ends both nodes in order.
    pub fn lower(mut self) {
        for side in [&mut self.arcadia, &mut self.borealia] {
            if let Some(running) = side.running.take() {
                side.runtime.block_on(running.stop());
            }
        }
    }
}

/// Makes both nodes in `stage`, a directory that lists them, and starts them.
///
/// # Errors
/// When something cannot be written or bound.
pub fn raise(stage: &Path) -> anyhow::Result<Cast> {
    // What the environment says is meant for one node, not for these two.
    config::ignore_environment();
    let now = clock::now();
    let people = [
        ("XA-MOJ", "Ministry of Justice of Arcadia", ["Ana Novak", "Bor Kos"]),
        ("XB-MOJ", "Ministry of Justice of Borealia", ["Carla Lind", "Dan Holm"]),
    ];
    let mut entries = Vec::new();
    for (id, name, officers) in people {
        let config = settings(id, name, officers)?;
        let made = init::init(&stage.join(id), &config, now)?;
        entries.push(Entry::parse(&std::fs::read(made.entry)?)?);
    }
    let keeper = SigningKey::from_seed(&random::bytes()?);
    let keepers = Keepers::new([KeeperKey::of(&keeper)], 1)?;
    let year = now.plus_millis(366 * 86_400_000);
    let files = keeping::found(&keepers, Expiries { root: year, list: year })?;
    let files = keeping::change(&files, Change::Put(entries), year)?.files;
    let registry = Change::Registry(Box::new(Registry::example()?));
    let files = keeping::change(&files, registry, year)?.files;
    let (files, _) = keeping::sign(&files, &keeper)?;
    let root = Fingerprint::from(Reading::of(&files)?.root().digest());
    let mut sides = Vec::new();
    for (id, _, officers) in people {
        let data = stage.join(id);
        NodeDirectory::of(&data).import(&files, Trust::Root(root), now)?;
        sides.push(side(&data, officers)?);
    }
    let (Some(borealia), Some(arcadia)) = (sides.pop(), sides.pop()) else {
        anyhow::bail!("the demo has two sides");
    };
    Ok(Cast { arcadia, borealia, root })
}

fn settings(id: &str, name: &str, officers: [&str; 2]) -> anyhow::Result<Config> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let uid = rustix::process::getuid().as_raw();
    let [first, second] = officers;
    let officer =
        |name: &str, roles: &[Role]| Officer { name: name.to_owned(), roles: roles.to_vec(), unix_uids: vec![uid] };
    let mut config = Config::bare(id.parse()?, name.to_owned(), address.parse()?);
    config.advertise = vec![address];
    config.languages = vec!["en".to_owned()];
    config.officer =
        vec![officer(first, &[Role::Drafter, Role::Custodian]), officer(second, &[Role::Approver, Role::Auditor])];
    Ok(config)
}

fn side(data: &Path, officers: [&str; 2]) -> anyhow::Result<Side> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let running = runtime.block_on(run::start(data))?;
    let node = Arc::clone(running.node());
    let uid = rustix::process::getuid().as_raw();
    let [first, second] = officers;
    let admitted = |name: &str| Admitted::admit(&node.config(), uid, Some(name));
    let officers = [admitted(first)?, admitted(second)?];
    Ok(Side { running: Some(running), runtime, node, officers })
}

/// What the legal basis of it is looked up by, in the example registry of fictional States.
///
/// # Errors
/// None that a test has not seen: the day is written here.
pub fn basis() -> anyhow::Result<BasisWish> {
    let question = BasisQuestion {
        crimes: vec!["crimes-against-humanity".to_owned()],
        conduct: Some("2025-03-03".parse()?),
        ..BasisQuestion::default()
    };
    Ok(BasisWish { question, reason: String::new() })
}

/// What Arcadia asks for.
pub fn request_body() -> RequestBody {
    let text = |text: &str| text.to_owned();
    RequestBody {
        reference: text("XA-2026-0117"),
        subject: text("Evidence on the events at the bridge of Port Boreal, 3 March 2025 (fictional)"),
        proceeding_authority: text("Office of the Prosecutor of Arcadia, War Crimes Unit"),
        proceeding_authority_functions: text("Investigates and prosecutes international crimes."),
        nature_of_proceedings: text("Criminal investigation into crimes against humanity."),
        facts: text("On 3 March 2025 armed men fired on people who were crossing the bridge of Port Boreal."),
        applicable_law: text("Penal Code of Arcadia, art. 142; its text is attached."),
        penalty: text("Imprisonment of ten to thirty years."),
        measures: vec![Measure {
            kind: text("evidence"),
            description: text("The statement taken in Port Boreal, and the recording of the bridge."),
            ..Measure::default()
        }],
        law_texts: vec![LawText {
            citation: text("Penal Code of Arcadia, art. 142 (fictional)"),
            text: String::from_utf8_lossy(LAW).into_owned(),
        }],
        purpose: text("To establish who gave the order; for use in the investigation named above."),
        ..RequestBody::default()
    }
}

/// A UDP port that is free now.
fn free_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}
