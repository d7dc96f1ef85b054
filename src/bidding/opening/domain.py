"""The opening of a lot: phases, guards and refusals (pure; sealing.md 6.2, 9, 10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from foundation.ledger.tree import hash_leaf, hash_range, inclusion_ranges, new_nodes
from foundation.problems import Conflict, NotAllowed
from foundation.statements.canonical import canonical

CLOSED: Final = "closed"
PHASE1: Final = "phase1"
PHASE2: Final = "phase2"
PHASE3: Final = "phase3"
PHASE4: Final = "phase4"
RECORD: Final = "record"
DONE: Final = "done"
# Steps that are no phases: the phase waits, and is taken up again.
SUSPENDED: Final = "suspended"
RESUMED: Final = "resumed"
EXTENDED: Final = "extended"
# Phases with a window, which an outage lengthens.
GAPS_CLOSED: Final = frozenset({PHASE1, PHASE2, PHASE3})
# How the supervisor may end a suspension (sealing.md 9.5).
GO_ON: Final = "go-on"
TERMINATED: Final = "terminated"
# The lot was ended before any key could be released; nothing of it is recorded or opened.
STOPPED: Final = "stopped"


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
    stage: int
    phase: str
    phase_at: datetime | None
    phase_until: datetime | None
    remedy_start: str | None
    record: str | None
    recorded_at: datetime | None
    suspended_at: datetime | None
    decided: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One envelope of the closing's list and what is known of it so far."""

    lot: UUID
    tree: str
    # The stage that opens it; None while no stage was begun for it.
    stage: int | None
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
    # Until when phase 4 waits for a damaged file to come again.
    blob_until: datetime | None
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
    # Supplied by somebody else: it counts, and its owner still owes it.
    is_cure: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that the guards of an opening look at, read under one lock."""

    opening: Opening
    # Of the running stage: whether its closing or `stage` is in a checkpoint, and its hour.
    begun_signed: bool
    opens_at: datetime | None
    listed: Sequence[Listed]
    shares: Sequence[Share]
    checks: Sequence[Checked]
    needed: Thresholds
    # Envelopes whose shares of the phase's group are right and whose half is not: as good as
    # disputed, or unremedied (9.5).
    badly_dealt: frozenset[str]
    # What an outage took from the running window and no step gave back.
    lost: timedelta
    now: datetime


def missing_b(listed: Sequence[Listed]) -> list[str]:
    """The envelopes without the bidder's half so far, sorted by tree."""
    return sorted(one.tree for one in listed if one.b_value is None)


def unacknowledged(listed: Sequence[Listed]) -> list[str]:
    """M when phase 2 begins: a half that was cured under a replaced closing ends no window."""
    return sorted(one.tree for one in listed if one.b_value is None or one.b_from != "bidder")


def is_disputed(tree: str, checks: Sequence[Checked], group: str, count: int, needed: int) -> bool:
    """Say whether so many members called an envelope bad that it cannot be released (9.5)."""
    bad = sum(
        1
        for check in checks
        if check.group == group and check.tree == tree and check.result != "ok"
    )
    return bad >= count - needed + 1


def has_dispute(tree: str, checks: Sequence[Checked], group: str, needed: Thresholds) -> bool:
    """Say whether an envelope counts as disputed, or unremedied, for one group."""
    if group == "R":
        return is_disputed(tree, checks, group, needed.remedy, needed.remedy_needed)
    return is_disputed(tree, checks, group, needed.custodians, needed.custodians_needed)


def released_by(shares: Sequence[Share], group: str, tree: str) -> list[int]:
    """Return the seats of a group that released a matching share for an envelope."""
    return sorted(share.i for share in shares if share.group == group and share.tree == tree)


def waiting_for(standing: Standing) -> tuple[str, int, list[str]]:
    """What the members of a phase still owe: their group, how many are needed, the envelopes.

    An envelope that is disputed, or whose half is known without them, waits for nobody (9.5).
    """
    needed, listed = standing.needed, standing.listed
    if standing.opening.phase == PHASE2:
        group, count = "R", needed.remedy_needed
        open_ = missing_b(listed)
    else:
        group, count = "T", needed.custodians_needed
        open_ = sorted(one.tree for one in listed if one.t_value is None)
    trees = [
        tree
        for tree in open_
        if len(released_by(standing.shares, group, tree)) < count
        and not has_dispute(tree, standing.checks, group, needed)
    ]
    return group, count, trees


def closed_without_members(standing: Standing) -> list[str]:
    """Envelopes whose half no member can give any more: called bad or badly dealt, and not cured.

    Of the remedy in phase 2, else of the custodians; to be asked once nobody is waited for.
    """
    is_remedy = standing.opening.phase == PHASE2
    group = "R" if is_remedy else "T"
    needed = standing.needed.remedy_needed if is_remedy else standing.needed.custodians_needed
    return [
        one.tree
        for one in standing.listed
        if (one.b_value if is_remedy else one.t_value) is None
        and (
            one.tree in standing.badly_dealt
            or len(released_by(standing.shares, group, one.tree)) < needed
        )
    ]


def silent_members(standing: Standing) -> list[tuple[str, int]]:
    """Group and seat of every member who owes a share of an envelope that waits for it (9.6).

    A member owes it after `ok`, or when it never said what it found; `unwrap_failed` blames nobody.
    Nobody owes a remedy whose list the supervisor has not countersigned.
    """
    group, _, trees = waiting_for(standing)
    if group == "R" and standing.opening.remedy_start is None:
        return []
    needed = standing.needed
    seats = needed.remedy if group == "R" else needed.custodians
    said = {(c.i, c.tree): c.result for c in standing.checks if c.group == group}
    given = {(s.i, s.tree) for s in standing.shares if s.group == group and not s.is_cure}
    return [
        (group, i)
        for i in range(1, seats + 1)
        if any((i, t) not in given and said.get((i, t), "ok") == "ok" for t in trees)
    ]


def false_complaints(
    listed: Sequence[Listed],
    results: Sequence[Result],
    shares: Sequence[Share],
    checks: Sequence[Checked],
    needed: Thresholds,
) -> list[Checked]:
    """What members said of a wrap that dealing it again shows to be right: their fault (9.6).

    Only where both halves became known, whatever became of the envelope: a file that is lost, or
    a lot that was ended, excuses nobody. Without both halves nobody is blamed.
    """
    wrong = {
        one.tree: {(w["group"], w["i"]) for w in one.deal_wrong}
        for one in results
        # Of the other outcomes none leaves a half that is badly dealt.
        if one.code != "BIDDER_BAD_DEAL"
    }
    envelopes = {one.tree: one for one in listed}
    return [
        check
        for check in checks
        if check.result != "ok"
        and check.tree in wrong
        and (check.group, check.i) not in wrong[check.tree]
        and has_both_halves(envelopes[check.tree], shares, needed)
    ]


def has_both_halves(one: Listed, shares: Sequence[Share], needed: Thresholds) -> bool:
    """Whether each half of an envelope was supplied, or enough shares of it were."""
    t, r = (len(released_by(shares, group, one.tree)) for group in ("T", "R"))
    return (one.t_value is not None or t >= needed.custodians_needed) and (
        one.b_value is not None or r >= needed.remedy_needed
    )


def require_phase(opening: Opening, *phases: str) -> None:
    """Refuse what belongs to another phase."""
    if opening.phase not in phases:
        raise WrongPhase(
            f"the opening is in {opening.phase}; this belongs to {' or '.join(phases)}"
        )


def require_not_ended(opening: Opening) -> None:
    """Refuse everything once the supervisor has ended the opening."""
    if opening.decided in {TERMINATED, STOPPED}:
        raise WrongPhase("the supervisor ended this opening; nothing of it is opened")


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


def entry_path(entries: Sequence[dict[str, Any]], place: int) -> list[str]:
    """Return the hashes, hex, that prove the entry at a place in the list's root (3.4)."""
    nodes = new_nodes(0, [hash_leaf(canonical(entry)) for entry in entries], {})
    return [hash_range(part, nodes).hex() for part in inclusion_ranges(place, len(entries))]


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
