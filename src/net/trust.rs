//! Which certificates this node believes, authority by authority, as the directory says. Believes nobody else.

use std::collections::BTreeMap;

use crate::crypto::node::{IssuerError, Issuers, NodeCertificate, NodeError, Role};
use crate::crypto::san::authority_of;
use crate::model::ident::AuthorityId;
use crate::model::time::Timestamp;

/// The issuing CAs and revocation lists of every authority of one directory version.
#[derive(Debug, Default)]
pub struct Trust(BTreeMap<AuthorityId, Issuers>);

impl Trust {
    /// Trusts nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an authority with its issuing CAs and their revocation lists (DER). On an error the authority stays
    /// unknown; the others are not touched by one bad row.
    pub fn add(
        &mut self,
        authority: AuthorityId,
        issuers: &[Vec<u8>],
        revocation_lists: &[Vec<u8>],
    ) -> Result<(), IssuerError> {
        self.0.insert(authority, Issuers::new(issuers, revocation_lists)?);
        Ok(())
    }

    /// For whom this certificate may speak at `now`. The authority is what the certificate itself names; what
    /// makes it true is that a CA which the directory lists for that authority issued it.
    pub fn check(&self, certificate_der: &[u8], role: Role, now: Timestamp) -> Result<NodeCertificate, NodeError> {
        let authority = authority_of(certificate_der)?;
        self.0.get(&authority).ok_or(NodeError::UnknownAuthority)?.check(certificate_der, &authority, role, now)
    }

    /// As `check`, and the certificate must be one of `expected`.
    pub fn check_expected(
        &self,
        certificate_der: &[u8],
        expected: &AuthorityId,
        role: Role,
        now: Timestamp,
    ) -> Result<NodeCertificate, NodeError> {
        if authority_of(certificate_der)? != *expected {
            return Err(NodeError::OtherAuthority);
        }
        self.check(certificate_der, role, now)
    }
}
