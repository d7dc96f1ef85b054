"""What a member reads and saves while scoring, and what others may see of the panel.

Members get blind codes and the qualification and technical files: no name, no price. A seat sees
its own marks only until every sheet is handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from bidding.published import (
    Lot,
    Mark,
    Method,
    OpenedBid,
    Result,
    check_mark,
    lot_facts,
    opened_bids,
    read_method,
    read_score,
)
from experts.panel import store
from experts.panel.domain import (
    BLIND_VOLUMES,
    NAMED_VOLUMES,
    SCORING,
    BlindBid,
    CardHandedIn,
    DraftMark,
    MarkChanged,
    MarksFrozen,
    NotOnPanel,
    Panel,
    Seat,
    TechnicalFirst,
    UnknownBlindBid,
    live_seats,
    own_seat,
    plain_score,
    pledged_seat,
    require_locked,
    require_status,
)
from experts.panel.result import evaluation_of, signed_marks
from experts.pool.domain import EXPERT
from experts.pool.service import acting_expert
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.objects import ObjectStore
from foundation.statements.store import record_event


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindFile:
    """A file of a blind bid under a neutral name; `key` stays on the platform."""

    volume: str
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindMaterial:
    """Everything that a member needs to score."""

    lot: Lot
    expert: UUID
    seat: int
    status: str
    handed_in: bool
    method: Method
    bids: Mapping[str, Sequence[BlindFile]]
    # Whether this seat knows the names, and how many technical marks it still owes before.
    is_unblinded: bool
    technical_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPanel:
    """A panel on which an expert sits, in the list of the expert's tasks."""

    lot: Lot
    expert: UUID
    seat: int
    pledged: bool
    status: str
    handed_in: bool
    decided: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatState:
    """How far a seat is; nobody's name."""

    number: int
    status: str
    handed_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelState:
    """How far a panel is."""

    status: str
    seats: Sequence[SeatState]
    formed_at: datetime
    locked_at: datetime | None
    report: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedResult:
    """What is shown once the stage is locked: marks of all, results with their traces."""

    price_benchmark: str
    float_point: str | None
    results: Sequence[Result]
    candidates: Sequence[str]
    marks: Sequence[Mark]


async def own_panels(db: Database, actor: Actor) -> list[OwnPanel]:
    """The panels on which an expert sits, newest first."""
    require(actor, EXPERT)
    async with reading(db, "experts") as connection:
        expert = (await acting_expert(connection, actor)).id
        lots = await store.lots_of_expert(connection, expert)
        return [await _own_panel(connection, lot, expert) for lot in lots]


async def blind_material(db: Database, actor: Actor, lot_id: UUID) -> BlindMaterial:
    """The bids to be scored under their codes; refuses who has not pledged."""
    require(actor, EXPERT)
    async with reading(db, "experts") as connection:
        expert = (await acting_expert(connection, actor)).id
        panel = await store.panel(connection, lot_id)
        seat = pledged_seat(await store.seats(connection, lot_id), expert)
        lot = await lot_facts(connection, lot_id, "experts")
        method = read_method(dict(lot.method))
        bids = await _blind_files(connection, lot_id, seat)
        marks = await store.draft_marks(connection, lot_id, expert)
        return BlindMaterial(
            lot=lot,
            expert=expert,
            seat=seat.number,
            status=panel.status,
            handed_in=expert in await store.scorecards(connection, lot_id),
            method=method,
            bids=bids,
            is_unblinded=seat.unblinded_at is not None,
            technical_left=technical_left(method, list(bids), marks),
        )


async def open_qualification(db: Database, actor: Actor, lot_id: UUID) -> None:
    """Let a member read who the bidders are; from now on its technical marks are frozen.

    Refuses while a technical mark is missing: with the name known it would not be blind.
    """
    require(actor, EXPERT)
    async with transaction(db, "experts") as connection:
        expert = (await acting_expert(connection, actor)).id
        # Exclusive, so that no mark is saved meanwhile.
        panel = await store.panel_locked(connection, lot_id)
        seat = pledged_seat(await store.seats(connection, lot_id), expert)
        if seat.unblinded_at is not None:
            return
        require_status(panel, SCORING)
        lot = await lot_facts(connection, lot_id, "experts")
        method = read_method(dict(lot.method))
        codes = [bid.code for bid in await store.blind_bids(connection, lot_id)]
        left = technical_left(method, codes, await store.draft_marks(connection, lot_id, expert))
        if left:
            raise TechnicalFirst(
                f"expected every technical mark first, {left} are missing; then the qualification "
                "volumes can be opened"
            )
        await store.unblind(connection, lot_id, expert, await platform_now(connection))
        await record_event(
            connection,
            "experts:seat:unblind",
            actor=None,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={"seat": seat.number},
        )


def technical_left(method: Method, codes: Sequence[str], marks: Sequence[DraftMark]) -> int:
    """How many technical marks a seat has not given yet."""
    given = {(m.code, m.criterion) for m in marks if m.score is not None or m.passed is not None}
    blind = [c.id for c in method.criteria if c.volume in BLIND_VOLUMES]
    return sum((code, criterion) not in given for code in codes for criterion in blind)


async def blind_file(
    db: Database, objects: ObjectStore, actor: Actor, lot_id: UUID, *, code: str, name: str
) -> bytes:
    """One file of a blind bid, for a member who has pledged; refuses every other file."""
    material = await blind_material(db, actor, lot_id)
    for file in material.bids.get(code, ()):
        if file.name == name:
            return await objects.get(file.key)
    raise UnknownBlindBid(f"bid {code[:40]!r} has no file {name[:80]!r} for experts")


async def own_marks(db: Database, actor: Actor, lot_id: UUID) -> list[DraftMark]:
    """The saved marks of the one who asks, and of nobody else."""
    require(actor, EXPERT)
    async with reading(db, "experts") as connection:
        expert = (await acting_expert(connection, actor)).id
        pledged_seat(await store.seats(connection, lot_id), expert)
        return await store.draft_marks(connection, lot_id, expert)


async def save_marks(
    db: Database, actor: Actor, lot_id: UUID, marks: Sequence[DraftMark]
) -> list[DraftMark]:
    """Save marks of one's own seat, all or none; each names the version it was read with.

    Refuses a mark that was saved elsewhere since, one that its criterion does not allow, and
    every change after the sheet was handed in. The time is the platform's.
    """
    require(actor, EXPERT)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        expert = (await acting_expert(connection, actor)).id
        panel = await store.panel_shared(connection, lot_id)
        now = await platform_now(connection)
        seat = pledged_seat(await store.seats(connection, lot_id), expert)
        # Before the status: who handed in the last sheet locked the stage by it.
        if expert in await store.scorecards(connection, lot_id):
            raise CardHandedIn("the scorecard is signed and handed in; nothing changes any more")
        require_status(panel, SCORING)
        lot = await lot_facts(connection, lot_id, "experts")
        method = read_method(dict(lot.method))
        saved = []
        for mark in marks:
            wanted = _checked(method, str(expert), mark)
            if seat.unblinded_at is not None and _is_blind(method, mark.criterion):
                raise MarksFrozen(
                    "the qualification volumes are open, so you know whose bid it is; technical "
                    "marks stay as they are"
                )
            version = await store.save_mark(connection, lot_id, expert, wanted, now)
            if version is None:
                raise await _changed(connection, lot_id, expert, mark)
            saved.append(_saved(wanted, version, now))
    return saved


async def panel_state(db: Database, actor: Actor, lot_id: UUID) -> PanelState:
    """How far the panel is, by seat numbers, for those who run or watch it and its members."""
    require(actor, "agency", "supervisor", "buyer", "trading-centre", EXPERT)
    async with reading(db, "experts") as connection:
        lot = await lot_facts(connection, lot_id, "experts")
        panel = await store.panel(connection, lot_id)
        seats = await store.seats(connection, lot_id)
        await _require_concerned(connection, actor, lot, seats)
        cards = await store.scorecards(connection, lot_id)
    return PanelState(
        status=panel.status,
        seats=tuple(
            SeatState(number=s.number, status=s.status, handed_in=s.expert in cards)
            for s in live_seats(seats)
        ),
        formed_at=panel.formed_at,
        locked_at=panel.locked_at,
        report=panel.report,
    )


async def locked_result(db: Database, actor: Actor, lot_id: UUID) -> LockedResult:
    """Marks of all, price scores and traces, once every sheet is handed in; never before."""
    require(actor, "agency", "supervisor", "buyer", "trading-centre", EXPERT)
    async with reading(db, "experts") as connection:
        lot = await lot_facts(connection, lot_id, "experts")
        panel: Panel = await store.panel(connection, lot_id)
        seats = await store.seats(connection, lot_id)
        await _require_concerned(connection, actor, lot, seats)
        require_locked(panel)
        found, point = await evaluation_of(connection, lot)
        marks = await signed_marks(connection, lot_id)
    return LockedResult(
        price_benchmark=f"{found.price_benchmark:f}",
        float_point=None if point is None else point.id,
        results=found.results,
        candidates=found.candidates,
        marks=marks,
    )


def blind_files(
    bid: BlindBid, opened: OpenedBid, volumes: Sequence[str] = BLIND_VOLUMES
) -> list[BlindFile]:
    """The files of a bid that a seat may read now, under names that name nobody."""
    found = []
    for volume in volumes:
        for number, name in enumerate(sorted(opened.files.get(volume, {})), 1):
            suffix = PurePosixPath(name).suffix.lower()
            found.append(
                BlindFile(
                    volume=volume,
                    name=f"{bid.code}-{volume}-{number}{suffix}",
                    key=opened.files[volume][name],
                )
            )
    return found


async def _blind_files(
    connection: Connection, lot: UUID, seat: Seat
) -> dict[str, Sequence[BlindFile]]:
    opened = {bid.submission: bid for bid in await opened_bids(connection, lot)}
    volumes = BLIND_VOLUMES if seat.unblinded_at is None else BLIND_VOLUMES + NAMED_VOLUMES
    return {
        bid.code: blind_files(bid, opened[bid.submission], volumes)
        for bid in await store.blind_bids(connection, lot)
    }


async def _own_panel(connection: Connection, lot_id: UUID, expert: UUID) -> OwnPanel:
    lot = await lot_facts(connection, lot_id, "experts")
    panel = await store.panel(connection, lot_id)
    seat = own_seat(await store.seats(connection, lot_id), expert)
    marks = await store.draft_marks(connection, lot_id, expert)
    bids = await store.blind_bids(connection, lot_id)
    return OwnPanel(
        lot=lot,
        expert=expert,
        seat=seat.number,
        pledged=seat.pledge is not None,
        status=panel.status,
        handed_in=expert in await store.scorecards(connection, lot_id),
        decided=sum(mark.score is not None or mark.passed is not None for mark in marks),
        total=len(bids) * len(read_method(dict(lot.method)).criteria),
    )


def _is_blind(method: Method, criterion: str) -> bool:
    return any(c.id == criterion and c.volume in BLIND_VOLUMES for c in method.criteria)


def _checked(method: Method, expert: str, mark: DraftMark) -> DraftMark:
    """A mark in its one spelling; an empty one clears what was noted."""
    criterion = next((c for c in method.criteria if c.id == mark.criterion), None)
    if criterion is None:
        raise UnknownBlindBid(f"the method has no criterion {mark.criterion[:40]!r}")
    score = plain_score(mark.score)
    if score is not None or mark.passed is not None:
        noted = Mark(
            expert=expert,
            code=mark.code,
            criterion=mark.criterion,
            score=None if score is None else read_score(score),
            passed=mark.passed,
        )
        check_mark(method, criterion, noted)
    return DraftMark(
        code=mark.code,
        criterion=mark.criterion,
        score=score,
        passed=mark.passed,
        comment=mark.comment,
        version=mark.version,
        saved_at=None,
    )


def _saved(mark: DraftMark, version: int, now: datetime) -> DraftMark:
    return DraftMark(
        code=mark.code,
        criterion=mark.criterion,
        score=mark.score,
        passed=mark.passed,
        comment=mark.comment,
        version=version,
        saved_at=now,
    )


async def _changed(connection: Connection, lot: UUID, expert: UUID, mark: DraftMark) -> MarkChanged:
    current = next(
        (
            saved
            for saved in await store.draft_marks(connection, lot, expert)
            if (saved.code, saved.criterion) == (mark.code, mark.criterion)
        ),
        None,
    )
    extra: dict[str, Any] = {"current": None}
    if current is not None and current.saved_at is not None:
        extra["current"] = {
            "score": current.score,
            "passed": current.passed,
            "comment": current.comment,
            "version": current.version,
            "saved_at": current.saved_at.isoformat(),
        }
    return MarkChanged(
        f"expected version {0 if current is None else current.version} of bid {mark.code}, "
        f"criterion {mark.criterion}, got {mark.version}; it was saved elsewhere, look at it first",
        extra=extra,
    )


async def _require_concerned(
    connection: Connection, actor: Actor, lot: Lot, seats: Sequence[Seat]
) -> None:
    """Refuses organisations that the notice does not name, and experts of other panels."""
    if actor.role == EXPERT:
        own_seat(seats, (await acting_expert(connection, actor)).id)
        return
    parties = lot.parties
    named = {parties.agency_uscc, parties.supervisor_uscc, parties.buyer_uscc, parties.host_uscc}
    if actor.subject not in named:
        raise NotOnPanel("expected an organisation of this tender or a member of the panel")
