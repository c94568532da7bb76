//! A time-stamp authority for tests: certificates by rcgen, tokens by `openssl ts -reply`, so that what is judged was made
//! by foreign software. Its clock is the machine's.

pub(crate) mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256,
};
use rogatory::daemon::clock;
use tempfile::TempDir;
use time::OffsetDateTime;

/// The value of an extended key usage with `id-kp-timeStamping` alone.
pub(crate) const TIME_STAMPING: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
/// The same with serverAuth beside it.
pub(crate) const TWO_PURPOSES: &[u8] = &[0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];

/// How an authority is made.
pub(crate) struct Plan {
    /// The kind of key.
    pub(crate) key: Key,
    /// `ess_cert_id_alg`: `sha1` makes the older attribute.
    pub(crate) named_by: &'static str,
    /// First and last day of its certificate, from today.
    pub(crate) days: (i64, i64),
    /// First and last day of the CA.
    pub(crate) ca_days: (i64, i64),
    /// Whether a CA stands between.
    pub(crate) steps: Steps,
    /// The extended key usage, DER, and whether it is critical.
    pub(crate) purpose: (&'static [u8], Weight),
}

/// The kind of key.
pub(crate) enum Key {
    /// ECDSA P-256.
    P256,
    /// RSA of 2048 bits.
    Rsa,
}

/// What stands between the CA that is trusted and the authority.
pub(crate) enum Steps {
    /// Nothing.
    None,
    /// One CA, whose certificate travels in the token.
    One,
}

/// Whether an extension is critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// It is.
    Critical,
    /// It is not.
    Plain,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            key: Key::P256,
            named_by: "sha256",
            days: (-1, 30),
            ca_days: (-30, 300),
            steps: Steps::None,
            purpose: (TIME_STAMPING, Weight::Critical),
        }
    }
}

/// The authority: a folder with everything that OpenSSL needs.
pub(crate) struct Tsa {
    folder: TempDir,
    /// The CA that is to be trusted, DER.
    pub(crate) anchor: Vec<u8>,
}

impl Tsa {
    /// An authority under a CA of that name.
    pub(crate) fn new(name: &str, plan: &Plan) -> Self {
        let folder = TempDir::new().unwrap();
        let ca_key = KeyPair::generate().unwrap();
        let ca = ca_params(&format!("{name} Root"), plan.ca_days);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let root = Issuer::new(ca, ca_key);
        let (issuer, chain) = match plan.steps {
            Steps::None => (root, String::new()),
            Steps::One => {
                let key = KeyPair::generate().unwrap();
                let params = ca_params(&format!("{name} Issuing"), plan.ca_days);
                let pem = params.signed_by(&key, &root).unwrap().pem();
                (Issuer::new(params, key), pem)
            }
        };
        let tsa = Self { folder, anchor: ca_certificate.der().to_vec() };
        let key = tsa.key(&plan.key);
        let mut leaf = params(&format!("{name} Time"), plan.days);
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let (value, weight) = plan.purpose;
        let mut purpose = CustomExtension::from_oid_content(&[2, 5, 29, 37], value.to_vec());
        purpose.set_criticality(weight == Weight::Critical);
        leaf.custom_extensions = vec![purpose];
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        tsa.write("ca.pem", ca_certificate.pem().as_bytes());
        tsa.write("tsa.pem", certificate.pem().as_bytes());
        tsa.write("chain.pem", chain.as_bytes());
        tsa.write("serial", b"01\n");
        tsa.write("tsa.cnf", settings(plan.named_by, &chain).as_bytes());
        tsa
    }

    fn key(&self, kind: &Key) -> KeyPair {
        let key = match kind {
            Key::P256 => KeyPair::generate().unwrap(),
            Key::Rsa => {
                let arguments = "genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out tsa.key";
                // OpenSSL 3.0 has no -quiet for genpkey.
                self.openssl(&arguments.replace("-quiet ", "")).unwrap();
                let pem = String::from_utf8(self.read("tsa.key")).unwrap();
                KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).unwrap()
            }
        };
        self.write("tsa.key", key.serialize_pem().as_bytes());
        key
    }

    /// What the authority answers: granted, or denied with a reason.
    pub(crate) fn answer(&self, query: &[u8]) -> Vec<u8> {
        self.write("query.tsq", query);
        self.openssl("ts -reply -config tsa.cnf -queryfile query.tsq -out answer.tsr").unwrap();
        self.read("answer.tsr")
    }

    /// An answer that this authority's key signs over any `TSTInfo`, through `openssl cms`: for what no authority would say.
    pub(crate) fn forge(&self, tst_info: &[u8]) -> Vec<u8> {
        self.write("tst.der", tst_info);
        self.openssl(
            "cms -sign -binary -nodetach -cades -econtent_type 1.2.840.113549.1.9.16.1.4 -in tst.der -outform DER \
             -signer tsa.pem -inkey tsa.key -md sha256 -out token.der",
        )
        .unwrap();
        let token = self.read("token.der");
        sequence(&[&[0x30, 3, 2, 1, 0], token.as_slice()].concat())
    }

    /// The `TSTInfo` of an answer.
    pub(crate) fn tst_info(&self, answer: &[u8]) -> Vec<u8> {
        self.write("answer.tsr", answer);
        self.openssl("ts -reply -in answer.tsr -token_out -out token.der").unwrap();
        self.openssl("cms -verify -noverify -inform DER -in token.der -out tst.der").unwrap();
        self.read("tst.der")
    }

    /// Lets OpenSSL judge an answer over `content` by the CA in `ca.pem`.
    pub(crate) fn judge(&self, content: &[u8], answer: &[u8]) -> Result<String, String> {
        self.write("content", content);
        self.write("answer.tsr", answer);
        self.openssl("ts -verify -data content -in answer.tsr -CAfile ca.pem")
    }

    /// Where its files are.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command of OpenSSL there; what it printed, or what it complained about.
    pub(crate) fn openssl(&self, arguments: &str) -> Result<String, String> {
        openssl(self.folder.path(), arguments)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// Runs a command of OpenSSL in `folder`; what it printed, or what it complained about.
pub(crate) fn openssl(folder: &Path, arguments: &str) -> Result<String, String> {
    let done = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("openssl: {error}; run tests/judges/install.sh (apt: openssl)"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&done.stdout) + &text(&done.stderr);
    if done.status.success() { Ok(printed) } else { Err(printed) }
}

/// DER of a SEQUENCE with that content.
pub(crate) fn sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82, length[0], length[1]], content].concat()
}

fn ca_params(name: &str, days: (i64, i64)) -> CertificateParams {
    let mut params = params(name, days);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(name: &str, days: (i64, i64)) -> CertificateParams {
    let now = i64::try_from(clock::now().as_secs()).unwrap();
    let at = |days: i64| OffsetDateTime::from_unix_timestamp(now + days * 86_400).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (at(days.0), at(days.1));
    params
}

fn settings(named_by: &str, chain: &str) -> String {
    let chain = if chain.is_empty() { "" } else { "certs = ./chain.pem\n" };
    format!(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = ./serial\nsigner_cert = ./tsa.pem\n{chain}\
         signer_key = ./tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
         digests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500\nclock_precision_digits = 3\n\
         ordering = yes\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = {named_by}\n"
    )
}
