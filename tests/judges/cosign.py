"""Judges cosigned checkpoints with tlog-scales and PyCA cryptography alone, and makes some for this program to judge.

    cosign.py check CHECKPOINT VKEY_FILE...     each key of the files (one a line) has a line in the checkpoint that holds
    cosign.py make FOLDER                       a checkpoint with lines of all three types, and its keys
    cosign.py requests                          requests to a witness, good and bad, as JSON: the vectors of add-checkpoint

Shares no code with Rogatory.
"""

import base64
import hashlib
import json
import pathlib
import sys
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tlog_scales import signing
from tlog_scales.tlog import Checkpoint, ConsistencyProof

LOG = "xa-moj.rogatory/custody"
WITNESS = "xb-moj.rogatory/witness"


def ed25519(seed):
    return Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))


def ml_dsa(seed):
    return MLDSA44PrivateKey.from_seed_bytes(bytes([seed] * 32))


def check(checkpoint, files):
    note = Checkpoint.from_text(pathlib.Path(checkpoint).read_text())
    keys = [line for file in files for line in pathlib.Path(file).read_text().splitlines()]
    assert keys, "no key"
    for key in keys:
        vkey = signing.Vkey.from_string(key)
        lines = [line for line in note.signatures if vkey.match(line)]
        assert lines, f"no line of {vkey.name} type {vkey.sig_type}"
        for line in lines:
            vkey.get_verifier().verify_note(line, note)
        print("holds", vkey.name, "type", vkey.sig_type, "lines", len(lines))


class LogSigner(signing.MLDSA44CosignatureSigner):
    """The log's own ML-DSA-44 line: a time of zero."""

    def sign(self, checkpoint):
        message = signing._mldsa44_signature_payload(self.vkey.name, 0, checkpoint)
        return signing.NoteSignature.from_vkey_signature(self.vkey, bytes(8) + self.key.sign(message))


class Cosigner:
    """An Ed25519 cosigner, which tlog-scales can check and not make."""

    def __init__(self, name, key):
        self.vkey = signing.Vkey(name, None, 4, key.public_key().public_bytes_raw())
        self.key = key

    def sign(self, checkpoint):
        now = int(time.time())
        message = f"cosignature/v1\ntime {now}\n{checkpoint.serialize_body()}".encode()
        return signing.NoteSignature.from_vkey_signature(self.vkey, now.to_bytes(8) + self.key.sign(message))


def make(folder):
    folder = pathlib.Path(folder)
    log = [signing.PlainEd25519Signer(LOG, ed25519(1)), LogSigner(LOG, ml_dsa(1))]
    witness = [Cosigner(WITNESS, ed25519(2)), signing.MLDSA44CosignatureSigner(WITNESS, ml_dsa(2))]
    checkpoint = Checkpoint.make_signed(LOG, 7, hashlib.sha256(b"root").digest(), log + witness)
    (folder / "checkpoint").write_text(checkpoint.serialize())
    for name, signers in (("log.vkey", log), ("witness.vkey", witness)):
        (folder / name).write_text("".join(signer.vkey.serialize() + "\n" for signer in signers))


def leaf(number):
    return hashlib.sha256(b"\0" + number.to_bytes(8, "big")).digest()


def root(start, end):
    if end - start == 0:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return leaf(start)
    split = 1 << ((end - start - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + root(start, start + split) + root(start + split, end)).digest()


def consistency(old, start, end, known):
    size = end - start
    if old == size:
        return [] if known else [root(start, end)]
    split = 1 << ((size - 1).bit_length() - 1)
    if old <= split:
        return consistency(old, start, start + split, known) + [root(start + split, end)]
    return consistency(old - split, start + split, end, False) + [root(start, start + split)]


def note(size, tree_root=None, key=1, origin=LOG):
    tree_root = tree_root or root(0, size)
    signer = signing.PlainEd25519Signer(LOG, ed25519(key))
    return Checkpoint.make_signed(origin, size, tree_root, [signer]).serialize()


def request(old, proof, text):
    lines = "".join(base64.b64encode(item).decode() + "\n" for item in proof)
    return f"old {old}\n{lines}\n{text}"


def requests():
    proof = consistency(5, 0, 9, True)
    ConsistencyProof(5, 9, proof).check(root(0, 5), root(0, 9))
    good = request(5, proof, note(9))
    bent = [bytes(32)] + proof[1:]
    other = root(1, 10)
    stored = {"size": 5, "root": base64.b64encode(root(0, 5)).decode()}
    empty = {"size": 0, "root": base64.b64encode(root(0, 0)).decode()}
    bad_line = note(9)[:-6] + ("A" if note(9)[-6] != "A" else "B") + note(9)[-5:]
    rows = [
        ("grows", stored, good, "cosigned"),
        ("first", None, request(0, [], note(9)), "cosigned"),
        ("first-of-nothing", None, request(0, [], note(0, root(0, 0))), "cosigned"),
        ("from-nothing", empty, request(0, [], note(9)), "cosigned"),
        ("same-again", stored, request(5, [], note(5)), "cosigned"),
        ("no-old-line", stored, good.replace("old 5\n", "", 1), "malformed"),
        ("leading-zero", stored, good.replace("old 5", "old 05", 1), "malformed"),
        ("short-hash", stored, request(5, [proof[0][:31]], note(9)), "malformed"),
        ("too-many-hashes", stored, request(5, [bytes(32)] * 64, note(9)), "malformed"),
        ("no-empty-line", stored, good.replace("\n\n", "\n", 1), "malformed"),
        ("no-checkpoint", stored, request(5, proof, ""), "malformed"),
        ("unknown-log", None, request(0, [], note(9, origin="xz-moj.rogatory/custody")), "unknown-log"),
        ("other-key", stored, request(5, proof, note(9, key=3)), "not-signed"),
        ("bad-signature", stored, request(5, proof, bad_line), "not-signed"),
        ("old-beyond", {"size": 12, "root": stored["root"]}, request(12, [], note(9)), "old-beyond"),
        ("old-behind-what-is-stored", stored, request(4, consistency(4, 0, 9, True), note(9)), "conflict"),
        ("old-of-nothing", stored, request(0, [], note(9)), "conflict"),
        ("old-without-stored", None, good, "conflict"),
        ("not-signed-comes-before-conflict", stored, request(4, [], note(9, key=3)), "not-signed"),
        ("empty-with-another-root", None, request(0, [], note(0, other)), "bad-proof"),
        ("proof-from-nothing", None, request(0, proof, note(9)), "bad-proof"),
        ("bent-proof", stored, request(5, bent, note(9)), "bad-proof"),
        ("missing-hash", stored, request(5, proof[:-1], note(9)), "bad-proof"),
        ("surplus-hash", stored, request(5, proof + [bytes(32)], note(9)), "bad-proof"),
        ("other-tree", stored, request(5, proof, note(9, other)), "bad-proof"),
        ("proof-for-the-same", stored, request(5, proof, note(5)), "bad-proof"),
        ("two-roots-of-one-size", stored, request(5, [], note(5, other)), "fork"),
    ]
    names = ("name", "stored", "request", "verdict")
    key = signing.PlainEd25519Signer(LOG, ed25519(1)).vkey.serialize()
    about = "requests to a witness that trusts one log, by tests/judges/cosign.py requests (tlog-scales, PyCA)"
    print(json.dumps({"about": about, "log_key": key, "requests": [dict(zip(names, row)) for row in rows]}, indent=1))


if __name__ == "__main__":
    verb, rest = sys.argv[1], sys.argv[2:]
    {"check": lambda: check(rest[0], rest[1:]), "make": lambda: make(rest[0]), "requests": requests}[verb]()
