"""The signer's folder: its key, its last signature, one file a scope.

A lost state means a new origin: the key may have signed what is not known any more.
"""

from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.ledger.key_folder import (
    KEY_FILE,
    KeyFile,
    StateLost,
    make_key,
    read_file,
    read_key_file,
    unseal_key,
    write_durably,
)
from foundation.ledger.note import LOG_SIGNATURE
from foundation.ledger.tree import EMPTY_ROOT
from foundation.statements.canonical import b64
from foundation.statements.fields import Uuid

HEAD_FILE: Final = "head.json"
SCOPE_FOLDER: Final = "scopes"
STORAGE_KEY_LENGTH: Final = 32


class HeadFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was signed last, and how often."""

    v: Literal[1]
    vkey: str
    size: int
    root: str
    signed: int


class ScopeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scope's secret, sealed, and how often each call was answered."""

    v: Literal[1]
    scope: Uuid
    access: str
    sealed: str
    subject_keys: int
    rows: int
    releases: int
    # Addresses opened, and the leaf of the newest change for which they were.
    addresses: int = 0
    told: int = -1


def open_key(
    folder: Path, origin: str, passphrase: str
) -> tuple[KeyFile, Ed25519PrivateKey, AESGCM]:
    """The log key and the cipher of the scopes, made on the first run.

    Refuses another origin and a wrong passphrase.
    """
    (folder / SCOPE_FOLDER).mkdir(exist_ok=True, mode=0o700)
    if not (folder / KEY_FILE).exists():
        _make_state(folder, origin, passphrase)
    kept = read_key_file(folder, origin)
    key, storage = unseal_key(kept, LOG_SIGNATURE, passphrase)
    return kept, key, AESGCM(storage)


def read_head(folder: Path, vkey: str) -> HeadFile:
    """What was signed last; refuses when the state is missing or of another key."""
    path = folder / HEAD_FILE
    if not path.exists():
        raise StateLost(
            f"there is a key but no state in {folder}: nothing may be signed with this key any "
            "more, since it may have signed what is not known here; start a new origin"
        )
    head = read_file(path, HeadFile)
    if head.vkey != vkey:
        raise StateLost("the state on disk belongs to another key")
    return head


def _make_state(folder: Path, origin: str, passphrase: str) -> None:
    """The first run: the empty state first, so that a key never stands without one."""
    if (folder / HEAD_FILE).exists():
        raise StateLost(
            f"there is a state but no key in {folder}; start a new origin in an empty folder"
        )
    kept = make_key(origin, LOG_SIGNATURE, passphrase, STORAGE_KEY_LENGTH)
    write_durably(
        folder / HEAD_FILE, HeadFile(v=1, vkey=kept.vkey, size=0, root=b64(EMPTY_ROOT), signed=0)
    )
    write_durably(folder / KEY_FILE, kept)
