"""Unsealing: what one envelope gives from the released values, and the code it ends with.

Pure but for reading the sealed file and writing the package; nothing is shown before the last
chunk was authentic.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from bidding.sealing.bodies import Fault, Group, OpeningKeys, OutcomeCode, SeatRef
from bidding.sealing.envelope import Head
from bidding.sealing.package import check_package
from bidding.sealing.payload import beside, decrypt
from bidding.sealing.refusals import BadPackage, SealFailed
from bidding.sealing.shares import Halves, combine, input_key
from bidding.sealing.wraps import SHARE_TAG, CheckResult, WrappedShares, compare_deal

Source = Literal["bidder", "remedy", "cure"]


class HalfState(StrEnum):
    """What is known of one half of an envelope's keys."""

    KNOWN = "known"
    WAITING = "waiting"
    DISPUTED = "disputed"
    BADLY_DEALT = "badly dealt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One half: its state, and when known its value and where it came from."""

    state: HalfState
    value: bytes | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What members and bidders gave for one envelope; values are not trusted, they are checked.

    `checks` holds each member's share check by (group, i); `terminated` says that the supervisor
    ended a suspended opening.
    """

    t_shares: Mapping[int, bytes] = field(default_factory=dict)
    r_shares: Mapping[int, bytes] = field(default_factory=dict)
    bidder_b: bytes | None = None
    cured_t: bytes | None = None
    cured_b: bytes | None = None
    checks: Mapping[tuple[Group, int], CheckResult] = field(default_factory=dict)
    terminated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one envelope came out; `t` and `b` are given only where they may be published.

    `deal_wrong` names wrong shares of members, `own_wrong` wrong wraps to the bidder itself.
    """

    code: OutcomeCode
    fault: Fault
    b_from: Source | None = None
    deal_wrong: tuple[SeatRef, ...] = ()
    own_wrong: tuple[int, ...] = ()
    t: bytes | None = None
    b: bytes | None = None
    plain_sha256: str | None = None
    detail: str = ""


def matching_shares(head: Head, group: Group, shares: Mapping[int, bytes]) -> dict[int, bytes]:
    """The shares that match their commitments; others are left out."""
    found = head.wraps.group(group)
    if found is None:
        return {}
    return {
        share.i: shares[share.i]
        for share in found.shares
        if share.i in shares
        and head.binding.fits(SHARE_TAG[group], share.i, shares[share.i], share.h)
    }


def fits_half(head: Head, half: Literal["T", "B"], value: bytes) -> bool:
    """Whether a value is the committed T or B."""
    commitment = head.wraps.ht if half == "T" else head.wraps.hb
    return head.binding.fits(half, 0, value, commitment)


def custodian_half(head: Head, released: Released) -> Half:
    """T from a cure or from the lowest k matching shares."""
    if released.cured_t is not None and fits_half(head, "T", released.cured_t):
        return Half(state=HalfState.KNOWN, value=released.cured_t, source="cure")
    return _from_shares(head, "T", released.t_shares, released.checks)


def bidder_half(head: Head, released: Released) -> Half:
    """B from the bidder, from a cure, or from the lowest k₂ matching remedy shares."""
    given: list[tuple[Source, bytes | None]] = [
        ("bidder", released.bidder_b),
        ("cure", released.cured_b),
    ]
    for source, value in given:
        # A value that does not match is as good as none: it never stands in the way.
        if value is not None and fits_half(head, "B", value):
            return Half(state=HalfState.KNOWN, value=value, source=source)
    return _from_shares(head, "R", released.r_shares, released.checks)


def is_disputed(head: Head, group: Group, checks: Mapping[tuple[Group, int], CheckResult]) -> bool:
    """Whether n−k+1 members said that their share is bad; silence is never such an answer."""
    found = head.wraps.group(group)
    if found is None:
        return False
    complaints = sum(
        checks.get((group, share.i)) in {"unwrap_failed", "mismatch"} for share in found.shares
    )
    return complaints >= found.n - found.k + 1


def open_payload(path: Path, head: Head, halves: Halves, target: Path) -> str:
    """Decrypt the package of an envelope into a file and give its SHA-256, hex.

    Writes beside the target and renames after the last chunk; refuses with `SealFailed`, and then
    leaves nothing.
    """
    quarantine = target.with_name(f"{target.name}.quarantine")
    digest = hashlib.sha256()
    try:
        with quarantine.open("wb") as plain, beside(digest.update) as hash_block:
            for block in plain_blocks(path, head, halves):
                hash_block(block)
                plain.write(block)
        # Only now is every chunk authentic and the last one seen.
        quarantine.rename(target)
    finally:
        quarantine.unlink(missing_ok=True)
    return digest.hexdigest()


def check_payload(path: Path, head: Head, halves: Halves) -> str:
    """Decrypt without keeping anything and give the package's SHA-256; refuses as above."""
    digest = hashlib.sha256()
    with beside(digest.update) as hash_block:
        for block in plain_blocks(path, head, halves):
            hash_block(block)
    return digest.hexdigest()


def plain_blocks(path: Path, head: Head, halves: Halves) -> Iterator[memoryview]:
    """The package of an envelope in blocks, of which none is authentic before the last came."""
    key = input_key(head.suite, halves, head.header_hash)
    with path.open("rb") as source:
        source.seek(head.payload_offset)
        yield from decrypt(source, head.header.cipher_len, head.suite, key, head.payload_context)


def unseal(
    path: Path | None,
    head: Head,
    keys: OpeningKeys,
    released: Released,
    target: Path,
    check: Callable[[Path], object] = check_package,
) -> Outcome:
    """Combine one envelope (9.7) and give its outcome; `target` holds the package when it opened.

    `path` is the file whose tree the caller found equal to the list's, None when it is missing;
    a damaged one is the caller's `blob_outcome`. `check` may run the package check elsewhere.
    """
    if path is None:
        return blob_outcome(missing=True)
    t, b = custodian_half(head, released), bidder_half(head, released)
    # 2 to 4 of 9.7: both halves, or the code that their absence gives.
    refused = outcome_of_halves(t, b, terminated=released.terminated)
    if refused is not None:
        return refused
    assert t.value is not None
    assert b.value is not None
    halves = Halves(t=t.value, b=b.value)
    # 5: deal again, and name whom the bidder gave something else than it committed to.
    seats, own = wrongly_dealt(head, halves, keys)

    def outcome(code: OutcomeCode, fault: Fault, detail: str, sha256: str | None) -> Outcome:
        return Outcome(
            code=code,
            fault=fault,
            b_from=b.source,
            deal_wrong=seats,
            own_wrong=own,
            t=halves.t,
            b=halves.b,
            plain_sha256=sha256,
            detail=detail,
        )

    # 6 and 7: the content, then the package.
    try:
        sha256 = open_payload(path, head, halves, target)
    except SealFailed as failed:
        return outcome("SEALED_WRONG", "bidder", failed.message, None)
    try:
        check(target)
    except BadPackage as bad:
        return outcome("PACKAGE_BAD", "bidder", bad.message, sha256)
    return outcome("OPENED", "none", "", sha256)


def wrongly_dealt(
    head: Head, halves: Halves, keys: OpeningKeys
) -> tuple[tuple[SeatRef, ...], tuple[int, ...]]:
    """The members whose wrap is not what follows from the halves, and the bidder's own entries."""
    wrong = compare_deal(head.binding, halves, keys, head.wraps)
    seats = tuple(SeatRef(group=w.group, i=w.i) for w in wrong if w.group != "B")
    return seats, tuple(w.i for w in wrong if w.group == "B")


def blob_outcome(*, missing: bool) -> Outcome:
    """The outcome of a sealed file that the platform lost or let rot."""
    return Outcome(code="BLOB_MISSING" if missing else "BLOB_CORRUPT", fault="platform")


def outcome_of_halves(t: Half, b: Half, *, terminated: bool) -> Outcome | None:
    """The outcome of an envelope that stays closed; None when both halves are known.

    Of a terminated opening nothing is opened, whatever was released before.
    """
    # A bad deal is shown by shares that match: no silence or decision changes that.
    if HalfState.BADLY_DEALT in {t.state, b.state}:
        return Outcome(code="BIDDER_BAD_DEAL", fault="bidder", b_from=b.source)
    if terminated:
        return Outcome(code="CUSTODIANS_SHORT", fault="members", b_from=b.source)
    if t.state is b.state is HalfState.KNOWN:
        return None
    if b.state is not HalfState.KNOWN:
        return Outcome(code="BIDDER_ABSENT", fault="bidder")
    if t.state is HalfState.DISPUTED:
        return Outcome(code="DEAL_DISPUTED", fault="undetermined", b_from=b.source)
    return Outcome(code="CUSTODIANS_SHORT", fault="members", b_from=b.source)


def _from_shares(
    head: Head,
    group: Group,
    shares: Mapping[int, bytes],
    checks: Mapping[tuple[Group, int], CheckResult],
) -> Half:
    found: WrappedShares | None = head.wraps.group(group)
    if found is None:
        return Half(state=HalfState.WAITING)
    matching = matching_shares(head, group, shares)
    if len(matching) < found.k:
        disputed = is_disputed(head, group, checks)
        return Half(state=HalfState.DISPUTED if disputed else HalfState.WAITING)
    value = combine(matching, found.k)
    if not fits_half(head, "T" if group == "T" else "B", value):
        return Half(state=HalfState.BADLY_DEALT)
    return Half(state=HalfState.KNOWN, value=value, source="remedy" if group == "R" else None)
