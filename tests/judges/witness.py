"""Judges a witness over HTTP (C2SP tlog-witness) as a log that grows, is late, lies and forks.

    witness.py HOST:PORT ORIGIN LOG_KEY_PEM WITNESS_VKEYS_FILE

Makes its own log, signs it with the log's Ed25519 key, and checks each status, body and cosignature with tlog-scales and PyCA
cryptography. Shares no code with Rogatory.
"""

import base64
import hashlib
import http.client
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tlog_scales import signing
from tlog_scales.tlog import Checkpoint

ADDRESS, ORIGIN, KEY_FILE, VKEYS = sys.argv[1:]
KEY = load_pem_private_key(pathlib.Path(KEY_FILE).read_bytes(), None)
PUBLIC = KEY.public_key().public_bytes_raw()
KEY_ID = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + PUBLIC).digest()[:4]


def sha(data):
    return hashlib.sha256(data).digest()


def leaves(size, branch):
    return [sha(b"\x00" + bytes([0 if n < 5 else branch]) + n.to_bytes(8, "big")) for n in range(size)]


def root(nodes):
    if not nodes:
        return sha(b"")
    if len(nodes) == 1:
        return nodes[0]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    return sha(b"\x01" + root(nodes[:split]) + root(nodes[split:]))


def consistency(old, nodes, whole=True):
    """RFC 6962, 2.1.2."""
    if old == len(nodes):
        return [] if whole else [root(nodes)]
    split = 1 << ((len(nodes) - 1).bit_length() - 1)
    if old <= split:
        return consistency(old, nodes[:split], whole) + [root(nodes[split:])]
    return consistency(old - split, nodes[split:], False) + [root(nodes[:split])]


def b64(data):
    return base64.b64encode(data).decode()


def note(size, branch=1, origin=ORIGIN, text_root=None):
    text = f"{origin}\n{size}\n{b64(text_root or root(leaves(size, branch)))}\n"
    return text + f"\n\u2014 {ORIGIN} {b64(KEY_ID + KEY.sign(text.encode()))}\n"


def ask(method, path, body=None):
    connection = http.client.HTTPConnection(ADDRESS, timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.read().decode()


def add(old, checkpoint, proof=()):
    lines = "".join(b64(line) + "\n" for line in proof)
    return ask("POST", "/witness/add-checkpoint", f"old {old}\n{lines}\n{checkpoint}".encode())


def proof(old, new, branch=1):
    return consistency(old, leaves(new, branch)) if old else []


def expect(status, answer, what):
    assert answer[0] == status, (what, status, answer)
    print("as specified:", status, what)
    return answer


def check(checkpoint, lines):
    assert all(line.startswith("\u2014 ") for line in lines.splitlines()), lines
    whole = Checkpoint.from_text(checkpoint + lines)
    keys = [signing.Vkey.from_string(key) for key in pathlib.Path(VKEYS).read_text().split("\n") if key]
    assert len(keys) == 2
    for key in keys:
        mine = [line for line in whole.signatures if key.match(line)]
        assert len(mine) == 1, (key.sig_type, len(mine))
        key.get_verifier().verify_note(mine[0], whole)


HELD = f"/witness/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
expect(404, ask("GET", HELD), "nothing held yet")
expect(404, add(0, note(3, origin="nobody.example/log")), "unknown origin")
expect(403, add(0, note(3).replace("\n3\n", "\n4\n", 1)), "a signature that does not hold")
expect(400, ask("POST", "/witness/add-checkpoint", b"old 0\n"), "no request")
expect(400, add(9, note(3)), "old size beyond the checkpoint")
expect(422, add(0, note(3), [bytes(32)]), "a proof from nothing")
status, kind, body = expect(409, add(2, note(3), proof(2, 3)), "another size than the one held")
assert (kind, body) == ("text/x.tlog.size", "0\n"), (kind, body)
check(note(3), expect(200, add(0, note(3)), "the first checkpoint")[2])
status, kind, body = expect(409, add(0, note(9)), "held since")
assert (kind, body) == ("text/x.tlog.size", "3\n"), (kind, body)
expect(422, add(3, note(9), [bytes(32)] * 4), "a proof that fails")
expect(422, add(3, note(9), proof(3, 9)[:-1]), "a proof that is too short")
check(note(9), expect(200, add(3, note(9), proof(3, 9)), "grown")[2])
check(note(9), expect(200, add(9, note(9)), "the same again")[2])
expect(422, add(9, note(9, branch=2)), "another root for the same size")
expect(422, add(9, note(12, branch=2), proof(9, 12, branch=2)), "another history")
status, kind, held = expect(200, ask("GET", HELD), "what is held")
assert kind.startswith("text/plain"), kind
text = note(9).split("\n\n")[0]
assert held.startswith(text), held
check(held.split("\n\n")[0] + "\n\n", held.split("\n\n")[1])
expect(404, ask("GET", "/witness/" + "0" * 64 + "/checkpoint"), "another log")
