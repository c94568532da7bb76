//! `VERIFY.md`: how anybody checks a bag without this program, command by command. Names only commands that a test runs on a
//! whole bag, where they succeed, and on altered ones, where they do not.

use crate::bag::facts::Facts;
use crate::bag::layout;
use crate::bag::notes::TEXTS_FORMAT;

/// The text.
pub fn text(facts: &Facts<'_>) -> String {
    let mut text = format!("# Check this package without the program that made it\n\nFormat {TEXTS_FORMAT}. {HEAD}");
    let at_seconds = facts.notes.exported_at.as_secs();
    for act in facts.signed() {
        let (stem, signer, what) = (act.stem, act.by, act.what);
        let (certificates, lists) = (layout::certificates(signer), layout::revocation_lists(signer));
        text.push_str(&format!(
            "\n`{stem}.pb` {what}. Proves that {signer} signed exactly these bytes, with a certificate that was\n\
             valid and not revoked when this bag was made ({}):\n\n```sh\n\
             cat {certificates} {lists} | openssl cms -verify -cades -binary -inform DER -in {stem}.pb.p7s \
             -content {stem}.pb -CAfile /dev/stdin -crl_check -attime {at_seconds} -out /dev/null\n```\n",
            facts.notes.exported_at
        ));
    }
    text.push_str(DIRECTORY);
    text.push_str(LOGS);
    text.push_str(&stamps(facts));
    text.push_str(TAIL);
    text
}

fn stamps(facts: &Facts<'_>) -> String {
    if facts.stamps.is_empty() {
        return NO_STAMPS.to_owned();
    }
    let mut text = STAMPS.to_owned();
    for stamp in &facts.stamps {
        let stem = &stamp.stem;
        match &stamp.command {
            Some(command) => text.push_str(&format!("\n```sh\n{command}\n```\n")),
            None => text.push_str(&format!(
                "\nThe certificate of a CA that vouches for the next one is not in this package; get it from that CA:\n\n\
                 ```text\nopenssl ts -verify -data {stem}.note -in {stem}.tsr -CAfile <certificate of the CA>\n```\n"
            )),
        }
        text.push_str(&format!("\n```sh\nopenssl ts -reply -in {stem}.tsr -text\n```\n"));
    }
    text
}

const HEAD: &str = "\
Run the commands in the folder of the bag (the one that holds `bagit.txt`), on any machine with coreutils, OpenSSL 3,
Python 3 and its package `bagit`. None of them changes the bag or needs a network. `rogatory verify .` does all of this and
more. What a good outcome means, and what it does not, is said on one page, *What a verified package proves*
(`docs/for-courts.md` of the program's source).

## One number for the whole package

```sh
sha256sum tagmanifest-sha256.txt
```

This is the digest that was shown when the package was exported. If it is the one that was written down then, and the next
check passes, no file of the package was changed since.

## Complete and unaltered

Proves that every file is there as it was when the bag was made, and that none came to it:

```sh
sha256sum --check --quiet manifest-sha256.txt tagmanifest-sha256.txt
```

```sh
sha512sum --check --quiet manifest-sha512.txt tagmanifest-sha512.txt
```

```sh
bagit.py --validate .
```

By itself this proves nothing about who made the bag: whoever changes a file can write new manifests. The signatures do.

## Signed by whom
";

const DIRECTORY: &str = "
The certificates and revocation lists are those of the directory in `rogatory/directory`, which its keepers signed (TUF 1.0
metadata; any TUF client checks it). Compare the fingerprint of its root with the one that the keepers published: without
that, everything above rests on certificates that came with the bag.

```sh
sha256sum rogatory/directory/metadata/1.root.json
```

The message is protobuf, `rogatory.v1.Message` in the published schema; `protoc --decode_raw` shows it without the schema:
field 17 is the list of files, in it field 2 the original name and field 5 the SHA-256.
";

const LOGS: &str = "
## In the custody logs

Each `rogatory/records/<log>/<index>.record` stands in an append-only log. Its entry there is

```text
SHA-256(\"rogatory/v1/custody-leaf\\0\" || <index>.salt || <index>.record)
```

and `<index>.tlog-proof` (C2SP tlog-proof) leads from that entry to a checkpoint (C2SP signed note) that the log's key in
`rogatory/logs/<log>/log.vkey` signed. A receipt holds the same three parts of a record of the other authority's log.

These lines do it by hand, with nothing but SHA-256, base64 and one OpenSSL signature check. They read every record, hash it,
climb to the root (RFC 9162, 2.1.3.2) and stop with an error at the first one that does not arrive:

```sh
python3 - <<'EOF'
import base64, glob, hashlib, os, subprocess, sys, tempfile

def sha(*parts):
    return hashlib.sha256(b''.join(parts)).digest()

def read(path):
    with open(path, 'rb') as file:
        return file.read()

def ed25519(key, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        der = bytes.fromhex('302a300506032b6570032100') + key
        for name, data in [('key', der), ('text', text), ('signature', signature)]:
            with open(path(name), 'wb') as file:
                file.write(data)
        return subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', path('key'),
            '-rawin', '-in', path('text'), '-sigfile', path('signature')], stdout=subprocess.DEVNULL).returncode == 0

opened = {}

def checkpoint(note, keys):
    if (note, keys) not in opened:
        text, lines = note.rsplit(b'\\n\\n', 1)
        text, good = text + b'\\n', False
        for key in keys.split():
            name, number, blob = key.split(b'+', 2)
            blob = base64.b64decode(blob)
            for line in lines.splitlines():
                _, signer, value = line.split(b' ')
                value = base64.b64decode(value)
                if blob[0] == 1 and signer == name and value[:4] == bytes.fromhex(number.decode()):
                    good = ed25519(blob[1:], text, value[4:]) or sys.exit('a signature does not hold: ' + note.decode())
        opened[note, keys] = good and text.splitlines()[:3]
    return opened[note, keys] or sys.exit('the key of the log did not sign: ' + note.decode())

records = sorted(glob.glob('rogatory/records/*/*.record'))
for path in records:
    stem, log = path[:-len('.record')], path.split('/')[2]
    head, note = read(stem + '.tlog-proof').split(b'\\n\\n', 1)
    lines = [line for line in head.splitlines()[1:] if not line.startswith(b'extra ')]
    place, hashes = int(lines[0].split()[1]), [base64.b64decode(line) for line in lines[1:]]
    origin, size, root = checkpoint(note, read('rogatory/logs/' + log + '/log.vkey'))
    node = sha(b'\\0', sha(b'rogatory/v1/custody-leaf\\0', read(stem + '.salt'), read(path)))
    here, last = place, int(size) - 1
    for other in hashes:
        if last == 0:
            sys.exit(path + ': the proof is too long')
        if here & 1 or here == last:
            node = sha(b'\\1', other, node)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            node = sha(b'\\1', node, other)
        here, last = here >> 1, last >> 1
    named = os.path.basename(stem) == str(place) and origin.decode().replace('/', '_') == log
    if not named or place >= int(size) or last != 0 or node != base64.b64decode(root):
        sys.exit(path + ': this record is not in the log')
print(len(records), 'records are in their logs')
EOF
```

To read a record, `protoc --decode_raw` shows its fields; the report tells them in words.
";

const NO_STAMPS: &str = "
## Independent time-stamps

None is in this package.
";

const STAMPS: &str = "
## Independent time-stamps

A time-stamp authority signed that a checkpoint, and so every record before it, existed at a time. Of each pair of commands the
first proves the signature, by the certificate of a CA that the directory lists, as of that time; the second shows the time.
";

const TAIL: &str = "
## For forensic tools

`rogatory/case.jsonld` tells the same facts in CASE 1.5.0 / UCO. `case_validate` (PyPI `case-utils`) checks its form:

```sh
case_validate --built-version case-1.5.0 rogatory/case.jsonld
```

`rogatory/report.html`, `rogatory/report.pdf` and `rogatory/conditions.txt` are made from the signed files for people to read.
`rogatory verify` makes them again and compares; by hand, only the signed files count.
";
