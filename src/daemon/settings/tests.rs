//! Settings, their sources, and what is said to whoever misspells one.

use super::*;

const SMALL: &str = "authority = \"XA-MOJ\"\nname = \"Arcadia\"\nlisten = \"127.0.0.1:4711\"\n";

fn with(file: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::parse(&format!("{SMALL}{file}"), variables)
}

fn line(settings: &Settings, name: &str) -> Line {
    settings.lines().into_iter().find(|line| line.name == name).unwrap()
}

#[test]
fn each_setting_tells_its_source_and_default() {
    let file = "languages = [\"sl\"]\n[delivery]\nreserve_mib = 512\n";
    let settings = with(file, &[("ROGATORY_WITNESS_GOSSIP", "false"), ("PATH", "/bin")]).unwrap();
    let told = |name: &str| {
        let line = line(&settings, name);
        (line.value.unwrap_or_default(), line.source, line.default.unwrap_or_default())
    };
    let told_as = |value: &str, source: Source, default: &str| (value.to_owned(), source, default.to_owned());
    assert_eq!(told("delivery.reserve_mib"), told_as("512", Source::File, "256"));
    let variable = Source::Variable("ROGATORY_WITNESS_GOSSIP".to_owned());
    assert_eq!(told("witness.gossip"), told_as("false", variable, "true"));
    assert_eq!(told("delivery.expires_after_days"), told_as("30", Source::Default, "30"));
    assert_eq!(told("web.listen"), told_as("", Source::Default, ""));
    assert_eq!(told("authority"), told_as("\"XA-MOJ\"", Source::File, ""));
    assert!(!settings.config.witness.gossip);
}

#[test]
fn every_setting_that_a_file_may_hold_is_shown_and_has_a_variable_of_its_own() {
    let lines = with("", &[]).unwrap().lines();
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    for name in
        ["officer", "time_stamp", "web.certificate", "admin.listen", "witness.ca_file", "transport.key_exchange"]
    {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let variables: std::collections::BTreeSet<String> = names.iter().map(|name| variable_of(name)).collect();
    assert_eq!(variables.len(), names.len());
}

#[test]
fn variables_are_lists_numbers_listeners_and_officers() {
    let settings = with(
        "[[officer]]\nname = \"Old\"\nroles = [\"drafter\"]\nunix_uids = [1]\n",
        &[
            ("ROGATORY_ADVERTISE", "a.example:4711, b.example:4711"),
            ("ROGATORY_ADMIN_LISTEN", "127.0.0.1:9464"),
            ("ROGATORY_DELIVERY_EXPIRES_AFTER_DAYS", "7"),
            ("ROGATORY_OFFICERS", "Ana Novak=drafter,custodian@1000; Bor Kos=approver@1001"),
        ],
    );
    let config = settings.unwrap().config;
    assert_eq!(config.advertise, ["a.example:4711", "b.example:4711"]);
    assert_eq!(config.admin.unwrap().listen.port(), 9464);
    assert_eq!(config.delivery.expires_after_days, 7);
    let names: Vec<&str> = config.officer.iter().map(|officer| officer.name.as_str()).collect();
    assert_eq!(names, ["Ana Novak", "Bor Kos"]);
    assert_eq!(config.officer[1].unix_uids, [1001]);
}

#[test]
fn a_value_may_stand_in_a_file_and_not_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("name");
    std::fs::write(&file, "Ministry of Justice\n").unwrap();
    let by_file = ("ROGATORY_NAME_FILE", file.to_str().unwrap());
    assert_eq!(with("", &[by_file]).unwrap().config.name, "Ministry of Justice");
    let both = with("", &[by_file, ("ROGATORY_NAME", "Other")]).unwrap_err();
    assert!(both.contains("ROGATORY_NAME and ROGATORY_NAME_FILE both set name"), "{both}");
    let gone = with("", &[("ROGATORY_NAME_FILE", "nothing-is-here")]).unwrap_err();
    assert!(gone.starts_with("ROGATORY_NAME_FILE: cannot read nothing-is-here"), "{gone}");
}

#[test]
fn whoever_misspells_a_setting_hears_the_nearest_one() {
    let in_section = with("[delivery]\nreserv_mib = 1\n", &[]).unwrap_err();
    assert!(in_section.contains("unknown field `reserv_mib`") && in_section.contains("`reserve_mib`?"), "{in_section}");
    assert!(with("langauges = []\n", &[]).unwrap_err().ends_with("did you mean `languages`?"));
    assert!(with("[[officer]]\nname = \"A\"\nrole = []\nunix_uids = []\n", &[]).unwrap_err().ends_with("`roles`?"));
    assert!(!with("colour = 1\n", &[]).unwrap_err().contains("did you mean"));
    let variable = with("", &[("ROGATORY_DELIVERY_RESERVE_MB", "1")]).unwrap_err();
    assert!(variable.contains("did you mean ROGATORY_DELIVERY_RESERVE_MIB?"), "{variable}");
    // What an orchestrator says of a service called `rogatory` is not ours.
    assert!(with("", &[("ROGATORY_SERVICE_HOST", "10.0.0.1"), ("ROGATORY_PORT", "udp://10.0.0.1:4711")]).is_ok());
}

#[test]
fn a_variable_of_another_kind_is_refused_by_name() {
    for (variable, text, said) in [
        ("ROGATORY_DELIVERY_RESERVE_MIB", "much", "must be a number"),
        ("ROGATORY_WITNESS_GOSSIP", "maybe", "must be true or false"),
        ("ROGATORY_TIME_STAMP", "x", "config.toml"),
        ("ROGATORY_OFFICERS", "Ana=boss", "is no role"),
        ("ROGATORY_DELIVERY_EXPIRES_AFTER_DAYS", "0", "write 1 to"),
    ] {
        let error = with("", &[(variable, text)]).unwrap_err();
        assert!(error.contains(said), "{variable}: {error}");
    }
}

#[test]
fn the_variables_of_another_authority_are_refused() {
    let error = with("", &[("ROGATORY_AUTHORITY", "XB-MOJ")]).unwrap_err();
    assert!(error.contains("XB-MOJ") && error.contains("XA-MOJ"), "{error}");
    assert!(with("", &[("ROGATORY_AUTHORITY", "XA-MOJ")]).is_ok());
}

#[test]
fn distances_are_those_of_the_textbook() {
    for (one, other, far) in
        [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 1), ("same", "same", 0)]
    {
        assert_eq!((distance(one, other), distance(other, one)), (far, far), "{one} {other}");
    }
}
