//! Who signed a checkpoint, as a verifier sees it: the log with each of its algorithms, the witnesses, and whether a policy's
//! quorum is met. Says nothing of lines whose keys nobody gave.

use crate::bag::verdict::Findings;
use crate::custody::algorithm::Algorithm;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::cosignature::cosignatures;
use crate::custody::note::VerifierKey;
use crate::custody::policy::Policy;

/// The keys that count: of the user's own, of his policy, or else those that lie beside the file.
#[derive(Debug, Clone)]
pub struct Signers<'a> {
    keys: Vec<VerifierKey>,
    /// Those that may speak as witnesses: none that came with what they vouch for.
    witnesses: Vec<VerifierKey>,
    policy: Option<&'a Policy>,
    source: Source,
}

/// Where the keys of the log come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Given,
    Beside,
}

/// Where a checkpoint stands.
#[derive(Debug, Clone, Copy)]
pub enum Form<'k> {
    /// As its log publishes it: with a line of each algorithm of which the log has a key; these keys speak for it.
    Published(&'k [VerifierKey]),
    /// In a proof: the line of the fast algorithm alone is what a log writes there.
    InProof,
}

impl<'a> Signers<'a> {
    /// The given keys and those of the policy; if none of them is a log's, those that `beside` finds as well.
    ///
    /// # Errors
    /// What `beside` says, when there is no key of any log.
    pub fn choose(
        given: &[VerifierKey],
        policy: Option<&'a Policy>,
        beside: impl FnOnce() -> Result<Vec<VerifierKey>, String>,
    ) -> Result<Self, String> {
        let of_policy = policy.map(Policy::log_keys).unwrap_or_default();
        let mut keys: Vec<VerifierKey> = given.iter().cloned().chain(of_policy).collect();
        let source = if keys.iter().any(|key| key.algorithm().signs_logs()) { Source::Given } else { Source::Beside };
        keys.extend(policy.map(Policy::witness_keys).unwrap_or_default());
        let witnesses = keys.clone();
        // Behind all others. Attack: four bytes of an id are soon hit, and a key of the enemy's, with the name and id of a
        // witness of the policy, would make its quorum.
        if source == Source::Beside {
            keys.extend(beside()?.into_iter().filter(|key| key.algorithm().signs_logs()));
        }
        Ok(Self { keys, witnesses, policy, source })
    }

    /// All of them. A line in the name of any must hold.
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// Whether the log's key came from the same place as what it vouches for.
    pub fn are_unproven(&self) -> bool {
        self.source == Source::Beside
    }

    /// Tells of a checkpoint that was opened with these keys who signed it, and judges the policy.
    pub fn tell(&self, signed: &SignedCheckpoint, form: Form<'_>, file: Option<&str>, findings: &mut Findings) {
        let speaking = match form {
            Form::Published(keys) => keys,
            Form::InProof => &self.keys,
        };
        let (note, origin) = (signed.note(), signed.checkpoint().origin());
        let is_log = |key: &&VerifierKey| key.name() == origin && key.algorithm().signs_logs();
        let (mut signing, mut silent): (Vec<Algorithm>, Vec<Algorithm>) = (Vec::new(), Vec::new());
        for key in speaking.iter().filter(is_log) {
            let list = if note.signatures().iter().any(|line| key.is_of(line)) { &mut signing } else { &mut silent };
            if !list.contains(&key.algorithm()) {
                list.push(key.algorithm());
            }
        }
        let names: Vec<String> = signing.iter().map(Algorithm::to_string).collect();
        let names = names.join(" key and its ");
        let went_over = !speaking.iter().any(|key| self.keys.contains(key) && is_log(&key));
        let over = if went_over { ", to which it went over from the one given" } else { "" };
        findings.tell(format!(
            "The checkpoint of {} entries is signed by the log's {names} key{over}.",
            signed.checkpoint().size()
        ));
        for algorithm in silent.into_iter().filter(|algorithm| !signing.contains(algorithm)) {
            let why = format!(
                "the log has a key for {algorithm} too, and this checkpoint has no line of it: it rests on {} alone",
                signing.first().map_or_else(String::new, Algorithm::to_string)
            );
            match form {
                Form::Published(_) => {
                    findings.not_checked(format!("The log's {algorithm} key signed the checkpoint too"), file, why);
                }
                Form::InProof => findings.limit(format!("Of the checkpoint in the proof: {why}.")),
            }
        }
        let unknown =
            note.signatures().iter().filter(|line| !self.keys.iter().chain(speaking).any(|key| key.is_of(line)));
        let mut unknown: Vec<&str> = unknown.map(|line| line.name()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            findings.limit(format!(
                "Signature lines of keys that were not given were not looked at: {}.",
                unknown.join(", ")
            ));
        }
        self.tell_witnesses(signed, file, findings);
    }

    fn tell_witnesses(&self, signed: &SignedCheckpoint, file: Option<&str>, findings: &mut Findings) {
        let origin = signed.checkpoint().origin();
        let witnesses: Vec<VerifierKey> = self.witnesses.iter().filter(|key| key.name() != origin).cloned().collect();
        // They were checked when the note was opened; here they are read.
        let cosigned = cosignatures(signed.note(), &witnesses).unwrap_or_default();
        for one in &cosigned {
            let at = one.at.map(|at| format!(" at {at}, by its clock")).unwrap_or_default();
            findings.tell(format!("The witness {} cosigned it with {}{at}.", one.name, one.algorithm));
        }
        match self.policy {
            Some(policy) => {
                let met = policy.satisfied_by(&cosigned);
                let result = if met { Ok(()) } else { Err("too few of its witnesses have cosigned this checkpoint") };
                findings.judge("The policy's quorum of witnesses has cosigned the checkpoint", file, result);
            }
            None if cosigned.is_empty() => findings.limit(
                "No cosignature of a witness was checked; a policy of witnesses is given with --policy. What only the log \
                 signed, the log could have shown otherwise to somebody else.",
            ),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;
    use crate::crypto::mldsa;
    use crate::custody::cosignature::Cosigner;
    use crate::model::ident::Digest;
    use crate::model::time::Timestamp;

    #[test]
    fn a_witness_whose_key_lies_beside_the_file_is_not_told_as_one() {
        let (log, origin) = (SigningKey::from_seed(&[1; 32]), "xa-moj.rogatory/custody".parse().unwrap());
        let lasting = mldsa::SigningKey::from_seed(&[2; 32]);
        let witness = Cosigner::new(&"w.example".parse().unwrap(), SigningKey::from_seed(&[3; 32]), lasting);
        let signed = SignedCheckpoint::sign(&origin, 7, Digest([9; 32]), &log);
        let lines = witness.cosign(&signed, Timestamp::from_millis(5_000), &[7; 32]).unwrap();
        let signed = signed.with_lines(lines);
        let log = VerifierKey::new(origin, log.public_key());
        let told = |signers: &Signers<'_>| {
            let mut findings = Findings::default();
            signers.tell(&signed, Form::InProof, None, &mut findings);
            findings.verdict("log").story.iter().any(|line| line.starts_with("The witness"))
        };
        let all: Vec<_> = std::iter::once(log).chain(witness.verifier_keys()).collect();
        let beside = Signers::choose(&[], None, || Ok(all.clone())).unwrap();
        assert!(beside.are_unproven() && !told(&beside));
        let given = Signers::choose(&all, None, || Err("not asked".to_owned())).unwrap();
        assert!(!given.are_unproven() && told(&given));
    }
}
