//! The authority that a certificate names, read by ourselves from its one subject alternative name URI. Refuses
//! a certificate with no such URI, with several, or with one that is not written exactly as we write it.
//!
//! The URI is `urn:rogatory:authority:<state>:<slug>`: `XA-MOJ` is `urn:rogatory:authority:XA:MOJ`. We read it
//! here because path building does not compare URIs safely (RUSTSEC-2026-0098: URI name constraints wrongly
//! accepted); the caller must still check that the issuing CA is one that the directory lists for this authority.

use der::Decode;
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::model::ident::AuthorityId;

const PREFIX: &str = "urn:rogatory:authority:";

/// The authority that the certificate names. Says nothing about whether the certificate is to be believed.
pub fn authority_of(certificate_der: &[u8]) -> Result<AuthorityId, SanError> {
    let certificate = Certificate::from_der(certificate_der).map_err(|_| SanError::Certificate)?;
    // A second extension of the same kind is an error here: two readers could otherwise see two identities.
    let (_, SubjectAltName(names)) = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .map_err(|_| SanError::Certificate)?
        .ok_or(SanError::Missing)?;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    });
    let uri = uris.next().ok_or(SanError::Missing)?;
    if uris.next().is_some() {
        return Err(SanError::Several);
    }
    authority_named(uri)
}

/// The URI that a certificate of this authority carries.
pub fn uri_of(authority: &AuthorityId) -> String {
    let state = authority.state();
    let slug = authority.as_str().split_once('-').map_or("", |(_, slug)| slug);
    format!("{PREFIX}{state}:{slug}")
}

fn authority_named(uri: &str) -> Result<AuthorityId, SanError> {
    let (state, slug) = uri.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':')).ok_or(SanError::Foreign)?;
    let authority: AuthorityId = format!("{state}-{slug}").parse().map_err(|_| SanError::Foreign)?;
    // One identity has one spelling: `XA-B:MOJ` must not become what `XA:B-MOJ` is.
    if uri_of(&authority) == uri { Ok(authority) } else { Err(SanError::Foreign) }
}

/// Why no authority could be read from a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SanError {
    /// Not a certificate, or its names cannot be read.
    #[error("not a readable X.509 certificate; give one in DER with one subject alternative name")]
    Certificate,
    /// It names no URI.
    #[error("the certificate names no authority; issue it with the URI {PREFIX}<state>:<slug>")]
    Missing,
    /// It names several URIs, so it is open which one speaks.
    #[error("the certificate has several URIs; issue it with the one of its authority")]
    Several,
    /// Its URI is not one of an authority.
    #[error("the certificate's URI is not {PREFIX}<state>:<slug>; issue it again")]
    Foreign,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, CustomExtension, KeyPair, SanType};

    use super::*;

    fn certificate(names: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        self_signed(params)
    }

    fn self_signed(params: CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    #[test]
    fn the_authority_is_read_from_the_one_uri_beside_other_names() {
        let der = certificate(&[dns("node.xa.example"), uri("urn:rogatory:authority:XA:MOJ")]);
        assert_eq!(authority_of(&der).unwrap().as_str(), "XA-MOJ");
    }

    #[test]
    fn a_certificate_without_a_uri_names_nobody() {
        assert_eq!(authority_of(&certificate(&[])), Err(SanError::Missing));
        let der = certificate(&[dns("node.xa.example")]);
        assert_eq!(authority_of(&der), Err(SanError::Missing));
    }

    #[test]
    fn two_uris_name_nobody() {
        let der = certificate(&[uri("urn:rogatory:authority:XA:MOJ"), uri("urn:rogatory:authority:XB:MOJ")]);
        assert_eq!(authority_of(&der), Err(SanError::Several));
    }

    #[test]
    fn two_name_extensions_name_nobody() {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![uri("urn:rogatory:authority:XA:MOJ")];
        let second = b"\x30\x1f\x86\x1durn:rogatory:authority:XB:MOJ".to_vec();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], second)];
        assert_eq!(authority_of(&self_signed(params)), Err(SanError::Certificate));
    }

    #[test]
    fn a_uri_in_any_other_spelling_is_foreign() {
        for text in [
            "https://xa.example/",
            "urn:rogatory:authority:XA-MOJ",
            "urn:rogatory:authority:xa:moj",
            "URN:rogatory:authority:XA:MOJ",
            "urn:rogatory:authority:XA:MOJ:2",
            "urn:rogatory:authority:XA:MOJ#x",
            "urn:rogatory:authority:XA-B:MOJ",
            "urn:rogatory:authority:XA:",
            "urn:rogatory:authority::XA-MOJ",
        ] {
            assert_eq!(authority_named(text), Err(SanError::Foreign), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        let good = certificate(&[uri("urn:rogatory:authority:XA:MOJ")]);
        for bytes in [&[][..], b"\x30\x00", &good[..good.len() - 1]] {
            assert_eq!(authority_of(bytes), Err(SanError::Certificate));
        }
    }

    proptest! {
        #[test]
        fn every_authority_reads_back_from_its_uri(
            text in "([A-Z]{2}|INT)-[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?"
        ) {
            let authority: AuthorityId = text.parse().unwrap();
            prop_assert_eq!(authority_named(&uri_of(&authority)), Ok(authority));
        }
    }
}
