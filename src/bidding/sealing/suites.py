"""The suites: every length and algorithm of a sealed file comes from this table.

INTL-1 is complete. GM-1 is named, with its lengths, but refused until its second implementation.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from bidding.sealing.refusals import WrongSuite

SECRET_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One row of the table; `available` rows can seal and open."""

    name: str
    available: bool
    wrap_length: int
    encapsulated_length: int
    point_length: int
    input_key_length: int

    @property
    def label(self) -> bytes:
        """The name as it enters derivations."""
        return self.name.encode("ascii")

    def hash(self, data: bytes) -> bytes:
        """The suite's hash H."""
        return hashlib.sha256(data).digest()

    def derive(self, *, salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
        """HKDF with H."""
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand with H."""
        return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(prk)

    def commit(self, tag: str, header_hash: bytes, i: int, value: bytes) -> bytes:
        """The commitment `cmt(tag, i, value)` of an envelope (2.6)."""
        label = b"tbe1/" + tag.encode("ascii") + b"/v1\0"
        return self.hash(label + header_hash + bytes([i]) + value)

    def fits(self, tag: str, header_hash: bytes, i: int, value: bytes, commitment: str) -> bool:
        """Whether a value is the committed one (hex)."""
        return hmac.compare_digest(self.commit(tag, header_hash, i, value).hex(), commitment)


INTL_1: Final = Suite(
    name="INTL-1",
    available=True,
    wrap_length=113,
    encapsulated_length=65,
    point_length=65,
    input_key_length=32,
)
GM_1: Final = Suite(
    name="GM-1",
    available=False,
    wrap_length=161,
    encapsulated_length=65,
    point_length=65,
    input_key_length=16,
)
SUITES: Final = {suite.name: suite for suite in (INTL_1, GM_1)}


def suite_of(name: str) -> Suite:
    """The suite of a name; refuses unknown ones, and GM-1 as not available yet."""
    suite = SUITES.get(name)
    if suite is None:
        raise WrongSuite(f"expected a suite of {', '.join(SUITES)}, got {name[:20]!r}")
    if not suite.available:
        raise WrongSuite(
            f"the suite {name} is not available yet in this version; use {INTL_1.name}, or a "
            "version that holds it"
        )
    return suite
