"""The envelope file TBE1 (`.tbe`): header and wraps in the clear, then the payload.

Everything here works without a key: it is what the intake checks before it stores a byte, what
a member checks before it unwraps, and what `sunbid envelope check` says.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bidding.sealing.bodies import (
    Manifest,
    Part,
    PolicyName,
    Round,
    SealedVolume,
    SuiteName,
    Volume,
)
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.payload import cipher_length
from bidding.sealing.refusals import (
    BadHeaderSize,
    BadLength,
    BadWraps,
    BadWrapsSize,
    Empty,
    ManifestMismatch,
    NotSealed,
    Trailing,
    Truncated,
    WrongLot,
    WrongOpeningKeys,
    WrongPolicy,
    WrongRound,
    WrongSuite,
    WrongTender,
    WrongVolumes,
)
from bidding.sealing.suites import Suite, suite_of
from bidding.sealing.wraps import (
    LARGEST_WRAPS,
    Binding,
    Wraps,
    check_wraps_fit,
    read_wraps,
)
from foundation.statements.canonical import FileTooLarge, canonical, parse, unb64
from foundation.statements.fields import Hex, Int, Sid, Uuid
from foundation.statements.signed import decode

MAGIC: Final = bytes.fromhex("89544245310D0A1A")
LARGEST_HEADER: Final = 65_536
LARGEST_PLAIN: Final = 2**33
LARGEST_HEAD: Final = len(MAGIC) + 4 + LARGEST_HEADER + 4 + LARGEST_WRAPS
CONTENT_TYPE: Final = "application/vnd.sunbid.package+zip"

_SMALLEST_JSON: Final = 2


class Header(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands in the clear; it names no bidder, submission, sequence number or date."""

    v: Literal[1]
    suite: SuiteName
    policy: PolicyName
    tender: Uuid
    lot: Uuid
    round: Round
    volume: Volume
    envelope: Uuid
    bidder_tag: Hex
    opening_keys: Sid
    content_type: Literal["application/vnd.sunbid.package+zip"]
    plain_len: Int
    cipher_len: Int
    client: Annotated[str, Meta(pattern=r"^(?:cli|web)/[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$(?!\n)")]


@dataclass(frozen=True, kw_only=True)
class Head:
    """Header and wraps of an envelope, checked for themselves, and the size of the file."""

    header: Header
    header_bytes: bytes
    wraps: Wraps
    wraps_bytes: bytes
    size: int

    @cached_property
    def suite(self) -> Suite:
        """The suite that the header names."""
        return suite_of(self.header.suite)

    @cached_property
    def header_hash(self) -> bytes:
        """`hh`, 32 bytes."""
        return self.suite.hash(self.header_bytes)

    @cached_property
    def wraps_hash(self) -> bytes:
        """H of the wraps, 32 bytes."""
        return self.suite.hash(self.wraps_bytes)

    @property
    def binding(self) -> Binding:
        """What the wraps are bound to."""
        return Binding(
            suite=self.suite,
            header_hash=self.header_hash,
            opening_keys=bytes.fromhex(self.header.opening_keys),
        )

    @property
    def payload_offset(self) -> int:
        """Where the payload begins in the file."""
        return len(MAGIC) + 8 + len(self.header_bytes) + len(self.wraps_bytes)

    @property
    def payload_context(self) -> bytes:
        """What the payload is bound to: a file binds its own wraps."""
        return self.header_hash + self.wraps_hash


def bidder_tag(bidder_salt: bytes, uscc: str) -> str:
    """The tag by which a manifest shows that an envelope is its own, hex."""
    return hashlib.sha256(b"tbe1/bidder/v1\0" + bidder_salt + uscc.encode("ascii")).hexdigest()


def header_bytes(header: Header) -> bytes:
    """The header as it stands in the file."""
    return canonical(msgspec.to_builtins(header))


def head_bytes(header: bytes, wraps: bytes) -> bytes:
    """Everything of a file that comes before its payload."""
    return MAGIC + len(header).to_bytes(4, "big") + header + len(wraps).to_bytes(4, "big") + wraps


def read_head(prefix: bytes, size: int) -> Head:
    """Read header and wraps from the beginning of a file of `size` bytes (its part 0).

    Refuses what is not sealed, impossible sizes before anything is allocated, other spellings,
    unknown fields, lengths that disagree, and malformed wraps.
    """
    header_raw, wraps_raw = split_head(prefix)
    header = read_header(header_raw)
    suite = suite_of(header.suite)
    # Before the wraps are parsed: a file of another length is damaged, whatever they say.
    _check_size(header, len(MAGIC) + 8 + len(header_raw) + len(wraps_raw), size)
    wraps = read_wraps(wraps_raw, suite)
    if (wraps.r is None) != (header.policy == "dual-strict"):
        raise BadWraps("expected a remedy group exactly under the policy dual+remedy")
    return Head(
        header=header,
        header_bytes=header_raw,
        wraps=wraps,
        wraps_bytes=wraps_raw,
        size=size,
    )


def read_file_head(path: Path) -> Head:
    """Header and wraps of a file on disk."""
    with path.open("rb") as file:
        prefix = file.read(LARGEST_HEAD)
    return read_head(prefix, path.stat().st_size)


def join_head(header: bytes, wraps: bytes) -> Head:
    """A head from header and wraps that came without their file, as members get them."""
    prefix = head_bytes(header, wraps)
    return read_head(prefix, len(prefix) + read_header(header).cipher_len)


def split_head(prefix: bytes) -> tuple[bytes, bytes]:
    """(header, wraps) as bytes; sizes are checked before anything is cut out."""
    if prefix[: len(MAGIC)] != MAGIC:
        raise NotSealed("expected a sealed file (.tbe), got another file; seal it with sunbid seal")
    header, rest = _take(prefix, len(MAGIC), LARGEST_HEADER, BadHeaderSize)
    wraps, _ = _take(prefix, rest, LARGEST_WRAPS, BadWrapsSize)
    return header, wraps


def read_header(raw: bytes) -> Header:
    """Read a header; refuses other spellings, unknown fields, and lengths that disagree."""
    header = decode(parse(raw, limit=LARGEST_HEADER), Header)
    if header.plain_len == 0:
        raise Empty("expected a package of at least one byte, got an empty one")
    if header.plain_len > LARGEST_PLAIN:
        raise FileTooLarge(f"expected at most {LARGEST_PLAIN} bytes, got {header.plain_len}")
    if header.cipher_len != cipher_length(header.plain_len):
        raise BadLength(
            f"expected cipher_len {cipher_length(header.plain_len)} for plain_len "
            f"{header.plain_len}, got {header.cipher_len}; seal the package again"
        )
    return header


def check_for_lot(head: Head, keys: LotKeys) -> None:
    """Refuse an envelope that was sealed for another lot, suite, policy or opening keys."""
    header, body = head.header, keys.body
    for refusal, got, wanted in (
        (WrongTender, header.tender, body.tender),
        (WrongLot, header.lot, body.lot),
        (WrongRound, header.round, body.round),
        (WrongSuite, header.suite, body.suite),
        (WrongPolicy, header.policy, body.policy),
        (WrongOpeningKeys, header.opening_keys, keys.sid),
    ):
        if got != wanted:
            raise refusal(f"expected {wanted}, got {got}; seal again for this lot")
    check_wraps_fit(head.wraps, body)


def check_manifest(manifest: Manifest, keys: LotKeys, required_volumes: set[str]) -> None:
    """Refuse a manifest for another lot or other keys, or with other volumes than required."""
    body = keys.body
    for refusal, got, wanted in (
        (WrongTender, manifest.tender, body.tender),
        (WrongLot, manifest.lot, body.lot),
        (WrongRound, manifest.round, body.round),
        (WrongSuite, manifest.suite, body.suite),
        (WrongPolicy, manifest.policy, body.policy),
        (WrongOpeningKeys, manifest.opening_keys, keys.sid),
    ):
        if got != wanted:
            raise refusal(f"expected {wanted}, got {got}; seal and sign again for this lot")
    volumes = [envelope.volume for envelope in manifest.envelopes]
    if sorted(volumes) != sorted(required_volumes):
        raise WrongVolumes(
            f"expected the volumes {', '.join(sorted(required_volumes))}, got {', '.join(volumes)}"
        )


def check_listed(
    manifest: Manifest, listed: SealedVolume, head: Head, keys: LotKeys, tree: str
) -> None:
    """Refuse an envelope that is not the one the manifest lists; `tree` is that of the file.

    A rival's envelope fails by its `bidder_tag`, with the same sentence as any mismatch.
    """
    check_for_lot(head, keys)
    tag = bidder_tag(unb64(listed.bidder_salt, 32), manifest.bidder.uscc)
    # One sentence for every mismatch: which field differs would tell a rival something.
    agree = (
        head.header.volume == listed.volume
        and hmac.compare_digest(head.header.bidder_tag, tag)
        and head.header_hash.hex() == listed.header_hash
        and head.wraps_hash.hex() == listed.wraps_hash
        and head.size == listed.size
        and head.header.plain_len == listed.plain_len
        and tree == listed.tree
    )
    if not agree:
        raise ManifestMismatch(
            f"expected the sealed file that the manifest lists as {listed.volume}, got another; "
            "seal the volumes again and sign the new manifest"
        )


def _take(
    prefix: bytes, at: int, largest: int, refusal: type[BadHeaderSize | BadWrapsSize]
) -> tuple[bytes, int]:
    """One length-prefixed block and where the next begins."""
    if len(prefix) < at + 4:
        raise Truncated("expected a length, got the end of the file; send it again")
    length = int.from_bytes(prefix[at : at + 4], "big")
    if not _SMALLEST_JSON <= length <= largest:
        raise refusal(f"expected a length of {_SMALLEST_JSON} to {largest}, got {length}")
    if len(prefix) < at + 4 + length:
        raise Truncated(f"expected {length} bytes, got the end of the file; send it again")
    return prefix[at + 4 : at + 4 + length], at + 4 + length


def _check_size(header: Header, before: int, size: int) -> None:
    expected = before + header.cipher_len
    if size < expected:
        raise Truncated(f"expected a file of {expected} bytes, got {size}; send it again")
    if size > expected:
        raise Trailing(f"expected a file of {expected} bytes, got {size}; send it again")
