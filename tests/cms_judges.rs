//! OpenSSL as the foreign judge of legal acts and certificates: it accepts ours, refuses what was changed, and we accept
//! its own. `tests/judges/install.sh` installs it; a judge that is missing fails the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rogatory::crypto::certificate::{CertificateError, CertificateFacts};
use rogatory::crypto::cms::Signer;
use rogatory::crypto::issue::{
    Identity, Revocation, Validity, authority_ca, node_certificate, revocation_list, seal_certificate,
};
use rogatory::crypto::pem::{Label, encode};
use rogatory::crypto::signature::{SignatureError, SignerFacts, verify};
use rogatory::model::ident::AuthorityId;
use rogatory::model::time::Timestamp;

const CONTENT: &[u8] = b"the exact bytes of an act\r\nwith both line ends\n";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Runs a command of OpenSSL in `folder`; what it printed, or what it complained about.
fn openssl(folder: &Path, arguments: &str) -> Result<String, String> {
    let done = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("openssl: {error}; run tests/judges/install.sh (apt: openssl)"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&done.stdout) + &text(&done.stderr);
    if done.status.success() { Ok(printed) } else { Err(printed) }
}

/// A folder with the files that a foreign verifier gets, valid from 2020 to 2040: OpenSSL signs by its own clock.
struct Bench {
    folder: tempfile::TempDir,
    ca: Identity,
    seal: Identity,
    list: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let authority: AuthorityId = "XA-MOJ".parse().unwrap();
        let validity = Validity { not_before: at("2020-01-01"), not_after: at("2040-01-01") };
        let ca = authority_ca(&authority, "Arcadia", validity).unwrap();
        let seal = seal_certificate(&ca, &authority, "Arcadia", "XA-MOJ seal", validity).unwrap();
        let node = node_certificate(&ca, &authority, "Arcadia", "xa-moj.rogatory", validity).unwrap();
        let list = revocation_list(&ca, &[], validity.not_before, validity.not_after, 1).unwrap();
        let bench = Self { folder: tempfile::tempdir().unwrap(), ca, seal, list };
        bench.write("act.pb", CONTENT);
        bench.write_pem("ca.pem", Label::Certificate, &bench.ca.certificate);
        bench.write_pem("seal.pem", Label::Certificate, &bench.seal.certificate);
        bench.write_pem("seal.key", Label::PrivateKey, &bench.seal.key);
        bench.write_pem("node.pem", Label::Certificate, &node.certificate);
        bench.write_anchors(&bench.list);
        bench
    }

    /// The CA and its revocation list in one file, as `-CAfile` with `-crl_check` wants them.
    fn write_anchors(&self, list: &[u8]) {
        self.write_pem("list.pem", Label::RevocationList, list);
        let anchors = [self.read("ca.pem"), self.read("list.pem")].concat();
        self.write("anchors.pem", &anchors);
    }

    fn sign(&self) {
        let chain = vec![self.ca.certificate.clone()];
        let signer = Signer::new(&self.seal.key, self.seal.certificate.clone(), chain).unwrap();
        let signature = signer.sign(CONTENT, "application/vnd.rogatory.message", at("2026-06-01")).unwrap();
        self.write("act.p7s", &signature);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn write_pem(&self, name: &str, label: Label, der: &[u8]) {
        self.write(name, encode(label, der).as_bytes());
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn openssl(&self, arguments: &str) -> Result<String, String> {
        openssl(self.folder.path(), arguments)
    }

    fn verify_by_openssl(&self) -> Result<String, String> {
        self.openssl(
            "cms -verify -cades -binary -inform DER -in act.p7s -content act.pb -CAfile anchors.pem -crl_check -out out",
        )
    }

    fn verify_by_us(&self, issuer: &[u8], list: &[u8]) -> Result<SignerFacts, SignatureError> {
        verify(&self.read("act.p7s"), CONTENT, &[issuer.to_vec()], &[list.to_vec()], at("2039-12-01"))
    }
}

#[test]
fn openssl_accepts_our_signature_with_chain_and_revocation() {
    let bench = Bench::new();
    bench.sign();
    let said = bench.verify_by_openssl().unwrap();
    assert!(said.contains("successful"), "{said}");
    assert_eq!(bench.read("out"), CONTENT);
}

#[test]
fn openssl_refuses_our_signature_over_changed_content_or_by_a_revoked_certificate() {
    let bench = Bench::new();
    bench.sign();
    let mut changed = CONTENT.to_vec();
    changed[4] ^= 1;
    bench.write("act.pb", &changed);
    let said = bench.verify_by_openssl().unwrap_err();
    assert!(said.contains("content verify error"), "{said}");
    bench.write("act.pb", CONTENT);

    let revoked =
        Revocation { serial: CertificateFacts::read(&bench.seal.certificate).unwrap().serial, at: at("2021-01-01") };
    let list = revocation_list(&bench.ca, &[revoked], at("2021-01-01"), at("2040-01-01"), 2);
    bench.write_anchors(&list.unwrap());
    let said = bench.verify_by_openssl().unwrap_err();
    assert!(said.contains("revoked"), "{said}");
}

#[test]
fn we_accept_a_signature_that_openssl_made_and_refuse_it_when_changed() {
    let bench = Bench::new();
    bench
        .openssl(
            "cms -sign -cades -binary -outform DER -in act.pb -signer seal.pem -inkey seal.key -certfile ca.pem -md sha256 -out act.p7s",
        )
        .unwrap();
    let facts = bench.verify_by_us(&bench.ca.certificate, &bench.list).unwrap();
    assert_eq!(facts.certificate_der(), bench.seal.certificate);
    assert_eq!(facts.mime_type(), None);

    let mut signature = bench.read("act.p7s");
    *signature.last_mut().unwrap() ^= 1;
    bench.write("act.p7s", &signature);
    assert_eq!(bench.verify_by_us(&bench.ca.certificate, &bench.list), Err(SignatureError::Invalid));
}

#[test]
fn a_signature_of_openssl_without_cades_attributes_is_refused() {
    let bench = Bench::new();
    for options in ["-noattr", "-nosmimecap", "-cades -keyid", "-cades -nodetach", "-cades -nocerts"] {
        bench
            .openssl(&format!(
                "cms -sign -binary -outform DER -in act.pb -signer seal.pem -inkey seal.key {options} -out act.p7s"
            ))
            .unwrap();
        let refused = bench.verify_by_us(&bench.ca.certificate, &bench.list);
        assert!(matches!(refused, Err(SignatureError::Malformed(_))), "{options}: {refused:?}");
    }
}

#[test]
fn openssl_reads_our_certificates_and_list_as_the_profiles_say() {
    let bench = Bench::new();
    let text = |name: &str| bench.openssl(&format!("x509 -noout -text -in {name}")).unwrap();
    for (file, wanted) in [
        ("ca.pem", "CA:TRUE, pathlen:0"),
        ("ca.pem", "Certificate Sign, CRL Sign"),
        ("ca.pem", "Subject: C = XA, O = Arcadia, CN = XA-MOJ issuing CA"),
        ("seal.pem", "Digital Signature, Non Repudiation"),
        ("seal.pem", "1.3.6.1.5.5.7.3.36"),
        ("seal.pem", "E-mail Protection"),
        ("seal.pem", "URI:urn:rogatory:authority:XA:MOJ"),
        ("node.pem", "TLS Web Server Authentication, TLS Web Client Authentication"),
        ("node.pem", "URI:urn:rogatory:authority:XA:MOJ, DNS:xa-moj.rogatory"),
        ("node.pem", "ASN1 OID: prime256v1"),
    ] {
        assert!(text(file).contains(wanted), "{file}: {wanted}\n{}", text(file));
    }
    for name in ["seal.pem", "node.pem"] {
        let said = bench.openssl(&format!("verify -x509_strict -crl_check -CAfile anchors.pem {name}")).unwrap();
        assert!(said.contains("OK"), "{said}");
    }
    let said = bench.openssl("crl -noout -text -in list.pem -CAfile ca.pem").unwrap();
    assert!(said.contains("verify OK"), "{said}");
    assert!(said.contains("No Revoked Certificates"), "{said}");
    assert!(said.contains("X509v3 Authority Key Identifier"), "{said}");
}

const NATIONAL_CA: &str = "
[ca]
default_ca = national
[national]
database = index.txt
default_md = sha256
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
[req]
distinguished_name = name
prompt = no
[name]
C = XB
CN = National CA of Borealia
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[seal]
keyUsage = critical, nonRepudiation
extendedKeyUsage = 1.3.6.1.5.5.7.3.36, emailProtection
subjectAltName = URI:urn:rogatory:authority:XB:MOJ
";

/// A national PKI that is not ours: RSA keys, a CA and a list made by OpenSSL.
fn national_bench() -> Bench {
    let bench = Bench::new();
    bench.write("ca.cnf", NATIONAL_CA.as_bytes());
    bench.write("index.txt", b"");
    for command in [
        "req -x509 -config ca.cnf -extensions root -newkey rsa:2048 -nodes -keyout root.key -out ca.pem -days 9000",
        "req -new -config ca.cnf -subj /C=XB/CN=Seal -newkey rsa:2048 -nodes -keyout seal.key -out seal.csr",
        "x509 -req -in seal.csr -CA ca.pem -CAkey root.key -extfile ca.cnf -extensions seal -days 9000 -out seal.pem",
        "ca -gencrl -config ca.cnf -keyfile root.key -cert ca.pem -crldays 9000 -out list.pem",
        "x509 -in ca.pem -outform DER -out ca.der",
        "crl -in list.pem -outform DER -out list.der",
    ] {
        bench.openssl(command).unwrap();
    }
    bench
}

#[test]
fn rsa_signatures_of_a_national_pki_are_accepted_in_both_paddings() {
    let bench = national_bench();
    let pss = "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:digest";
    for options in ["-md sha256", "-md sha512", &format!("-md sha256 {pss}")] {
        // -keyopt belongs to the signer that stands before it.
        bench
            .openssl(&format!(
                "cms -sign -cades -binary -outform DER -in act.pb -signer seal.pem -inkey seal.key {options} -out act.p7s"
            ))
            .unwrap();
        let facts = bench
            .verify_by_us(&bench.read("ca.der"), &bench.read("list.der"))
            .unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!(facts.certificate().facts().subject, "CN=Seal,C=XB");
    }
}

#[test]
fn a_sha1_signature_is_refused() {
    let bench = national_bench();
    bench
        .openssl(
            "cms -sign -cades -binary -outform DER -in act.pb -signer seal.pem -inkey seal.key -md sha1 -out act.p7s",
        )
        .unwrap();
    assert_eq!(
        bench.verify_by_us(&bench.read("ca.der"), &bench.read("list.der")),
        Err(SignatureError::Certificate(CertificateError::UnsupportedAlgorithm))
    );
}
