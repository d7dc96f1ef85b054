"""Signed notes, verifier keys and checkpoints (C2SP signed-note, tlog-checkpoint, -cosignature).

A note's text counts only after a known key's signature over it was verified; lines of unknown
keys are ignored, a known key with a bad signature refuses the whole note.
"""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.ledger.tree import HASH_LENGTH, LARGEST_TREE
from foundation.problems import Invalid

LOG_SIGNATURE: Final = 0x01
COSIGNATURE: Final = 0x04
LARGEST_NOTE: Final = 1024 * 1024
MOST_SIGNATURES: Final = 100

_MARK: Final = "\u2014 "
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(Invalid):
    """The note is damaged or not signed by a known key."""

    code = "bad-note"


class BadKey(Invalid):
    """This is not a verifier key."""

    code = "bad-verifier-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A key that signs notes: its name, its use (log or cosignature), its 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names this key."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:4]

    def text(self) -> str:
        """The key as it is configured: name+id+base64."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """One line below a note: who says to have signed, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def text(self) -> str:
        """The line as it stands in the note, with its line feed."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and the lines below it; nothing of it is verified yet."""

    text: str
    lines: tuple[SignatureLine, ...]

    def to_text(self) -> str:
        """The whole note."""
        return self.text + "\n" + "".join(line.text() for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A state of a log: its origin, the number of leaves and their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A witness saw this checkpoint, consistent with all it saw before, at this time."""

    key: VerifierKey
    time_s: int


def is_key_name(name: str) -> bool:
    """Whether a text may name a key: not empty, no space, no plus, no control character."""
    return bool(name) and not any(
        c == "+" or c.isspace() or unicodedata.category(c) in ("Cc", "Cs", "Zs", "Zl", "Zp")
        for c in name
    )


def read_key(text: str) -> VerifierKey:
    """Reads a verifier key; refuses all but Ed25519 (log or cosignature), and a wrong id."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise BadKey("expected a verifier key name+id+base64, got something else; copy it again")
    material = _unbase64(parts[2], BadKey)
    if len(material) != 33 or material[0] not in (LOG_SIGNATURE, COSIGNATURE):
        raise BadKey("expected an Ed25519 key of type 1 (log) or 4 (witness), got another")
    key = VerifierKey(name=parts[0], kind=material[0], public=material[1:])
    if parts[1] != key.key_id.hex():
        raise BadKey(f"expected the id {key.key_id.hex()} in the key of {key.name}; copy it again")
    return key


def read_note(text: str) -> Note:
    """Splits a note into text and signature lines; refuses any other form. Verifies nothing."""
    if len(text) > LARGEST_NOTE:
        raise BadNote(f"expected a note of at most {LARGEST_NOTE} characters, got {len(text)}")
    if any(c < " " and c != "\n" for c in text) or not _is_utf8(text):
        raise BadNote("expected a note without control characters, got one that has some")
    # The text may hold empty lines; the last one separates the signatures.
    body, found, tail = text.rpartition("\n\n")
    if not found or not tail.endswith("\n") or not body:
        raise BadNote("expected a text, an empty line and signature lines, got something else")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise BadNote(f"expected at most {MOST_SIGNATURES} signatures, got {len(lines)}")
    return Note(text=body + "\n", lines=tuple(_read_line(line) for line in lines))


def read_checkpoint(text: str) -> Checkpoint:
    """Reads a checkpoint's note text; extension lines are allowed and not returned."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or not all(lines[:-1]):
        raise BadNote("expected a checkpoint of origin, size and root, got something else")
    size = int(lines[1]) if _SIZE.fullmatch(lines[1]) else -1
    if not 0 <= size <= LARGEST_TREE:
        raise BadNote(f"expected a tree size without leading zeros, got {lines[1][:30]!r}")
    root = _unbase64(lines[2], BadNote)
    if len(root) != HASH_LENGTH:
        raise BadNote(f"expected a root of {HASH_LENGTH} bytes, got {len(root)}")
    return Checkpoint(origin=lines[0], size=size, root=root)


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> SignatureLine:
    """The log's signature line over a note text."""
    vkey = log_key(name, key)
    return SignatureLine(name=name, key_id=vkey.key_id, signature=key.sign(text.encode()))


def cosign(text: str, name: str, key: Ed25519PrivateKey, time_s: int) -> SignatureLine:
    """A witness's line over a checkpoint: cosignature/v1 with its time."""
    vkey = key_of(name, COSIGNATURE, key)
    signature = key.sign(_cosigned(text, time_s))
    return SignatureLine(
        name=name, key_id=vkey.key_id, signature=time_s.to_bytes(8, "big") + signature
    )


def log_key(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The verifier key of a log's private key."""
    return key_of(name, LOG_SIGNATURE, key)


def key_of(name: str, kind: int, key: Ed25519PrivateKey) -> VerifierKey:
    """The verifier key of a private key for one kind of note."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return VerifierKey(name=name, kind=kind, public=public)


def verify_log_signature(note: Note, key: VerifierKey) -> None:
    """Refuses unless the log's key signed the note's text; ignores the lines of all other keys."""
    lines = _lines_of(note, key)
    if not lines:
        raise BadNote(f"expected a signature of {key.name}, got none by this key")
    for line in lines:
        _verify(key, line.signature, note.text.encode())


def verify_cosignatures(note: Note, witnesses: Sequence[VerifierKey]) -> list[Cosignature]:
    """The cosignatures of known witnesses; refuses the note when one of theirs is bad."""
    found = []
    for key in witnesses:
        for line in _lines_of(note, key):
            if len(line.signature) != 72:
                raise BadNote(f"expected 72 bytes of cosignature by {key.name}")
            time_s = int.from_bytes(line.signature[:8], "big")
            if time_s > LARGEST_TREE:
                raise BadNote(f"expected a time below 2^63 in the cosignature by {key.name}")
            _verify(key, line.signature[8:], _cosigned(note.text, time_s))
            found.append(Cosignature(key=key, time_s=time_s))
    return found


def _lines_of(note: Note, key: VerifierKey) -> list[SignatureLine]:
    return [line for line in note.lines if (line.name, line.key_id) == (key.name, key.key_id)]


def _verify(key: VerifierKey, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise BadNote(f"the signature of {key.name} does not fit; the note was changed") from None


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _read_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not is_key_name(name):
        raise BadNote("expected signature lines `\u2014 name base64`, got another line")
    raw = _unbase64(encoded, BadNote)
    if len(raw) < 5:
        raise BadNote(
            f"expected a key id and a signature in the line of {name}, got {len(raw)} bytes"
        )
    return SignatureLine(name=name, key_id=raw[:4], signature=raw[4:])


def _unbase64(text: str, refusal: type[Invalid]) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise refusal("expected base64, got something else; copy it again") from None
    if base64.b64encode(raw).decode() != text:
        raise refusal("expected base64 whose spare bits are zero; copy it again")
    return raw


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
