"""The signer's folder: its key, its last signature, one file a scope; each write is on disk.

The folder is never restored from a backup: a lost one means a new origin, an old one would let
two histories be signed.
"""

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from foundation.ledger.note import log_key
from foundation.ledger.tree import EMPTY_ROOT
from foundation.problems import Conflict, Invalid, NotAllowed, Unavailable
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.fields import Uuid
from foundation.statements.signed import decode

KEY_FILE: Final = "key.json"
HEAD_FILE: Final = "head.json"
LOCK_FILE: Final = "lock"
SCOPE_FOLDER: Final = "scopes"
# 32 MiB and about 100 ms, once a start.
SCRYPT_COST: Final = 2**15

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


class SignerStateLost(Unavailable):
    """The signer's state is not whole, so it signs nothing."""

    code = "signer-state-lost"


class SignerInUse(Conflict):
    """Another signer uses this folder."""

    code = "signer-in-use"


class WrongSignerPassphrase(NotAllowed):
    """The passphrase does not open the signer's key."""

    code = "wrong-signer-passphrase"


class BadSignerSetting(Invalid):
    """The signer cannot be started like this."""

    code = "bad-signer-setting"


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key."""

    name: Literal["scrypt"]
    n: int
    r: Literal[8]
    p: Literal[1]
    salt: str


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log key and the key of the scopes' secrets, sealed by the passphrase."""

    v: Literal[1]
    origin: str
    vkey: str
    kdf: Kdf
    sealed: str


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


def write_durably(path: Path, content: msgspec.Struct) -> None:
    """Replaces a file as a whole: after a crash it is the old one or the new one, and on disk."""
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, canonical(msgspec.to_builtins(content)))
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def hold_folder(folder: Path) -> int:
    """Holds the folder for this process; refuses when another one does."""
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise SignerInUse(f"another signer holds {folder}; end it, or use another folder") from None
    return handle


def make_state(folder: Path, origin: str, passphrase: str) -> None:
    """The first run: the empty state first, so that a key never stands without one."""
    if (folder / HEAD_FILE).exists():
        raise SignerStateLost(
            f"there is a state but no key in {folder}; start a new origin in an empty folder"
        )
    key = Ed25519PrivateKey.generate()
    vkey = log_key(origin, key).text()
    shape = KeyFile(
        v=1,
        origin=origin,
        vkey=vkey,
        kdf=Kdf(name="scrypt", n=SCRYPT_COST, r=8, p=1, salt=b64(secrets.token_bytes(16))),
        sealed="",
    )
    nonce = secrets.token_bytes(12)
    both = key.private_bytes_raw() + secrets.token_bytes(32)
    sealed = nonce + _cipher(shape, passphrase).encrypt(nonce, both, _bound(shape))
    write_durably(
        folder / HEAD_FILE, HeadFile(v=1, vkey=vkey, size=0, root=b64(EMPTY_ROOT), signed=0)
    )
    write_durably(folder / KEY_FILE, msgspec.structs.replace(shape, sealed=b64(sealed)))


def read_key_file(folder: Path, origin: str) -> KeyFile:
    """The key file, still sealed; refuses another origin."""
    kept = read_file(folder / KEY_FILE, KeyFile)
    if kept.origin != origin:
        raise BadSignerSetting(
            f"expected the origin {kept.origin} of this folder, got {origin}; "
            "another origin needs a folder of its own"
        )
    return kept


def unseal_key(kept: KeyFile, passphrase: str) -> tuple[Ed25519PrivateKey, AESGCM]:
    """The log key and the cipher of the scopes; refuses a wrong passphrase."""
    sealed = unb64(kept.sealed)
    try:
        both = _cipher(kept, passphrase).decrypt(sealed[:12], sealed[12:], _bound(kept))
    except (InvalidTag, ValueError):
        raise WrongSignerPassphrase(
            "expected the passphrase of this log key, got another"
        ) from None
    key = Ed25519PrivateKey.from_private_bytes(both[:32])
    if log_key(kept.origin, key).text() != kept.vkey:
        raise SignerStateLost("the key on disk is not the one its file names")
    return key, AESGCM(both[32:])


def read_head(folder: Path, vkey: str) -> HeadFile:
    """What was signed last; refuses when the state is missing or of another key."""
    path = folder / HEAD_FILE
    if not path.exists():
        raise SignerStateLost(
            f"there is a key but no state in {folder}: nothing may be signed with this key any "
            "more, since it may have signed what is not known here; start a new origin"
        )
    head = read_file(path, HeadFile)
    if head.vkey != vkey:
        raise SignerStateLost("the state on disk belongs to another key")
    return head


def read_file(path: Path, shape: type[_Shape]) -> _Shape:
    """A file of the folder in its exact form; refuses a damaged one."""
    try:
        return decode(json.loads(path.read_bytes()), shape)
    except (OSError, ValueError, RecursionError, BadField):
        raise SignerStateLost(f"{path.name} of the signer cannot be read") from None


def _cipher(kept: KeyFile, passphrase: str) -> AESGCM:
    if kept.kdf.n != SCRYPT_COST:
        raise SignerStateLost(f"expected a scrypt cost of {SCRYPT_COST}, got {kept.kdf.n}")
    salt = unb64(kept.kdf.salt, 16)
    return AESGCM(Scrypt(salt=salt, length=32, n=SCRYPT_COST, r=8, p=1).derive(passphrase.encode()))


def _bound(kept: KeyFile) -> bytes:
    """Origin, key and cost, which the cipher authenticates."""
    return canonical(msgspec.to_builtins(msgspec.structs.replace(kept, sealed="")))
