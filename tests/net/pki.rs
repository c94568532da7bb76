//! Certificates for the tests: CAs, node certificates and revocation lists, good and bad, around one fixed instant.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use rogatory::model::ident::AuthorityId;
use rogatory::model::time::Timestamp;
use rogatory::net::tls::NodeKey;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The instant at which the tests happen: 2026-11-22T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);
const DAY: i64 = 86_400;

pub(crate) fn at(days: i64) -> OffsetDateTime {
    let now = i64::try_from(NOW.as_secs()).unwrap();
    OffsetDateTime::from_unix_timestamp(now + days * DAY).unwrap()
}

/// What a test changes about a node certificate.
pub(crate) struct Wish {
    pub(crate) authority: &'static str,
    pub(crate) serial: u64,
    pub(crate) from_day: i64,
    pub(crate) to_day: i64,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
}

impl Wish {
    pub(crate) fn of(authority: &'static str) -> Self {
        Self {
            authority,
            serial: 7,
            from_day: -1,
            to_day: 90,
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

pub(crate) struct Ca {
    pub(crate) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        Self::valid(name, -30, 300)
    }

    pub(crate) fn valid(name: &str, from_day: i64, to_day: i64) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = ca_params(name, from_day, to_day);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A CA below this one, which no directory lists.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = ca_params(name, -30, 300);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn node(&self, authority: &'static str) -> NodeKey {
        self.issue(&Wish::of(authority))
    }

    pub(crate) fn issue(&self, wish: &Wish) -> NodeKey {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        let id: AuthorityId = wish.authority.parse().unwrap();
        params.subject_alt_names = vec![
            SanType::URI(rogatory::crypto::san::uri_of(&id).try_into().unwrap()),
            SanType::DnsName("node.example".try_into().unwrap()),
        ];
        params.serial_number = Some(SerialNumber::from(wish.serial));
        params.not_before = at(wish.from_day);
        params.not_after = at(wish.to_day);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = wish.purposes.clone();
        params.use_authority_key_identifier_extension = true;
        NodeKey {
            certificate: params.signed_by(&key, &self.issuer).unwrap().der().to_vec(),
            pkcs8: Zeroizing::new(key.serialize_der()),
        }
    }

    /// A fresh revocation list.
    pub(crate) fn list(&self, revoked: &[u64]) -> Vec<u8> {
        self.list_until(revoked, 7)
    }

    pub(crate) fn list_until(&self, revoked: &[u64], next_day: i64) -> Vec<u8> {
        let revoked_certs = revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: at(-1),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        CertificateRevocationListParams {
            this_update: at(-20),
            next_update: at(next_day),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer)
        .unwrap()
        .der()
        .to_vec()
    }
}

fn ca_params(name: &str, from_day: i64, to_day: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = at(from_day);
    params.not_after = at(to_day);
    params
}
