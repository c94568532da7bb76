//! The new key of a rotation, made beside the old one under the name `.next-…`, and what the record and the row say of it.
//! Replaces nothing.

use std::fs;

use zeroize::Zeroizing;

use crate::crypto::certificate::CertificateFacts;
use crate::crypto::digest::sha256;
use crate::crypto::ed25519::{self, SigningKey};
use crate::crypto::hybrid::HybridSecretKey;
use crate::crypto::issue::{self, Identity, Validity};
use crate::crypto::mldsa;
use crate::crypto::pem::Label;
use crate::crypto::random;
use crate::custody::checkpoint::LogSigner;
use crate::custody::cosignature::Cosigner;
use crate::custody::note::VerifierKey;
use crate::daemon::home::Home;
use crate::daemon::keys::{self, KeysError};
use crate::daemon::log_keys::{self, LOG_ED25519, LOG_ML_DSA, WITNESS_ED25519, WITNESS_ML_DSA};
use crate::daemon::rotate::{Kind, NEXT, Plan, RotateError, io};
use crate::exchange::rotation::digests;
use crate::model::authority::{Authority, ReceivingKey};
use crate::model::event::NamedDigest;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::time::Timestamp;

/// The new keys, beside the old ones.
pub(super) struct Staged {
    pub(super) plan: Plan,
    pub(super) digests: Vec<NamedDigest>,
    pub(super) authority: Authority,
}

/// Makes the new key of that kind.
///
/// # Errors
/// [`RotateError`] when a file cannot be written, or the CA's key is elsewhere.
pub(super) fn stage(
    home: &Home,
    us: &AuthorityId,
    kind: Kind,
    mut authority: Authority,
    now: Timestamp,
) -> Result<Staged, RotateError> {
    let mut plan = Plan { kind, record: Digest([0; 32]), replaced: Vec::new(), kept: Vec::new(), log: None };
    let digests = match kind {
        Kind::Log => {
            let (old, _) = log_keys::public(home, us)?;
            let (ed25519, ml_dsa_44) = pair(home, [LOG_ED25519, LOG_ML_DSA], &mut plan)?;
            let origin = log_keys::origin(home, us)?;
            let keys = LogSigner { ed25519, ml_dsa_44: Some(ml_dsa_44) }.verifier_keys(&origin);
            let new: Vec<String> = keys.iter().map(ToString::to_string).collect();
            log_keys::put_first(&mut authority, &new, &[]);
            plan.log = Some((old.clone(), new.clone()));
            digests(&parsed(&old)?, &keys)
        }
        Kind::Witness => {
            let (_, old) = log_keys::public(home, us)?;
            let (ed25519, ml_dsa_44) = pair(home, [WITNESS_ED25519, WITNESS_ML_DSA], &mut plan)?;
            let name = us.witness_name().parse().map_err(|_| KeysError::LogName)?;
            let keys = Cosigner::new(&name, ed25519, ml_dsa_44).verifier_keys();
            let new: Vec<String> = keys.iter().map(ToString::to_string).collect();
            log_keys::put_first(&mut authority, &[], &new);
            digests(&parsed(&old)?, &keys)
        }
        Kind::Sealing => sealing(home, &mut plan, &mut authority, now)?,
        Kind::Signing | Kind::Tls => certificate(home, us, kind, &mut plan, &authority.name, now)?,
    };
    Ok(Staged { plan, digests, authority })
}

/// The keys of these texts.
pub(super) fn parsed(texts: &[String]) -> Result<Vec<VerifierKey>, RotateError> {
    texts.iter().map(|text| text.parse().map_err(|_| KeysError::LogName.into())).collect()
}

fn pair(home: &Home, names: [&str; 2], plan: &mut Plan) -> Result<(SigningKey, mldsa::SigningKey), RotateError> {
    let [first, second] = [Zeroizing::new(random::bytes::<32>()?), Zeroizing::new(random::bytes::<32>()?)];
    let (ed25519, ml_dsa) = (ed25519::pkcs8_of_seed(&first), mldsa::pkcs8_of_seed(&second));
    let [ed25519_name, ml_dsa_name] = names;
    next(home, plan, ed25519_name, Label::PrivateKey, &ed25519)?;
    next(home, plan, ml_dsa_name, Label::PrivateKey, &ml_dsa)?;
    let broken = |name: &str| KeysError::Broken { path: home.key(name) };
    let first = SigningKey::from_pkcs8(&ed25519).map_err(|_| broken(ed25519_name))?;
    Ok((first, mldsa::SigningKey::from_pkcs8(&ml_dsa).map_err(|_| broken(ml_dsa_name))?))
}

fn sealing(
    home: &Home,
    plan: &mut Plan,
    authority: &mut Authority,
    now: Timestamp,
) -> Result<Vec<NamedDigest>, RotateError> {
    let old = keys::hybrid(home, keys::RECEIVING)?.public().id();
    let seed = Zeroizing::new(random::bytes::<32>()?);
    let public = HybridSecretKey::from_seed(&seed).public().clone();
    next(home, plan, keys::RECEIVING, Label::ReceivingSeed, seed.as_slice())?;
    let short: String = old.to_string().chars().take(16).collect();
    plan.kept.push((keys::RECEIVING.to_owned(), format!("{}{short}.seed.pem", keys::RECEIVING_RETIRED)));
    authority.receiving_keys.retain(|key| key.not_after > now);
    let new = ReceivingKey {
        id: public.id(),
        public_key: public.as_bytes().to_vec(),
        not_before: Timestamp::from_millis(now.as_millis().saturating_sub(keys::EARLY_MS)),
        not_after: now.plus_millis(keys::LEAF_DAYS * keys::DAY_MS),
    };
    authority.receiving_keys.insert(0, new);
    Ok(vec![NamedDigest::new("old-key/1", old), NamedDigest::new("new-key/1", public.id())])
}

fn certificate(
    home: &Home,
    us: &AuthorityId,
    kind: Kind,
    plan: &mut Plan,
    name: &str,
    now: Timestamp,
) -> Result<Vec<NamedDigest>, RotateError> {
    if !home.key(keys::CA_KEY).exists() {
        return Err(RotateError::NoCa);
    }
    let ca = Identity {
        certificate: keys::read(home, keys::CA_CERTIFICATE, Label::Certificate)?.to_vec(),
        key: keys::read(home, keys::CA_KEY, Label::PrivateKey)?,
    };
    let ca_end = CertificateFacts::read(&ca.certificate)?.not_after;
    let not_before = Timestamp::from_millis(now.as_millis().saturating_sub(keys::EARLY_MS));
    let validity = Validity { not_before, not_after: now.plus_millis(keys::LEAF_DAYS * keys::DAY_MS).min(ca_end) };
    let (certificate_name, key_name, made) = match kind {
        Kind::Tls => {
            let node_name = format!("{}.rogatory.internal", us.as_str().to_ascii_lowercase());
            let made = issue::node_certificate(&ca, us, name, &node_name, validity)?;
            (keys::NODE_CERTIFICATE, keys::NODE_KEY, made)
        }
        _ => {
            let made = issue::seal_certificate(&ca, us, name, &format!("{us} seal"), validity)?;
            (keys::SEAL_CERTIFICATE, keys::SEAL_KEY, made)
        }
    };
    let old = keys::read(home, certificate_name, Label::Certificate)?;
    // Key and certificate belong together; a start between the two renames ends the rotation first.
    next(home, plan, certificate_name, Label::Certificate, &made.certificate)?;
    next(home, plan, key_name, Label::PrivateKey, &made.key)?;
    let digest = sha256(&old);
    let short: String = digest.to_string().chars().take(16).collect();
    plan.kept.push((certificate_name.to_owned(), format!("{certificate_name}.retired-{short}")));
    Ok(vec![NamedDigest::new("old-key/1", digest), NamedDigest::new("new-key/1", sha256(&made.certificate))])
}

fn next(home: &Home, plan: &mut Plan, name: &str, label: Label, bytes: &[u8]) -> Result<(), RotateError> {
    let staged = format!("{NEXT}{name}");
    match fs::remove_file(home.key(&staged)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(home)(error)),
        _ => keys::write(home, &staged, label, bytes)?,
    }
    plan.replaced.push(name.to_owned());
    Ok(())
}
