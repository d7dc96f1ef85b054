"""The opening of a lot: phases, guards and refusals (pure; sealing.md 6.2, 9, 10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from foundation.problems import Conflict, NotAllowed

CLOSED: Final = "closed"
PHASE1: Final = "phase1"
PHASE2: Final = "phase2"
PHASE3: Final = "phase3"
PHASE4: Final = "phase4"
SUSPENDED: Final = "suspended"
RECORD: Final = "record"
DONE: Final = "done"


class WrongPhase(Conflict):
    """This step of the opening is not open now."""

    code = "E_PHASE"


class ActsUndecided(Conflict):
    """Some acts are not decided yet."""

    code = "acts-undecided"


class CutMissing(Conflict):
    """The lot is closed, its cut is not in a signed checkpoint yet."""

    code = "cut-missing"


class NotAMember(NotAllowed):
    """This seat does not belong to the opening keys of the lot, or the key is another."""

    code = "not-a-member"


class OtherClosing(Conflict):
    """This names another closing or list than the lot's."""

    code = "other-closing"


class WindowOpen(Conflict):
    """The window of this phase is not over."""

    code = "window-open"


class MembersMissing(Conflict):
    """Too few members have released."""

    code = "members-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where the opening of a lot stands."""

    lot: UUID
    closed_at: datetime
    closed_tick: int
    cut: UUID | None
    closing: str | None
    list_root: str | None
    phase: str
    phase_at: datetime | None
    phase_until: datetime | None
    remedy_start: str | None
    record: str | None
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One envelope of the closing's list and what is known of it so far."""

    lot: UUID
    tree: str
    submission: UUID
    act: str
    seq: int
    volume: str
    header_hash: str
    wraps_hash: str
    size: int
    upload: UUID
    header: bytes
    wraps: bytes
    blob: str
    b_value: bytes | None
    b_from: str | None
    b_at: datetime | None
    t_value: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A released share that matches its commitment."""

    group: str
    i: int
    tree: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a member found for one envelope before it released."""

    group: str
    i: int
    tree: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one envelope came out."""

    tree: str
    submission: UUID
    volume: str
    code: str
    fault: str
    b_from: str | None
    deal_wrong: tuple[dict[str, Any], ...]
    plain_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBid:
    """An opened bid; `files` maps a volume to its files: name inside to object key."""

    lot: UUID
    submission: UUID
    uscc: str
    name: str
    items: Mapping[str, Any]
    files: Mapping[str, Mapping[str, str]]
    machine_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How many of how many members of each group are needed."""

    custodians: int
    custodians_needed: int
    remedy: int
    remedy_needed: int


def missing_b(listed: Sequence[Listed]) -> list[str]:
    """M: the listed envelopes without the bidder's half, sorted by tree (sealing.md 9.4)."""
    return sorted(one.tree for one in listed if one.b_value is None)


def is_disputed(tree: str, checks: Sequence[Checked], group: str, count: int, needed: int) -> bool:
    """Say whether so many members called an envelope bad that it cannot be released (9.5)."""
    bad = sum(
        1
        for check in checks
        if check.group == group and check.tree == tree and check.result != "ok"
    )
    return bad >= count - needed + 1


def released_by(shares: Sequence[Share], group: str, tree: str) -> list[int]:
    """Return the seats of a group that released a matching share for an envelope."""
    return sorted(share.i for share in shares if share.group == group and share.tree == tree)


def check_phase1_over(opening: Opening, listed: Sequence[Listed], now: datetime) -> None:
    """Refuse to leave phase 1 while its window runs and a bidder's half is missing."""
    require_phase(opening, PHASE1)
    waiting = missing_b(listed)
    if waiting and opening.phase_until is not None and now < opening.phase_until:
        raise WindowOpen(
            f"{len(waiting)} envelopes wait for their bidders until "
            f"{opening.phase_until.isoformat()}"
        )


def check_remedy_over(
    listed: Sequence[Listed],
    shares: Sequence[Share],
    checks: Sequence[Checked],
    needed: Thresholds,
) -> None:
    """Refuse to begin phase 3 while an envelope of M has neither its remedy nor a dispute."""
    for tree in missing_b(listed):
        if is_disputed(tree, checks, "R", needed.remedy, needed.remedy_needed):
            continue
        held = released_by(shares, "R", tree)
        if len(held) < needed.remedy_needed:
            raise MembersMissing(
                f"{needed.remedy_needed} remedy members must release, {len(held)} did; after the "
                "window the opening is suspended until the supervisor decides"
            )


def check_custodians_over(
    listed: Sequence[Listed],
    shares: Sequence[Share],
    checks: Sequence[Checked],
    needed: Thresholds,
) -> None:
    """Refuse to begin phase 4 while an envelope that is not disputed lacks custodians' shares."""
    for one in listed:
        if is_disputed(one.tree, checks, "T", needed.custodians, needed.custodians_needed):
            continue
        held = released_by(shares, "T", one.tree)
        if len(held) < needed.custodians_needed:
            raise MembersMissing(
                f"{needed.custodians_needed} custodians must release, {len(held)} did; after the "
                "window the opening is suspended until the supervisor decides"
            )
    unread = [one.volume for one in listed if one.blob == "unread"]
    if unread:
        raise MembersMissing(f"{len(unread)} sealed files are still being read back")


def require_phase(opening: Opening, *phases: str) -> None:
    """Refuse what belongs to another phase."""
    if opening.phase not in phases:
        raise WrongPhase(
            f"the opening is in {opening.phase}; this belongs to {' or '.join(phases)}"
        )


def list_entries(listed: Sequence[Listed]) -> list[dict[str, Any]]:
    """Return the list entries of a closing (sealing.md 3.4), sorted by submission."""
    bids: dict[UUID, list[Listed]] = {}
    for one in listed:
        bids.setdefault(one.submission, []).append(one)
    return [
        {
            "submission": str(submission),
            "seq": bids[submission][0].seq,
            "manifest": bids[submission][0].act,
            "envelopes": [
                {
                    "volume": one.volume,
                    "tree": one.tree,
                    "header_hash": one.header_hash,
                    "wraps_hash": one.wraps_hash,
                }
                for one in sorted(bids[submission], key=lambda o: o.volume)
            ],
        }
        for submission in sorted(bids, key=str)
    ]


# Code, cause and who answers for it (sealing.md 10).
FAULT_OF: Final[Mapping[str, str]] = {
    "OPENED": "none",
    "BIDDER_ABSENT": "bidder",
    "BIDDER_BAD_DEAL": "bidder",
    "SEALED_WRONG": "bidder",
    "PACKAGE_BAD": "bidder",
    "DEAL_DISPUTED": "undetermined",
    "CUSTODIANS_SHORT": "members",
    "BLOB_MISSING": "platform",
    "BLOB_CORRUPT": "platform",
}
