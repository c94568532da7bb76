"""Seals and opens one object of suite rogatory-seal-1 with PyCA cryptography, from the words of the specification alone.

    seal.py open DIR    seed.bin stanza.bin object.bin scope.json  ->  plain.bin opened_tag.bin public.bin
    seal.py seal DIR    public.bin plain.bin scope.json package_key.bin  ->  stanza.bin object.bin
"""

import hashlib
import json
import pathlib
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def expand(key, info):
    return HKDFExpand(SHA512(), 32, info).derive(key)


def wrap_info(scope, public):
    info = b"rogatory/v1/key-wrap\0" + bytes.fromhex(scope["seal_id"])
    for name in (scope["sender"], scope["recipient"]):
        info += len(name).to_bytes(2, "big") + name.encode()
    return info + hashlib.sha256(public).digest()


def object_id(scope):
    return bytes.fromhex(scope["seal_id"]) + scope["object_id"].to_bytes(4, "big")


def object_key(scope, package_key):
    return expand(package_key, b"rogatory/v1/object-key\0" + object_id(scope))


def private_key(seed):
    # X-Wing: SHAKE-256 stretches the seed to the ML-KEM seed (64) and the X25519 key (32).
    stretched = hashlib.shake_256(seed).digest(96)
    pq = mlkem.MLKEM768PrivateKey.from_seed_bytes(stretched[:64])
    classic = x25519.X25519PrivateKey.from_private_bytes(stretched[64:])
    public = pq.public_key().public_bytes_raw() + classic.public_key().public_bytes_raw()
    return MLKEM768X25519PrivateKey(pq, classic), public


def public_key(raw):
    return MLKEM768X25519PublicKey(
        mlkem.MLKEM768PublicKey.from_public_bytes(raw[:1184]),
        x25519.X25519PublicKey.from_public_bytes(raw[1184:]),
    )


def open_object(folder, scope):
    key, public = private_key((folder / "seed.bin").read_bytes())
    stanza = (folder / "stanza.bin").read_bytes()
    assert len(stanza) == 1168, "a stanza has 1168 bytes"
    package_key = SUITE.decrypt(stanza, key, info=wrap_info(scope, public))
    secret = object_key(scope, package_key)
    opener = Cobblestone256Decryptor(secret, b"rogatory/v1/payload\0" + object_id(scope))
    plain = opener.update((folder / "object.bin").read_bytes()) + opener.finalize()
    tag = expand(secret, b"rogatory/v1/opened\0" + hashlib.sha256(plain).digest())
    (folder / "plain.bin").write_bytes(plain)
    (folder / "opened_tag.bin").write_bytes(tag)
    (folder / "public.bin").write_bytes(public)


def seal_object(folder, scope):
    public = (folder / "public.bin").read_bytes()
    package_key = (folder / "package_key.bin").read_bytes()
    stanza = SUITE.encrypt(package_key, public_key(public), info=wrap_info(scope, public))
    sealer = Cobblestone256Encryptor(
        object_key(scope, package_key), b"rogatory/v1/payload\0" + object_id(scope)
    )
    sealed = sealer.update((folder / "plain.bin").read_bytes()) + sealer.finalize()
    (folder / "stanza.bin").write_bytes(stanza)
    (folder / "object.bin").write_bytes(sealed)


def main():
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    scope = json.loads((folder / "scope.json").read_text())
    {"open": open_object, "seal": seal_object}[verb](folder, scope)


main()
