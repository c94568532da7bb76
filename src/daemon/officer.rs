//! Who may do what: an officer is known by the Unix user of the socket and a name of the settings. Refuses the rest.

use crate::daemon::config::Config;
use crate::model::event::{Actor, Role};
use crate::model::ident::OfficerName;

/// Who may see what a case is about. The operator keeps the node running, and sees none of it.
pub const READ: &[Role] = &[Role::Drafter, Role::Approver, Role::Custodian, Role::Auditor];

/// An officer whose call was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    name: OfficerName,
    roles: Vec<Role>,
    unix_uid: u32,
}

impl Admitted {
    /// Admits a call from the Unix user `unix_uid` that claims to be `name`; without a name, the user must stand for
    /// one officer only.
    ///
    /// # Errors
    /// [`AdmissionError`] says whom to ask.
    pub fn admit(config: &Config, unix_uid: u32, name: Option<&str>) -> Result<Self, AdmissionError> {
        let theirs: Vec<_> = config.officer.iter().filter(|officer| officer.unix_uids.contains(&unix_uid)).collect();
        let officer = match (name, theirs.as_slice()) {
            (_, []) => return Err(AdmissionError::UnknownUser { unix_uid }),
            (None, [only]) => only,
            (None, _) => return Err(AdmissionError::WhichOfficer { unix_uid }),
            (Some(name), some) => {
                some.iter().find(|officer| officer.name == name).ok_or(AdmissionError::NotTheirs { unix_uid })?
            }
        };
        let name = officer.name.parse().map_err(|_| AdmissionError::UnknownUser { unix_uid })?;
        Ok(Self { name, roles: officer.roles.clone(), unix_uid })
    }

    /// The name.
    pub fn name(&self) -> &OfficerName {
        &self.name
    }

    /// The officer in one of those roles; the first that he or she holds is the one that the record names.
    ///
    /// # Errors
    /// [`AdmissionError::Role`] when he or she holds none of them.
    pub fn acting_as(&self, roles: &'static [Role]) -> Result<Actor, AdmissionError> {
        let role =
            roles.iter().copied().find(|role| self.roles.contains(role)).ok_or(AdmissionError::Role { roles })?;
        Ok(Actor::Officer { name: self.name.clone(), role, authentication: format!("unix-uid:{}", self.unix_uid) })
    }
}

/// Why a call was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// No officer works under that Unix user.
    #[error("no officer of this node works under Unix user {unix_uid}; add one under [[officer]] in config.toml")]
    UnknownUser {
        /// The user.
        unix_uid: u32,
    },
    /// Several do.
    #[error("several officers work under Unix user {unix_uid}; say who acts with --as NAME")]
    WhichOfficer {
        /// The user.
        unix_uid: u32,
    },
    /// The named officer works under another user.
    #[error("Unix user {unix_uid} does not stand for an officer of that name; see [[officer]] in config.toml")]
    NotTheirs {
        /// The user.
        unix_uid: u32,
    },
    /// The officer lacks the role.
    #[error("this act needs the role {}; the officer does not hold it", list(roles))]
    Role {
        /// Any of these would do.
        roles: &'static [Role],
    },
}

fn list(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::parse(
            "authority = \"XA-MOJ\"\nname = \"Arcadia\"\nlisten = \"127.0.0.1:1\"\n\
             [[officer]]\nname = \"Ana\"\nroles = [\"drafter\"]\nunix_uids = [1000]\n\
             [[officer]]\nname = \"Bor\"\nroles = [\"approver\"]\nunix_uids = [1000, 1001]\n",
        )
        .unwrap()
    }

    #[test]
    fn a_user_is_admitted_only_as_an_officer_that_works_under_it() {
        let config = config();
        assert!(Admitted::admit(&config, 1000, Some("Ana")).is_ok());
        assert!(Admitted::admit(&config, 1001, None).is_ok());
        assert_eq!(Admitted::admit(&config, 1001, Some("Ana")), Err(AdmissionError::NotTheirs { unix_uid: 1001 }));
        assert_eq!(Admitted::admit(&config, 1000, None), Err(AdmissionError::WhichOfficer { unix_uid: 1000 }));
        assert_eq!(Admitted::admit(&config, 0, Some("Ana")), Err(AdmissionError::UnknownUser { unix_uid: 0 }));
    }

    #[test]
    fn an_officer_acts_only_in_a_role_that_was_given() {
        let ana = Admitted::admit(&config(), 1000, Some("Ana")).unwrap();
        assert!(ana.acting_as(&[Role::Approver, Role::Drafter]).is_ok());
        assert!(ana.acting_as(&[Role::Approver]).unwrap_err().to_string().contains("approver"));
    }
}
