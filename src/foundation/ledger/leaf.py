"""The ledger's leaf (41 bytes) and its opening: what anyone needs to recompute it.

A leaf shows its time and hides its body behind a salted hash until the opening is published.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from foundation.ledger.tree import hash_leaf
from foundation.statements.canonical import BadField, Json, b64, canonical, unb64

VERSION: Final = b"\x01"
COMMIT_LABEL: Final = b"sunbid/commit/v1\0"
SALT_LENGTH: Final = 32
LEAF_LENGTH: Final = 41
COVER_TYPE: Final = "cover"
COVER_BODY: Final[Mapping[str, Json]] = {"v": 1, "t": COVER_TYPE}


def commitment(salt: bytes, body: bytes) -> bytes:
    """The hash that a leaf shows of its body."""
    if len(salt) != SALT_LENGTH:
        raise BadField(f"expected a salt of {SALT_LENGTH} bytes, got {len(salt)}")
    return hashlib.sha256(COMMIT_LABEL + salt + body).digest()


def leaf_bytes(time_ms: int, salt: bytes, body: bytes) -> bytes:
    """The 41 bytes of a leaf: version, tick time in Unix milliseconds, commitment."""
    if not 0 <= time_ms < 2**53:
        raise BadField(f"expected a time in milliseconds since 1970, got {time_ms}")
    return VERSION + time_ms.to_bytes(8, "big") + commitment(salt, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafOpening:
    """Where a leaf stands and what it commits to."""

    origin: str
    index: int
    time_ms: int
    salt: bytes
    body: Json

    @property
    def leaf(self) -> bytes:
        """The leaf recomputed from time, salt and body."""
        return leaf_bytes(self.time_ms, self.salt, canonical(self.body))

    @property
    def leaf_hash(self) -> bytes:
        """The hash that stands in the tree."""
        return hash_leaf(self.leaf)

    def to_json(self) -> dict[str, Json]:
        """The shared object of the formats."""
        return {
            "origin": self.origin,
            "index": self.index,
            "time_ms": self.time_ms,
            "salt": b64(self.salt),
            "body": self.body,
        }


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str
    index: int
    time_ms: int
    salt: str
    body: dict[str, Json]


def opening_from_json(value: Json) -> LeafOpening:
    """Reads a leaf opening; refuses every other key, type and salt length."""
    try:
        shape = msgspec.convert(value, _Shape, strict=True)
    except msgspec.ValidationError as error:
        raise BadField(f"expected a leaf opening, got another form: {error}") from None
    if not 1 <= len(shape.origin) <= 120 or shape.index < 0 or shape.time_ms < 0:
        raise BadField("expected an origin of 1 to 120 characters, an index and a time from 0 on")
    return LeafOpening(
        origin=shape.origin,
        index=shape.index,
        time_ms=shape.time_ms,
        salt=unb64(shape.salt, SALT_LENGTH),
        body=shape.body,
    )
