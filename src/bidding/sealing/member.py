"""The rules under which a member's client answers (8.2): pure, so that a bench can test them.

The client holds its own opening keys; everything else is shown to it and checked here. It makes
every `info` itself, and unwrapped bytes leave only inside a release.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from bidding.sealing.bodies import (
    CheckedTree,
    Closing,
    Group,
    ListedEnvelope,
    ListEntry,
    MemberKey,
    ReleaseR,
    ReleaseT,
    Schedule,
    ShareCheck,
    TreeValue,
)
from bidding.sealing.envelope import Head, check_for_lot, join_head
from bidding.sealing.kem import Exchange
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import MemberRefuses
from bidding.sealing.wraps import CheckResult, unwrap_share
from foundation.ledger.tree import hash_leaf, root_of
from foundation.statements.canonical import b64, canonical, parse_time, unb64

GuardState = Literal["none", "checked", "released"]
NO_GUARD_CLOSING: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """What the member's client itself holds: its opening keys and its seat in them."""

    keys: LotKeys
    group: Group
    i: int

    @property
    def member(self) -> MemberKey:
        """The keys of the seat."""
        return self.keys.member(self.group, self.i)

    @property
    def exchange_public(self) -> bytes:
        """The seat's public key for wraps."""
        return unb64(self.member.pk, 65)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What this client already did for one (lot, round, stage); it must survive a restart."""

    state: GuardState = "none"
    closing: str = NO_GUARD_CLOSING
    trees: tuple[str, ...] = ()
    ok: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the platform shows to a member about one stage.

    `files` holds header and wraps by tree. `schedule` is the newest that the client has seen.
    `evidence_at` is the time evidence of the closing's (stage's) checkpoint; None where the
    policy is `quorum none` and no token exists, then its half of rule 3 is waived. `stage_trees`
    and `stage_schedule` are those of the `stage` statement for stages from 2 on. Statement
    signatures and ledger proofs (rule 2) are checked by the caller before it builds this.
    """

    closing_sid: str
    closing: Closing
    stage: int
    schedule_sid: str
    schedule: Schedule
    entries: Sequence[ListEntry]
    files: Mapping[str, tuple[bytes, bytes]]
    now: datetime
    evidence_at: datetime | None
    stage_trees: frozenset[str] | None = None
    stage_schedule: str | None = None
    unanswered_omissions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ripe:
    """Why custodians may release now (rule 12), as the client itself verified it.

    `acked` are trees with a signed `release-ack` whose release has a leaf; `remedied` trees with
    the leaves of k₂ `release-r`; `waited` is the time elapsed on the client's own clock since the
    time evidence (or the leaf of phase 1), `extended` how much the windows were lengthened.
    """

    acked: Collection[str] = ()
    remedied: Collection[str] = ()
    waited: timedelta = timedelta(0)
    extended: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A countersigned `remedy-start` (checked by the caller), and the trees acknowledged so far."""

    sid: str
    trees: Sequence[str]
    acked: Collection[str]


def list_root(entries: Sequence[ListEntry]) -> str:
    """Root over the list of the closing (3.4), hex; entries are sorted by submission."""
    ordered = sorted(entries, key=lambda entry: entry.submission)
    return root_of([hash_leaf(entry_bytes(entry)) for entry in ordered]).hex()


def entry_bytes(entry: ListEntry) -> bytes:
    """A list entry as it is hashed."""
    return canonical(msgspec.to_builtins(entry))


def check_question(appointment: Appointment, question: Question) -> dict[str, Head]:
    """Refuse a question that breaks rules 1, 3 to 7, 9 or 13; gives the stage's heads by tree."""
    _check_appointment(appointment, question)
    _check_time(question)
    if question.unanswered_omissions:
        raise MemberRefuses(
            f"{question.unanswered_omissions} receipts are not honoured by the list; the platform "
            "must replace the closing or show the superseding acts"
        )
    listed = _listed(question)
    missing = sorted(set(listed) ^ set(question.files))
    if missing:
        raise MemberRefuses(f"expected header and wraps of exactly the stage's files: {missing[0]}")
    return {
        tree: _checked_head(appointment, envelope, question.files[tree])
        for tree, envelope in sorted(listed.items())
    }


def share_check(
    appointment: Appointment, question: Question, guard: Guard, exchange: Exchange
) -> tuple[ShareCheck, Guard]:
    """Phase 1: which of one's shares are right, for every envelope of the stage, showing none."""
    heads = check_question(appointment, question)
    _check_guard(appointment, question, guard, heads)
    results = {tree: _own_share(appointment, head, exchange)[0] for tree, head in heads.items()}
    body = ShareCheck(
        v=1,
        closing=question.closing_sid,
        stage=question.stage,
        group=appointment.group,
        i=appointment.i,
        kid=appointment.member.kid,
        results=[CheckedTree(tree=tree, result=results[tree]) for tree in sorted(results)],
    )
    again = guard.state == "released" and guard.closing == question.closing_sid
    return body, Guard(
        # A repeated check must not make a custodian that released open for another closing.
        state="released" if again else "checked",
        closing=question.closing_sid,
        trees=tuple(sorted(heads)),
        ok=tuple(tree for tree in sorted(results) if results[tree] == "ok"),
    )


def release_t(
    appointment: Appointment, question: Question, guard: Guard, exchange: Exchange, ripe: Ripe
) -> tuple[ReleaseT, Guard]:
    """Phase 3: the shares of T of all envelopes of the stage that were `ok`, in one statement."""
    _require_group(appointment, "T")
    heads = check_question(appointment, question)
    _check_guard(appointment, question, guard, heads, releasing=True)
    _check_ripe(appointment, heads, ripe)
    body = ReleaseT(
        v=1,
        closing=question.closing_sid,
        stage=question.stage,
        list_root=question.closing.list_root,
        i=appointment.i,
        kid=appointment.member.kid,
        shares=_shares(appointment, heads, guard.ok, exchange),
    )
    return body, _released(guard)


def release_r(
    appointment: Appointment,
    question: Question,
    guard: Guard,
    exchange: Exchange,
    remedy: Remedy,
) -> tuple[ReleaseR, Guard]:
    """Phase 2: the shares of B of all absent bidders' envelopes that were `ok`, at once."""
    _require_group(appointment, "R")
    heads = check_question(appointment, question)
    _check_guard(appointment, question, guard, heads, releasing=True)
    # M is computed here; the countersigned list must be the same (rule 11).
    absent = set(heads) - set(remedy.acked)
    if set(remedy.trees) != absent:
        raise MemberRefuses(
            f"expected the remedy for exactly the {len(absent)} envelopes without an acknowledged "
            f"key, got {len(set(remedy.trees))}"
        )
    wanted = [tree for tree in guard.ok if tree in absent]
    body = ReleaseR(
        v=1,
        closing=question.closing_sid,
        stage=question.stage,
        remedy_start=remedy.sid,
        i=appointment.i,
        kid=appointment.member.kid,
        shares=_shares(appointment, heads, wanted, exchange),
    )
    return body, _released(guard)


def windows(appointment: Appointment, extended: timedelta, *, absent: bool) -> timedelta:
    """What must have gone by before custodians release without every B: w1, and w2 with an M."""
    body = appointment.keys.body
    second = body.w2_s if absent and body.r is not None else 0
    return timedelta(seconds=body.w1_s + second) + extended


def _check_ripe(appointment: Appointment, heads: Mapping[str, Head], ripe: Ripe) -> None:
    """Rule 12: a phase that the platform declares is not enough."""
    absent = set(heads) - set(ripe.acked)
    waiting = absent - set(ripe.remedied)
    needed = windows(appointment, ripe.extended, absent=bool(absent))
    if waiting and ripe.waited < needed:
        raise MemberRefuses(
            f"expected B or the remedy for all envelopes, or {needed} gone by since the closing "
            f"was seen; {len(waiting)} are open; try again later"
        )


def _released(guard: Guard) -> Guard:
    return Guard(state="released", closing=guard.closing, trees=guard.trees, ok=guard.ok)


def _require_group(appointment: Appointment, group: Group) -> None:
    if appointment.group != group:
        raise MemberRefuses(f"expected a member of group {group}, this seat is in the other one")


def _check_appointment(appointment: Appointment, question: Question) -> None:
    """Rules 1 and 6 for the closing: the opening keys are those that the client itself holds."""
    closing, body = question.closing, appointment.keys.body
    if closing.opening_keys != appointment.keys.sid:
        raise MemberRefuses("expected the opening keys of this appointment, got others")
    if (closing.tender, closing.lot, closing.round) != (body.tender, body.lot, body.round):
        raise MemberRefuses("expected the lot and round of this appointment, got another")
    schedule = question.schedule
    if (schedule.tender, schedule.lot, schedule.round) != (body.tender, body.lot, body.round):
        raise MemberRefuses("expected the schedule of this lot and round, got another")
    named = closing.schedule if question.stage == 1 else question.stage_schedule
    if named != question.schedule_sid:
        raise MemberRefuses(
            f"expected the newest schedule, version {schedule.version}, in the closing (stage), "
            "got an older date"
        )


def _check_time(question: Question) -> None:
    """Rule 3: the stage's hour has come, by the client's clock and by time from outside."""
    stages = [s for s in question.schedule.stages if s.stage == question.stage]
    if len(stages) != 1 or stages[0].opens_at is None:
        raise MemberRefuses(f"expected a stage {question.stage} with a date in the schedule")
    opens_at = parse_time(stages[0].opens_at)
    if question.now < opens_at:
        raise MemberRefuses(
            f"opens at {opens_at:%Y-%m-%d %H:%M:%S} UTC, not before; try again then"
        )
    if question.evidence_at is not None and question.evidence_at < opens_at:
        raise MemberRefuses("expected a closing whose outside time is not before the opening")


def _listed(question: Question) -> dict[str, ListedEnvelope]:
    """Rule 4 and 13: the stage's envelopes, from a list that is the closing's."""
    closing = question.closing
    # Count and root together: a list with an entry left out or doubled has another root.
    if len(question.entries) != closing.count or list_root(question.entries) != closing.list_root:
        raise MemberRefuses("expected exactly the entries of the closing's list, got others")
    volumes = {
        volume
        for stage in question.schedule.stages
        if stage.stage == question.stage
        for volume in stage.volumes
    }
    listed = {
        envelope.tree: envelope
        for entry in question.entries
        for envelope in entry.envelopes
        if envelope.volume in volumes
    }
    if question.stage == 1:
        return listed
    if not question.stage_trees or not question.stage_trees <= set(listed):
        raise MemberRefuses("expected a stage whose files are in the list and of its volumes")
    return {tree: listed[tree] for tree in question.stage_trees}


def _checked_head(
    appointment: Appointment, envelope: ListedEnvelope, file: tuple[bytes, bytes]
) -> Head:
    """Rules 5 and 6: the bytes are the listed ones, and they were sealed for this lot."""
    head = join_head(*file)
    hashes = head.header_hash.hex(), head.wraps_hash.hex()
    if hashes != (envelope.header_hash, envelope.wraps_hash):
        raise MemberRefuses(f"expected the listed header and wraps of {envelope.tree[:16]}…")
    check_for_lot(head, appointment.keys)
    if head.header.volume != envelope.volume:
        raise MemberRefuses(f"expected volume {envelope.volume}, got {head.header.volume}")
    return head


def _check_guard(
    appointment: Appointment,
    question: Question,
    guard: Guard,
    heads: Mapping[str, Head],
    *,
    releasing: bool = False,
) -> None:
    """Rule 8: one list for one guard key, unless it is replaced by one that only adds."""
    same = guard.closing == question.closing_sid
    if releasing and (guard.state == "none" or not same):
        raise MemberRefuses("expected the share check of this closing first; send it, then release")
    if guard.state == "none":
        return
    if same:
        if guard.trees != tuple(sorted(heads)):
            raise MemberRefuses("expected the files of the first question, got others")
        return
    if guard.state == "released" and appointment.group == "T":
        raise MemberRefuses("released already for another closing; nothing more is released")
    if question.closing.replaces != guard.closing or not set(guard.trees) < set(heads):
        raise MemberRefuses("expected a closing that replaces the first and only adds to it")


def _own_share(
    appointment: Appointment, head: Head, exchange: Exchange
) -> tuple[CheckResult, bytes | None]:
    group = head.wraps.group(appointment.group)
    if group is None:
        return "mismatch", None
    return unwrap_share(
        head.binding,
        appointment.group,
        group.shares[appointment.i - 1],
        exchange,
        appointment.exchange_public,
    )


def _shares(
    appointment: Appointment,
    heads: Mapping[str, Head],
    trees: Sequence[str],
    exchange: Exchange,
) -> list[TreeValue]:
    shares = []
    for tree in sorted(trees):
        _, value = _own_share(appointment, heads[tree], exchange)
        if value is None:
            raise MemberRefuses(f"expected the share that was ok for {tree[:16]}…, got none")
        shares.append(TreeValue(tree=tree, value=b64(value)))
    return shares
