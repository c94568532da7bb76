//! The texts of a bag that are for people and for other tools: `bag-info.txt`, `conditions.txt`, `VERIFY.md`. Each follows
//! from the signed bytes, so the verifier makes them again and compares: a text that says something else is found.

use crate::bag::layout::{self, MESSAGE};
use crate::crypto::digest::sha256;
use crate::model::ident::AuthorityId;
use crate::model::message::{Body, Message};
use crate::model::package::Condition;
use crate::model::time::Timestamp;

/// What the texts are made of.
#[derive(Debug, Clone, Copy)]
pub struct Notes<'a> {
    /// Who made the bag.
    pub exporter: &'a AuthorityId,
    /// When, by whole seconds.
    pub exported_at: Timestamp,
    /// The message that names the files, exact bytes and decoded.
    pub message: (&'a [u8], &'a Message),
    /// The request, if it stands beside.
    pub request: Option<&'a Message>,
    /// The acceptances, in order.
    pub acceptances: &'a [Message],
}

/// The label of the exporting authority in `bag-info.txt`.
pub const EXPORTER_LABEL: &str = "Source-Organization";
/// The label of the instant of export.
pub const EXPORTED_AT_LABEL: &str = "Rogatory-Exported-At";

impl Notes<'_> {
    /// The fields of `bag-info.txt`, in order.
    pub fn bag_info(&self) -> Vec<(&'static str, String)> {
        let (_, message) = self.message;
        let items = message.consignment.as_ref().map(|consignment| consignment.items.as_slice()).unwrap_or_default();
        let bytes: u64 = items.iter().map(|item| item.plaintext_bytes).fold(0, u64::saturating_add);
        let package = message.consignment.as_ref().map(|consignment| consignment.seal_id.to_string());
        let exported_at = self.exported_at.to_string();
        vec![
            (EXPORTER_LABEL, self.exporter.to_string()),
            ("Bagging-Date", exported_at.chars().take(10).collect()),
            ("External-Identifier", package.unwrap_or_default()),
            ("Internal-Sender-Identifier", message.request_id.to_string()),
            ("Payload-Oxum", format!("{bytes}.{}", items.len())),
            (EXPORTED_AT_LABEL, exported_at),
            ("Rogatory-Bag-Format", "1".to_owned()),
        ]
    }

    /// The conditions as people read them.
    pub fn conditions(&self) -> String {
        let (bytes, message) = self.message;
        let mut text = format!(
            "Conditions, format 1\n\nMade from rogatory/message.pb, which {} signed and which prevails over this text.\n\
             SHA-256 of the message: {}\n",
            message.sender.authority,
            sha256(bytes)
        );
        if message.conditions.is_empty() {
            text.push_str("\nThe message sets no condition.\n");
        }
        for condition in &message.conditions {
            text.push_str(&self.condition(condition));
        }
        text
    }

    fn condition(&self, condition: &Condition) -> String {
        let covers = match condition.objects.as_slice() {
            [] => "the whole package".to_owned(),
            some => some.iter().map(|object| format!("file {object}")).collect::<Vec<_>>().join(", "),
        };
        let source = if condition.legal_source.is_empty() { "not stated" } else { &condition.legal_source };
        let status = match self.accepted_by(condition) {
            Some((number, acceptance)) => format!(
                "accepted by {} on {} ({}.pb), responsible: {}",
                acceptance.sender.authority,
                acceptance.created_at,
                layout::acceptance(number),
                responsible(acceptance)
            ),
            None if condition.origin.needs_acceptance() => "no acceptance is in this bag".to_owned(),
            None => format!("binds without acceptance ({})", condition.origin.name()),
        };
        // Every line of the text is set in, so that it cannot pass for one of the lines above it.
        let words: String = condition.text.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "\n[{}] {}\ncovers: {covers}\nlegal source: {source}\nstatus: {status}\n\n{words}",
            condition.id, condition.code
        )
    }

    /// The acceptance that names the condition, with its number.
    pub fn accepted_by(&self, condition: &Condition) -> Option<(usize, &Message)> {
        (1..).zip(self.acceptances).find(|(_, acceptance)| match &acceptance.body {
            Body::Acceptance(body) => body.condition_ids.contains(&condition.id),
            _ => false,
        })
    }

    /// How anybody checks the bag without this program.
    pub fn verify(&self) -> String {
        let (_, message) = self.message;
        let mut text = VERIFY_HEAD.to_owned();
        let sender = &message.sender.authority;
        let mut acts = vec![
            (MESSAGE.to_owned(), sender, "names each file with its SHA-256, and every condition"),
            (layout::ENVELOPE.to_owned(), sender, "is what travelled, sealed, from one authority to the other"),
        ];
        if let Some(request) = self.request {
            acts.push((layout::REQUEST.to_owned(), &request.sender.authority, "is the request that was answered"));
        }
        for (number, acceptance) in (1..).zip(self.acceptances) {
            acts.push((layout::acceptance(number), &acceptance.sender.authority, "accepts conditions"));
        }
        let at_seconds = self.exported_at.as_secs();
        for (stem, signer, what) in acts {
            let (certificates, lists) = (layout::certificates(signer), layout::revocation_lists(signer));
            text.push_str(&format!(
                "\n`{stem}.pb` {what}. Proves that {signer} signed exactly these bytes, with a certificate that was\n\
                 valid and not revoked when this bag was made ({}):\n\n```sh\n\
                 cat {certificates} {lists} | openssl cms -verify -cades -binary -inform DER -in {stem}.pb.p7s \
                 -content {stem}.pb -CAfile /dev/stdin -crl_check -attime {at_seconds} -out /dev/null\n```\n",
                self.exported_at
            ));
        }
        text.push_str(VERIFY_TAIL);
        text
    }
}

/// `bag-info.txt` from its fields.
pub fn bag_info_text(fields: &[(&'static str, String)]) -> String {
    fields.iter().map(|(label, value)| format!("{label}: {value}\n")).collect()
}

/// The fields of a `bag-info.txt`; none if it is no such text.
pub fn bag_info_fields(bytes: &[u8]) -> Option<Vec<(&str, &str)>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    text.split('\n').map(|line| line.split_once(": ")).collect()
}

fn responsible(acceptance: &Message) -> &str {
    match &acceptance.body {
        Body::Acceptance(body) => &body.responsible_authority,
        _ => "",
    }
}

const VERIFY_HEAD: &str = "\
# Check this bag without the program that made it

Format 1. Run the commands in the folder of the bag (the one that holds `bagit.txt`), on any machine with coreutils,
OpenSSL 3 and Python's `bagit`. None of them changes the bag or needs a network. `rogatory verify .` does all of this, and
checks the custody proofs as well.

## Complete and unaltered

Proves that every file is there as it was when the bag was made, and that none came to it:

```sh
sha256sum --check --quiet manifest-sha256.txt tagmanifest-sha256.txt
```

```sh
sha512sum --check --quiet manifest-sha512.txt tagmanifest-sha512.txt
```

```sh
bagit.py --validate .
```

By itself this proves nothing about who made the bag: whoever changes a file can write new manifests. The signatures do.

## Signed by whom
";

const VERIFY_TAIL: &str = "
The certificates and revocation lists are those of the directory in `rogatory/directory`, which its keepers signed (TUF 1.0
metadata; any TUF client checks it). Compare the fingerprint of its root with the one that the keepers published: without
that, everything above rests on certificates that came with the bag.

The message is protobuf, `rogatory.v1.Message` in the published schema; `protoc --decode_raw` shows it without the schema:
field 17 is the list of files, in it field 2 the original name and field 5 the SHA-256.

## In the custody logs

Each `rogatory/records/<log>/<index>.record` stands in an append-only log. Its entry there is

```text
SHA-256(\"rogatory/v1/custody-leaf\\0\" || <index>.salt || <index>.record)
```

and `<index>.tlog-proof` (C2SP tlog-proof) leads from that entry to a checkpoint (C2SP signed note) that the log's key in
`rogatory/logs/<log>/log.vkey` signed. A receipt holds the same three parts of a record of the other authority's log.
";
