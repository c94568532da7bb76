//! A certificate revocation list (RFC 5280, 5): its dates and the choice of the one that counts for an issuer. Does not
//! check its signature: `certificate.rs` does that with the issuer's key.

use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::der::asn1::OctetString;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::model::time::Timestamp;

/// A parsed revocation list.
#[derive(Debug, Clone)]
pub struct RevocationList {
    issuer: Name,
    issuer_key_id: Option<OctetString>,
    this_update: Timestamp,
    next_update: Timestamp,
    revoked: Vec<(Vec<u8>, Timestamp)>,
    der: Vec<u8>,
}

impl RevocationList {
    /// Reads a DER list; refuses one without a date of the next, because it would never go stale.
    pub fn read(der: &[u8]) -> Result<Self, RevocationListError> {
        let list = CertificateList::<x509_cert::certificate::Rfc5280>::from_der(der)
            .map_err(|_| RevocationListError::Malformed)?
            .tbs_cert_list;
        let next_update = list.next_update.ok_or(RevocationListError::Endless)?;
        let extensions = list.crl_extensions.unwrap_or_default();
        let issuer_key_id = extensions
            .iter()
            .find(|extension| extension.extn_id == AUTHORITY_KEY_IDENTIFIER)
            .map(|extension| AuthorityKeyIdentifier::from_der(extension.extn_value.as_bytes()))
            .transpose()
            .map_err(|_| RevocationListError::Malformed)?
            .and_then(|identifier| identifier.key_identifier);
        let revoked = list
            .revoked_certificates
            .unwrap_or_default()
            .into_iter()
            .map(|entry| {
                let serial = entry.serial_number.as_bytes().to_vec();
                (serial, timestamp(entry.revocation_date))
            })
            .collect();
        Ok(Self {
            issuer: list.issuer,
            issuer_key_id,
            this_update: timestamp(list.this_update),
            next_update: timestamp(next_update),
            revoked,
            der: der.to_vec(),
        })
    }

    /// The name of the issuing CA, for people (RFC 4514).
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// When it was issued.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next one is due; from then on this one is stale.
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// How many certificates it revokes.
    pub fn revoked_count(&self) -> usize {
        self.revoked.len()
    }

    /// Since when the certificate with that serial number (big-endian, no leading zeros) is revoked.
    pub fn revoked_since(&self, serial: &[u8]) -> Option<Timestamp> {
        self.revoked.iter().find(|(revoked, _)| revoked == serial).map(|(_, since)| *since)
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The newest list of that issuer. Two keys of one CA may bear one name (key roll-over), so where both sides
    /// name a key it must be the same.
    pub(super) fn newest_of(issuer: &Certificate, lists: &[Vec<u8>]) -> Result<Option<Self>, RevocationListError> {
        let key_id = issuer
            .tbs_certificate()
            .get_extension::<SubjectKeyIdentifier>()
            .map_err(|_| RevocationListError::Malformed)?
            .map(|(_, identifier)| identifier.0);
        let mut newest: Option<Self> = None;
        for der in lists {
            let list = Self::read(der)?;
            let named = list.issuer == *issuer.tbs_certificate().subject();
            let keyed = match (&list.issuer_key_id, &key_id) {
                (Some(list_key), Some(issuer_key)) => list_key == issuer_key,
                _ => true,
            };
            let newer = newest.as_ref().is_none_or(|best| best.this_update < list.this_update);
            if named && keyed && newer {
                newest = Some(list);
            }
        }
        Ok(newest)
    }
}

/// The instant of an X.509 date.
pub(super) fn timestamp(time: Time) -> Timestamp {
    let millis = time.to_unix_duration().as_millis();
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

const AUTHORITY_KEY_IDENTIFIER: x509_cert::der::asn1::ObjectIdentifier =
    x509_cert::der::asn1::ObjectIdentifier::new_unwrap("2.5.29.35");

/// Why bytes are no usable revocation list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevocationListError {
    /// Not the DER of a revocation list.
    #[error("a revocation list is malformed; fetch it again from its CA")]
    Malformed,
    /// It does not say when the next one comes.
    #[error("a revocation list has no date of the next update; its CA must issue one with it")]
    Endless,
}
