"""The folder of a process that alone holds a key: the key, sealed, its state, and one holder.

Each write is on disk before it returns. Such a folder is never restored from a backup: an old
state would let two histories be signed.
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

from foundation.ledger.note import key_of
from foundation.problems import Conflict, Invalid, NotAllowed, Unavailable
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.signed import decode

KEY_FILE: Final = "key.json"
LOCK_FILE: Final = "lock"
SEED_LENGTH: Final = 32
# 32 MiB and about 100 ms, once a start.
SCRYPT_COST: Final = 2**15

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


class StateLost(Unavailable):
    """The state beside this key is not whole, so nothing is signed with it."""

    code = "key-state-lost"


class FolderInUse(Conflict):
    """Another process uses this folder."""

    code = "key-folder-in-use"


class WrongPassphrase(NotAllowed):
    """The passphrase does not open this key."""

    code = "wrong-key-passphrase"


class BadSetting(Invalid):
    """A process that holds a key cannot be started like this."""

    code = "bad-key-setting"


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key."""

    name: Literal["scrypt"]
    n: int
    r: Literal[8]
    p: Literal[1]
    salt: str


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key for notes and what is kept secret with it, sealed by the passphrase."""

    v: Literal[1]
    # Written as `origin` in signers' folders before witnesses had such a file.
    name: str = msgspec.field(name="origin")
    vkey: str
    kdf: Kdf
    sealed: str


def hold_folder(folder: Path) -> int:
    """Makes the folder if it is new and holds it for this process; refuses when another does."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadSetting(
            f"expected a folder that can be written at {folder}: {error.strerror}"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise FolderInUse(f"another process holds {folder}; end it, or use another") from None
    return handle


def make_key(name: str, kind: int, passphrase: str, more: int) -> KeyFile:
    """A new key of a kind of note, sealed together with `more` random bytes."""
    key = Ed25519PrivateKey.generate()
    kept = KeyFile(
        v=1,
        name=name,
        vkey=key_of(name, kind, key).text(),
        kdf=Kdf(name="scrypt", n=SCRYPT_COST, r=8, p=1, salt=b64(secrets.token_bytes(16))),
        sealed="",
    )
    nonce = secrets.token_bytes(12)
    secret = key.private_bytes_raw() + secrets.token_bytes(more)
    sealed = nonce + _cipher(kept, passphrase).encrypt(nonce, secret, _bound(kept))
    return msgspec.structs.replace(kept, sealed=b64(sealed))


def read_key_file(folder: Path, name: str) -> KeyFile:
    """The key file, still sealed; refuses another name."""
    kept = read_file(folder / KEY_FILE, KeyFile)
    if kept.name != name:
        raise BadSetting(
            f"expected the name {kept.name} of this folder, got {name}; "
            "another name needs a folder of its own"
        )
    return kept


def unseal_key(kept: KeyFile, kind: int, passphrase: str) -> tuple[Ed25519PrivateKey, bytes]:
    """The key and the bytes kept with it; refuses a wrong passphrase."""
    sealed = unb64(kept.sealed)
    try:
        secret = _cipher(kept, passphrase).decrypt(sealed[:12], sealed[12:], _bound(kept))
    except (InvalidTag, ValueError):
        raise WrongPassphrase("expected the passphrase of this key, got another") from None
    key = Ed25519PrivateKey.from_private_bytes(secret[:SEED_LENGTH])
    if key_of(kept.name, kind, key).text() != kept.vkey:
        raise StateLost("the key on disk is not the one its file names")
    return key, secret[SEED_LENGTH:]


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


def read_file(path: Path, shape: type[_Shape]) -> _Shape:
    """A file of the folder in its exact form; refuses a damaged one."""
    try:
        return decode(json.loads(path.read_bytes()), shape)
    except (OSError, ValueError, RecursionError, BadField):
        raise StateLost(f"{path.name} in {path.parent.name} cannot be read") from None


def read_passphrase(file: Path | None, variable: str) -> str:
    """The passphrase of a key from a file or the environment; refuses none at all."""
    if file is None:
        given = os.environ.get(variable, "")
    else:
        given = read_setting(file, "a passphrase").decode("utf-8", "replace").rstrip("\r\n")
    if not given:
        raise BadSetting(
            f"expected the passphrase of the key in {variable} or in the file of "
            "--passphrase-file, got none"
        )
    return given


def read_setting(path: Path, what: str) -> bytes:
    """A file that the process is started with; refuses one that cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSetting(
            f"expected {what} at {path}, got: {error.strerror or error}; correct the path"
        ) from None


def _cipher(kept: KeyFile, passphrase: str) -> AESGCM:
    if kept.kdf.n != SCRYPT_COST:
        raise StateLost(f"expected a scrypt cost of {SCRYPT_COST}, got {kept.kdf.n}")
    salt = unb64(kept.kdf.salt, 16)
    return AESGCM(Scrypt(salt=salt, length=32, n=SCRYPT_COST, r=8, p=1).derive(passphrase.encode()))


def _bound(kept: KeyFile) -> bytes:
    """Name, key and cost, which the cipher authenticates."""
    return canonical(msgspec.to_builtins(msgspec.structs.replace(kept, sealed="")))
