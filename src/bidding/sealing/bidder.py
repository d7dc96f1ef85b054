"""What stays with a bidder between sealing and opening, and how it releases its half."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bidding.sealing.bodies import Part, ReleaseB, TreeValue, Volume
from bidding.sealing.envelope import Head
from bidding.sealing.kem import Exchange
from bidding.sealing.refusals import Reason, SealFailed, WrongB
from bidding.sealing.unseal import fits_half
from bidding.sealing.wraps import unwrap
from foundation.statements.canonical import b64, canonical, parse, unb64
from foundation.statements.fields import B64of32, Hex, Sid, Text200, Uuid
from foundation.statements.signed import decode, kid_of

LARGEST_RECORD: Final = 65_536


class RecordedVolume(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of one sealed volume: T alone opens nothing."""

    volume: Volume
    file: Text200
    tree: Hex
    parts: list[Hex]
    t: B64of32
    bidder_salt: B64of32


class SealingRecord(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sealing record of one bid; kept by the bidder until the record of the last stage."""

    v: Literal[1]
    tender: Uuid
    lot: Uuid
    round: Annotated[int, Meta(ge=1, le=99)]
    opening_keys: Sid
    volumes: Annotated[list[RecordedVolume], Meta(min_length=1, max_length=8)]


def record_bytes(record: SealingRecord) -> bytes:
    """The record as a file."""
    return canonical(msgspec.to_builtins(record))


def read_record(raw: bytes) -> SealingRecord:
    """Read a sealing record; refuses other forms."""
    return decode(parse(raw, limit=LARGEST_RECORD), SealingRecord)


def unwrap_b(head: Head, exchange: Exchange, public: bytes) -> bytes:
    """B of an envelope by one of the bidder's keys; refuses a key for which it was not wrapped."""
    kid = kid_of(public)
    for entry in head.wraps.b:
        if entry.kid == kid:
            value = unwrap(head.binding, "B", entry.i, exchange, public, entry.ct)
            if not fits_half(head, "B", value):
                raise WrongB("expected the key that this envelope was sealed with, got another")
            return value
    raise SealFailed(
        Reason.UNWRAP,
        "expected the opening key or recovery code of this envelope, got another key; use the one "
        "made when it was sealed",
    )


def recorded_t(head: Head, volume: RecordedVolume) -> bytes:
    """T from the sealing record; refuses a record of another envelope."""
    value = unb64(volume.t, 32)
    if not fits_half(head, "T", value):
        raise SealFailed(Reason.KEY, "expected the sealing record of this envelope, got another")
    return value


def release_b(
    closing: str, stage: int, values: Mapping[str, bytes], heads: Mapping[str, Head]
) -> ReleaseB:
    """The body of a `release-b` for one's own envelopes by tree; refuses a wrong value."""
    for tree, value in values.items():
        if not fits_half(heads[tree], "B", value):
            raise WrongB(f"expected the key of {heads[tree].header.volume}, got another; try again")
    return ReleaseB(
        v=1,
        closing=closing,
        stage=stage,
        values=[TreeValue(tree=tree, value=b64(values[tree])) for tree in sorted(values)],
    )


def wrong_values(release: ReleaseB, heads: Mapping[str, Head]) -> Sequence[str]:
    """The trees of a release whose value does not match, or that are not listed (9.2)."""
    return [
        given.tree
        for given in release.values
        if given.tree not in heads or not fits_half(heads[given.tree], "B", unb64(given.value, 32))
    ]
