//! The first start of a container: an empty data directory becomes a node, from a few variables. Refuses in one sentence when one
//! is missing, and never touches a directory that holds anything.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::daemon::config::{Config, Web};
use crate::daemon::home::Home;
use crate::daemon::init::{self, InitError, Made};
use crate::daemon::settings::Settings;
use crate::model::ident::AuthorityId;
use crate::model::time::Timestamp;

/// The UDP port of a node that is made without being told one.
pub const PORT: u16 = 4711;
/// The TCP port of its operator's listener, on loopback.
pub const ADMIN_PORT: u16 = 9464;

/// Makes the node if `data` is empty. `None`: there is one already.
///
/// # Errors
/// [`FirstStartError`], one sentence.
pub fn make_if_empty(
    data: &Path,
    variables: &[(String, String)],
    now: Timestamp,
) -> Result<Option<Made>, FirstStartError> {
    if Home::at(data).config().exists() {
        return Ok(None);
    }
    if let Some(found) = something(data).map_err(|source| FirstStartError::Look { path: data.to_owned(), source })? {
        return Err(FirstStartError::NotEmpty { path: data.to_owned(), found });
    }
    let bare = bare(variables)?;
    // The variables once more, as they will be read at each start: one that is wrong must not leave half a node.
    let settings = Settings::parse(&bare.to_text(), variables.iter().cloned()).map_err(FirstStartError::Setting)?;
    Ok(Some(init::init(data, &settings.config, now)?))
}

/// The first name in the directory that is not the file system's own.
fn something(data: &Path) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().find(|name| name != "lost+found"))
}

fn bare(variables: &[(String, String)]) -> Result<Config, FirstStartError> {
    let said = |name: &str| {
        let file = format!("{name}_FILE");
        let of = |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone());
        // A value in a file is read with the settings; here it counts only that there is one.
        of(name).filter(|text| !text.trim().is_empty()).or_else(|| of(&file).map(|_| String::new()))
    };
    let authority = said("ROGATORY_AUTHORITY").ok_or(FirstStartError::Missing("ROGATORY_AUTHORITY"))?;
    let authority: AuthorityId =
        authority.trim().parse().map_err(|_| FirstStartError::Authority(authority.trim().to_owned()))?;
    said("ROGATORY_NAME").ok_or(FirstStartError::Missing("ROGATORY_NAME"))?;
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let mut config = Config::bare(authority.clone(), authority.to_string(), listen);
    config.languages = vec!["en".to_owned()];
    let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, ADMIN_PORT));
    config.admin = Some(Web { listen: admin, certificate: None, key: None });
    Ok(config)
}

/// Why no node was made.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// A variable is missing.
    #[error(
        "the data directory is empty and {0} is not set; to make a node here set ROGATORY_AUTHORITY (e.g. XA-MOJ), \
         ROGATORY_NAME (the authority's name) and ROGATORY_ADVERTISE (host:port for its peers; none: it only dials out)"
    )]
    Missing(&'static str),
    /// It is no authority.
    #[error("ROGATORY_AUTHORITY is `{0}`; write a country code or INT, a dash and a short name, e.g. XA-MOJ")]
    Authority(String),
    /// A variable is wrong.
    #[error("no node was made: {0}")]
    Setting(String),
    /// Something is there that is no node.
    #[error(
        "{} holds `{found}` and no config.toml: a node is made in an empty directory only; is this the right volume?",
        path.display()
    )]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The directory cannot be looked at.
    #[error("cannot look into {}: {source}; does the volume belong to the user of this process?", path.display())]
    Look {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be made.
    #[error(transparent)]
    Init(#[from] InitError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    #[test]
    fn two_variables_and_an_address_make_a_node_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("lost+found")).unwrap();
        let all = variables(&[
            ("ROGATORY_AUTHORITY", "XA-MOJ"),
            ("ROGATORY_NAME", "Arcadia"),
            ("ROGATORY_ADVERTISE", "xa.example:4711"),
        ]);
        assert!(make_if_empty(&data, &all, NOW).unwrap().is_some());
        let text = fs::read_to_string(data.join("config.toml")).unwrap();
        let config = Config::parse(&text).unwrap();
        assert_eq!((config.name.as_str(), config.advertise), ("Arcadia", vec!["xa.example:4711".to_owned()]));
        assert_eq!((config.listen.port(), config.admin.unwrap().listen.to_string()), (PORT, "127.0.0.1:9464".into()));
        assert!(make_if_empty(&data, &all, NOW).unwrap().is_none(), "a node that is there stays as it is");
        assert_eq!(fs::read_to_string(data.join("config.toml")).unwrap(), text);
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_in_one_sentence_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (name, id) = (("ROGATORY_NAME", "Arcadia"), ("ROGATORY_AUTHORITY", "XA-MOJ"));
        for (given, said) in [
            (vec![], "ROGATORY_AUTHORITY is not set"),
            (vec![id], "ROGATORY_NAME is not set"),
            (vec![id, ("ROGATORY_NAME", " ")], "ROGATORY_NAME is not set"),
            (vec![name, ("ROGATORY_AUTHORITY", "moj")], "ROGATORY_AUTHORITY is `moj`"),
            (vec![name, id, ("ROGATORY_LISTEN", "everywhere")], "no node was made"),
        ] {
            let error = make_if_empty(folder.path(), &variables(&given), NOW).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(something(folder.path()).unwrap(), None, "nothing is left");
        }
        fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let error = make_if_empty(folder.path(), &variables(&[name, id]), NOW).unwrap_err().to_string();
        assert!(error.contains("`notes.txt`") && error.contains("the right volume?"), "{error}");
    }
}
