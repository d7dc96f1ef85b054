"""What the platform shows to a member, examined: signatures, proofs, dates, omissions (8.2).

Nothing shown is believed: what does not hold is refused here or by the pure rules of
`bidding.sealing.member`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from bidding.sealing.bodies import (
    Closing,
    ListEntry,
    OpeningStep,
    ReleaseAck,
    RemedyStart,
    Schedule,
    Stage,
)
from bidding.sealing.member import Question, Remedy, Ripe
from bidding.sealing.refusals import MemberRefuses
from foundation.ledger.leaf import LeafOpening
from foundation.statements.canonical import parse_time, time_from_ms, unb64
from foundation.statements.signed import Statement, decode, decode_body, from_json
from sunbid.closings import (
    Known,
    newest_schedule,
    proven_closing,
    proven_stage,
    require_not_older,
)
from sunbid.evidence import Proven, require_licence, require_platform
from sunbid.seat.appointment import Held
from sunbid.seat.home import Seen
from sunbid.seat.omissions import Omitted, unanswered

NO_OUTSIDE_TIME: Final = (
    "no outside time: the policy names no witness, so only this seat's own clock was compared"
)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /api/v1/lots/{lot}/member-material` gives; unknown members are left alone."""

    schedules: list[dict[str, Any]]
    closings: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    remedy_starts: list[dict[str, Any]]
    acks: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    headers: list[str]
    wraps: list[str]
    trees: list[str]
    leaves: list[dict[str, Any]]
    proofs: dict[str, str]
    phase: str | None = None
    opening_keys: list[dict[str, Any]] = []
    stages: list[dict[str, Any]] = []
    omissions: list[dict[str, Any]] = []
    # By sid of the omission: the acts (and mandates) that answer it.
    omission_answers: dict[str, list[dict[str, Any]]] = {}


class NothingAsked(MemberRefuses):
    """Nothing waits for this seat now."""

    code = "nothing-asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The platform's question, verified: what the pure rules take, and the evidence around it."""

    question: Question
    ripe: Ripe
    remedy: Remedy | None
    seen: Seen
    phase: str | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What the parts of one examination share."""

    shown: Shown
    held: Held
    proven: Proven
    now: datetime
    closing: Statement
    stage: int
    closings: frozenset[str]


def read_shown(value: Any) -> Shown:
    """The platform's answer as its shape; refuses another."""
    try:
        return msgspec.convert(value, Shown)
    except msgspec.ValidationError as error:
        raise MemberRefuses(
            f"expected what members are shown, got something else: {error}"
        ) from None


def examine(
    shown: Shown, held: Held, seen: Seen, now: datetime, brought: Sequence[bytes] = ()
) -> Asked:
    """Check everything around the question; `brought` are omissions that came as files."""
    if not shown.closings:
        raise NothingAsked("nothing is asked: there is no closing of this lot yet")
    proven = Proven(held, shown.leaves, shown.proofs)
    listed = proven_closing(from_json(shown.closings[-1]), held, proven, now)
    closing, body, leaf = listed.statement, listed.body, listed.leaf
    schedule, plan = newest_schedule(list(map(from_json, shown.schedules)), held, proven, now)
    require_not_older(schedule, plan, Known(seen.version, seen.schedule), held)
    begun, stage = _stage(shown, held, proven, closing, now)
    place = _Place(
        shown=shown,
        held=held,
        proven=proven,
        now=now,
        closing=closing,
        stage=1 if stage is None else stage.stage,
        closings=_chain(shown, closing),
    )
    if begun is not None and not leaf.index < begun.index:
        raise MemberRefuses("expected the stage after its closing in the ledger")
    subject = closing.sid if begun is None else str(begun.body["subject"])
    seen, evidence = _evidence(seen, subject, proven.seen_outside(begun or leaf))
    seen = msgspec.structs.replace(seen, schedule=schedule.sid, version=plan.version)
    entries = [decode(entry, ListEntry) for entry in shown.entries]
    omitted = _omitted(place, body, entries, brought)
    question = Question(
        closing_sid=closing.sid,
        closing=body,
        stage=place.stage,
        schedule_sid=schedule.sid,
        schedule=plan,
        entries=entries,
        files=_files(shown, entries, plan, stage),
        now=now,
        evidence_at=evidence,
        stage_trees=None if stage is None else frozenset(stage.trees),
        stage_schedule=None if stage is None else stage.schedule,
        unanswered_omissions=len(omitted),
    )
    acked = _acked(place)
    remedy, remedied = _remedy(place, acked)
    steps = _steps(place)
    return Asked(
        question=question,
        ripe=Ripe(
            acked=acked,
            remedied=remedied,
            waited=_waited(place, steps, evidence, begun or leaf),
            extended=_extended(steps),
        ),
        remedy=remedy,
        seen=seen,
        phase=shown.phase,
        remarks=((NO_OUTSIDE_TIME,) if evidence is None else ()),
    )


def _evidence(seen: Seen, subject: str, evidence: datetime | None) -> tuple[Seen, datetime | None]:
    """The earliest that this seat verified: a later checkpoint must not hide an early list."""
    if evidence is None:
        return seen, None
    seen = seen.with_evidence(subject, evidence)
    return seen, seen.evidence_at(subject)


def _chain(shown: Shown, closing: Statement) -> frozenset[str]:
    """The closing and those that it replaces: what was acknowledged under them still holds."""
    before = {statement.sid: statement for statement in map(from_json, shown.closings)}
    found = {closing.sid}
    at = closing.body["replaces"]
    while at in before and at not in found:
        found.add(at)
        at = before[at].body.get("replaces")
    return frozenset(found)


def _stage(
    shown: Shown, held: Held, proven: Proven, closing: Statement, now: datetime
) -> tuple[LeafOpening | None, Stage | None]:
    """The newest later stage with its leaf; None while stage 1 runs."""
    if not shown.stages:
        return None, None
    found = proven_stage(from_json(shown.stages[-1]), held, proven, now)
    if found.body.closing not in _chain(shown, closing):
        raise MemberRefuses("expected a stage of this closing, got another's")
    return found.leaf, found.body


def _files(
    shown: Shown, entries: Sequence[ListEntry], plan: Schedule, stage: Stage | None
) -> dict[str, tuple[bytes, bytes]]:
    """Header and wraps by tree; files of the list's other stages are none of this question."""
    if not len(shown.trees) == len(shown.headers) == len(shown.wraps):
        raise MemberRefuses("expected a header and wraps for each file, got more or fewer")
    number = 1 if stage is None else stage.stage
    volumes = {v for s in plan.stages if s.stage == number for v in s.volumes}
    elsewhere = {
        envelope.tree
        for entry in entries
        for envelope in entry.envelopes
        if envelope.volume not in volumes
        or (stage is not None and envelope.tree not in stage.trees)
    }
    return {
        tree: (unb64(header), unb64(wraps))
        for tree, header, wraps in zip(shown.trees, shown.headers, shown.wraps, strict=True)
        if tree not in elsewhere
    }


def _omitted(
    place: _Place, body: Closing, entries: Sequence[ListEntry], brought: Sequence[bytes]
) -> list[str]:
    """Receipts that the list does not honour and nobody explained (rule 9)."""
    return unanswered(
        Omitted(
            held=place.held,
            proven_by=place.held.policy,
            closing=body,
            entries=entries,
            older_keys=_older_keys(place),
            at=place.now,
        ),
        shown=[from_json(value) for value in place.shown.omissions],
        answers={
            sid: [from_json(value) for value in values]
            for sid, values in place.shown.omission_answers.items()
        },
        brought=brought,
    )


def _older_keys(place: _Place) -> frozenset[str]:
    """The opening keys that those of this appointment replaced."""
    older = {s.sid: s for s in map(from_json, place.shown.opening_keys)}
    found: set[str] = set()
    at = place.held.appointment.keys.body.prev
    while at is not None and at not in found:
        found.add(at)
        at = older[at].body.get("prev") if at in older else None
    return frozenset(found)


def _acked(place: _Place) -> frozenset[str]:
    """Trees with a signed acknowledgement whose release has a proven leaf."""
    trees: set[str] = set()
    for value in place.shown.acks:
        ack = from_json(value)
        body = decode_body(ack, ReleaseAck)
        if body.closing not in place.closings or body.stage != place.stage:
            continue
        require_platform(ack, place.held, place.now)
        if place.proven.find("release-b", body.release) is not None:
            trees |= set(body.trees)
    return frozenset(trees)


def _remedy(place: _Place, acked: frozenset[str]) -> tuple[Remedy | None, frozenset[str]]:
    """The remedy list and, once k₂ members released it, its trees; both None and empty before.

    Signed by the platform, countersigned by the supervisor, in the ledger.
    """
    for value in reversed(place.shown.remedy_starts):
        start = from_json(value)
        body = decode_body(start, RemedyStart)
        if (body.closing, body.stage) != (place.closing.sid, place.stage):
            continue
        require_platform(start, place.held, place.now)
        require_licence(start, place.held.supervisor_uscc, place.held, place.now)
        leaf = place.proven.leaf("remedy-start", start.sid)
        remedy = Remedy(sid=start.sid, trees=tuple(body.trees), acked=tuple(acked))
        group = place.held.appointment.keys.body.r
        released = place.proven.count_after("release-r", leaf.index)
        is_remedied = group is not None and released >= group.k
        return remedy, frozenset(body.trees) if is_remedied else frozenset()
    return None, frozenset()


def _steps(place: _Place) -> list[tuple[OpeningStep, LeafOpening]]:
    """The steps of this stage with their proven leaves, in the order of the ledger."""
    found = []
    for value in place.shown.steps:
        step = from_json(value)
        body = decode_body(step, OpeningStep)
        leaf = place.proven.find("opening-step", step.sid)
        if (body.closing, body.stage) == (place.closing.sid, place.stage) and leaf is not None:
            require_platform(step, place.held, place.now)
            found.append((body, leaf))
    return sorted(found, key=lambda one: one[1].index)


def _waited(
    place: _Place,
    steps: Sequence[tuple[OpeningStep, LeafOpening]],
    evidence: datetime | None,
    listed: LeafOpening,
) -> timedelta:
    """Time since the evidence, or since the leaf of phase 1 where nobody outside saw it."""
    if evidence is not None:
        return place.now - evidence
    for body, leaf in steps:
        if body.step == "phase1" and leaf.index > listed.index:
            return place.now - time_from_ms(leaf.time_ms)
    return timedelta(0)


def _extended(steps: Sequence[tuple[OpeningStep, LeafOpening]]) -> timedelta:
    """By how much the windows were lengthened; nothing shortens one."""
    total, until = timedelta(0), None
    for body, _ in steps:
        named = None if body.until is None else parse_time(body.until)
        if body.step == "extended" and named is not None and until is not None:
            total += max(named - until, timedelta(0))
        until = named or until
    return total
