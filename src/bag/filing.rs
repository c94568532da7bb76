//! The bundle of a request that travels another way: the printable forms, the exact signed bytes, the signature, and how
//! to check them without this program. Pure: the same request gives the same files.

use crate::bag::letter::Letter;
use crate::crypto::digest::sha256;
use crate::crypto::pem::{self, Label};
use crate::model::message::Message;
use crate::model::time::Timestamp;

/// What the bundle is made of.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// The request.
    pub message: &'a Message,
    /// The way that it must travel.
    pub way: &'a str,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The detached CAdES signature over them, DER.
    pub cms: Vec<u8>,
    /// The printable forms, by language.
    pub letters: Vec<(String, Letter)>,
    /// The certificates that speak for the requesting authority, DER.
    pub issuers: &'a [Vec<u8>],
    /// Their revocation lists, DER.
    pub lists: &'a [Vec<u8>],
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// The files, by name.
pub fn files(bundle: &Bundle<'_>) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (place, (language, letter)) in bundle.letters.iter().enumerate() {
        let stem = if place == 0 { "request".to_owned() } else { format!("request.{language}") };
        files.push((format!("{stem}.pdf"), letter.pdf.clone()));
        files.push((format!("{stem}.html"), letter.html.clone()));
    }
    files.push(("message.pb".to_owned(), bundle.bytes.clone()));
    files.push(("message.pb.p7s".to_owned(), bundle.cms.clone()));
    let blocks = |label: Label, all: &[Vec<u8>]| -> Vec<u8> {
        all.iter().flat_map(|der| pem::encode(label, der).as_bytes().to_vec()).collect()
    };
    files.push(("issuer.pem".to_owned(), blocks(Label::Certificate, bundle.issuers)));
    files.push(("revocation.pem".to_owned(), blocks(Label::RevocationList, bundle.lists)));
    let listed: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
    files.push(("SHA256SUMS".to_owned(), listed.into_bytes()));
    files.push(("VERIFY.txt".to_owned(), verify(bundle).into_bytes()));
    files
}

fn verify(bundle: &Bundle<'_>) -> String {
    let (from, to) = (&bundle.message.sender.authority, &bundle.message.recipient);
    let mut text = format!(
        "A REQUEST THAT WAS NOT FILED ELECTRONICALLY\n\n\
         Request {}\nFrom    {from}\nTo      {to}\nWay     {}\n\n\
         The addressee does not take requests over the network between nodes, or that was not agreed. Nothing was sent to\n\
         it. The request is made only when this bundle, or the printed and signed request.pdf, arrives by the way above.\n\n\
         request.pdf, request.html   the request for people; other languages beside them\n\
         message.pb                  the exact bytes that {from} signed\n\
         message.pb.p7s              the signature (CAdES, detached, DER)\n\
         issuer.pem, revocation.pem  the certificates that speak for {from}, as the directory lists them; compare them\n\
         \x20                           with what you hold yourself\n\n",
        bundle.message.request_id, bundle.way
    );
    text.push_str(&format!(
        "1. The files are whole:\n\n   sha256sum -c SHA256SUMS\n\n\
         2. {from} signed message.pb:\n\n   cat issuer.pem revocation.pem > anchors.pem\n   \
         openssl cms -verify -cades -binary -inform DER -in message.pb.p7s -content message.pb -CAfile anchors.pem \
         -crl_check -attime {} -out /dev/null\n\n\
         3. The printed forms are those that were signed: message.pb holds their SHA-256 (field 20):\n\n",
        bundle.signed_at.as_secs()
    ));
    for one in &bundle.message.renditions {
        text.push_str(&format!("   {}  html {}\n       pdf  {}\n", one.language, one.html, one.pdf));
    }
    text.push_str(
        "\n   Each of these 32 bytes stands in message.pb as it is; for the PDF, e.g.:\n\n   \
         xxd -p message.pb | tr -d '\\n' | grep -c \"$(sha256sum request.pdf | cut -c1-64)\"\n",
    );
    text
}
