"""Drafting, announcing and publishing a tender; the statements that fix how it will be opened."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from bidding.plan.store import plan as plan_of
from bidding.regime.clocks import beijing_date, clocks
from bidding.sealing.bodies import Schedule
from bidding.sealing.opening_keys import check_algorithms
from bidding.sealing.refusals import WrongSuite
from bidding.sealing.suites import sealing_suite, suite_of
from bidding.tender import postponement, store
from bidding.tender.domain import (
    DRAFTED,
    PUBLISHED,
    Document,
    DocumentMissing,
    Lot,
    LotId,
    NoticeRefused,
    PapersMissing,
    TenderDraft,
    TenderId,
    UnknownLot,
    WrongStatus,
    next_status,
)
from bidding.tender.papers import Groups, newest_offered, opening_keys_paper, place, signers
from bidding.tender.papers import lot_ledger_body as lot_ledger_body  # noqa: PLC0414 - others ask here
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.ledger.log import latest_checkpoint, leaf_opening, tlog_proof
from foundation.ledger.signer import SignerClient
from foundation.objects import ObjectStore
from foundation.problems import NotAllowed
from foundation.statements.canonical import Json, canonical, parse_time, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    Kept,
    keep_statement,
    kept_statements,
    offer_paper,
    record_event,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The dates of a notice and the members of the opening groups (sids of their member keys)."""

    issued_on: date
    deadline_at: datetime
    custodians: tuple[str, ...]
    custodians_needed: int
    remedy: tuple[str, ...]
    remedy_needed: int
    clock: str
    # Volumes of each stage and its hour; none of it: everything opens at the deadline.
    stages: tuple[tuple[tuple[str, ...], datetime | None], ...] = ()
    # The suites for which this platform has a key of its own.
    offered: Collection[str] = ("INTL-1",)

    @property
    def groups(self) -> Groups:
        """The members of the opening groups."""
        return Groups(
            custodians=self.custodians,
            custodians_needed=self.custodians_needed,
            remedy=self.remedy,
            remedy_needed=self.remedy_needed,
            clock=self.clock,
        )


async def draft_tender(
    db: Database, actor: Actor, draft: TenderDraft
) -> tuple[TenderId, list[LotId]]:
    """Write a tender and its lots as drafts; for the agency that the draft names."""
    require(actor, "agency")
    if actor.subject != draft.parties.agency_uscc:
        raise NotAllowed("a tender is drafted by the agency that it names")
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        now = await platform_now(connection)
        for lot in draft.lots:
            sealing_suite(lot.suite)
            clocks(draft.regime, beijing_date(now)).require_standstill(lot.standstill_days)
        if draft.plan is not None and await plan_of(connection, draft.plan) is None:
            raise PapersMissing(f"there is no published plan {draft.plan}")
        tender = await store.insert_tender(connection, draft, now)
        lots = [
            await store.insert_lot(
                connection,
                tender,
                number,
                lot,
                hashlib.sha256(canonical(dict(lot.method))).hexdigest(),
            )
            for number, lot in enumerate(draft.lots, 1)
        ]
        await record_event(
            connection,
            "bidding:tender:draft",
            actor=actor.subject,
            group=tender,
            scope=None,
            data={"number": draft.number},
        )
    return tender, lots


async def add_document(
    db: Database, objects: ObjectStore, actor: Actor, lot_id: UUID, name: str, content: bytes
) -> Document:
    """Store one file of the tender document; only while the lot is a draft."""
    require(actor, "agency")
    document_id = uuid4()
    await objects.put(f"documents/{document_id}", content)
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        held = await store.lot_exclusive(connection, lot_id)
        _require_party(actor, held.parties.agency_uscc)
        if held.status != DRAFTED:
            raise WrongStatus("files are added before publication; later ones are clarifications")
        document = Document(
            id=document_id,
            lot=held.id,
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            added_at=await platform_now(connection),
        )
        await store.insert_document(connection, document)
    return document


async def announce(
    db: Database, actor: Actor, lot_id: UUID, announcement: Announcement
) -> tuple[str, str]:
    """Check the notice against its regime and offer opening keys and schedule for signature.

    Refuses a period shorter than the law's with its article, groups that are not independent or
    of another suite, a suite that only opens or for which the platform has no key, and another
    notice once a paper of the first is signed by all. Returns the sids of the two papers, which
    buyer and supervisor sign; a changed notice makes its older papers void.
    """
    require(actor, "agency")
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        held = await store.lot_exclusive(connection, lot_id)
        _require_party(actor, held.parties.agency_uscc)
        if held.opening_keys is not None or held.schedule is not None:
            raise WrongStatus("opening keys or schedule were signed: the notice stands as it is")
        _require_offered(held, announcement.offered)
        now = await platform_now(connection)
        clocks(held.regime, announcement.issued_on).require_notice_period(
            announcement.issued_on, announcement.deadline_at
        )
        if not await store.documents(connection, lot_id):
            raise DocumentMissing("add the tender document before the notice")
        await store.set_notice(connection, held, announcement.issued_on, announcement.deadline_at)
        keys = await opening_keys_paper(connection, held, announcement.groups, now)
        schedule = unsigned("schedule", _schedule(held, announcement))
        decode_body(schedule, Schedule)
        for statement in (keys, schedule):
            if await newest_offered(connection, lot_id, statement.type) != statement.sid:
                await offer_paper(connection, statement, signers(held), scope=lot_id, at=now)
    return keys.sid, schedule.sid


def _require_offered(held: Lot, offered: Collection[str]) -> None:
    """Refuse a suite that only opens, and one for which the platform has no key of its own."""
    sealing_suite(held.suite)
    if held.suite not in offered:
        raise WrongSuite(
            f"expected a suite of {', '.join(sorted(offered))}, got {held.suite}, for which this "
            "platform has no signing device; its operator names one in SUNBID_PLATFORM_DEVICE"
        )


def _schedule(held: Lot, announcement: Announcement) -> dict[str, Json]:
    deadline = time_text(announcement.deadline_at)
    stages = announcement.stages or ((held.volumes, announcement.deadline_at),)
    if sorted(v for volumes, _ in stages for v in volumes) != sorted(held.volumes):
        raise NoticeRefused(
            f"expected each of the volumes {', '.join(held.volumes)} in exactly one stage"
        )
    if stages[0][1] != announcement.deadline_at:
        raise NoticeRefused("the first stage opens at the deadline, not at another time")
    return {
        "v": 1,
        **place(held),
        "version": 1,
        "prev": None,
        "deadline": deadline,
        "minimum_bidders": held.minimum_bidders,
        "stages": [
            {
                "stage": stage,
                "volumes": sorted(volumes),
                "opens_at": None if opens_at is None else time_text(opens_at),
            }
            for stage, (volumes, opens_at) in enumerate(stages, 1)
        ],
    }


async def accept_opening_keys(connection: Connection, statement: Statement) -> None:
    """Put fully signed opening keys in force: the first ones, or those of a postponement."""
    held = await store.lot_exclusive(connection, UUID(statement.body["lot"]))
    if held.status == PUBLISHED:
        await postponement.accept(connection, held, statement)
        return
    await _accept_paper(connection, held, statement)
    await store.set_opening_keys(connection, held.id, statement.sid)


async def accept_schedule(connection: Connection, statement: Statement) -> None:
    """Put a fully signed schedule in force: the first one, or that of a postponement."""
    held = await store.lot_exclusive(connection, UUID(statement.body["lot"]))
    if held.status == PUBLISHED:
        await postponement.accept(connection, held, statement)
        return
    await _accept_paper(connection, held, statement)
    deadline = parse_time(statement.body["deadline"])
    await store.set_schedule(connection, held.id, statement.sid, deadline)


async def _accept_paper(connection: Connection, held: Lot, statement: Statement) -> None:
    check_algorithms(statement, suite_of(held.suite))
    if held.status != DRAFTED:
        raise WrongStatus(f"a lot that is {held.status} takes no new {statement.type}")
    if await newest_offered(connection, held.id, statement.type) != statement.sid:
        raise WrongStatus(f"this {statement.type} is void: the notice was changed after it")
    now = await platform_now(connection)
    body = lot_ledger_body(held, statement.type, statement.sid, now)
    await keep_statement(connection, statement, scope=held.id, body=body, at=now, public=True)


async def publish(db: Database, signer: SignerClient, actor: Actor, lot_id: UUID) -> datetime:
    """Publish the notice: from now on bids may be handed in. Returns the time of publication."""
    require(actor, "agency")
    access_key = await signer.new_scope(lot_id)
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        held = await store.lot_exclusive(connection, lot_id)
        _require_party(actor, held.parties.agency_uscc)
        sealing_suite(held.suite)
        now = await platform_now(connection)
        if held.opening_keys is None or held.schedule is None:
            raise PapersMissing(
                "opening keys and schedule need the signatures of buyer and supervisor first"
            )
        if held.issued_on is None or held.deadline_at is None:
            raise PapersMissing("announce the lot first: its notice has no dates")
        # The notice counts from the day it is really published, whatever day it announced.
        issued_on = max(held.issued_on, beijing_date(now))
        clocks(held.regime, issued_on).require_notice_period(issued_on, held.deadline_at)
        await store.set_published(connection, lot_id, now, access_key)
        await store.move_lot(connection, held, next_status(held.status, "publish"))
        await record_event(
            connection,
            "bidding:lot:publish",
            actor=actor.subject,
            group=held.tender,
            scope=held.id,
            turn=held.round,
            data={
                "notice_sha256": hashlib.sha256(canonical(notice_facts(held))).hexdigest(),
                "opening_keys": held.opening_keys,
                "schedule": held.schedule,
                "documents": [d.sha256 for d in await store.documents(connection, lot_id)],
            },
            public=True,
        )
    return now


def notice_facts(held: Lot) -> dict[str, Json]:
    """Return the published facts of a lot, as the notice and the evidence package show them."""
    return {
        "v": 1,
        "tender": str(held.tender),
        "tender_number": held.tender_number,
        "tender_title": held.tender_title,
        "lot": str(held.id),
        "lot_title": held.title,
        "round": held.round,
        "regime": held.regime,
        "region": held.region,
        "category": held.category,
        "buyer_uscc": held.parties.buyer_uscc,
        "buyer_name": held.parties.buyer_name,
        "agency_uscc": held.parties.agency_uscc,
        "agency_name": held.parties.agency_name,
        "supervisor_uscc": held.parties.supervisor_uscc,
        "supervisor_name": held.parties.supervisor_name,
        "host_uscc": held.parties.host_uscc,
        "host_name": held.parties.host_name,
        "ceiling_price_yuan": str(held.ceiling_price_yuan),
        "duration_days": held.duration_days,
        "facts": [{"name": name, "value": value} for name, value in held.facts.items()],
        "method": dict(held.method),
        "method_sha256": held.method_sha256,
        "volumes": list(held.volumes),
        "minimum_bidders": held.minimum_bidders,
        "standstill_days": held.standstill_days,
        "award_separated": held.award_separated,
        "issued_on": None if held.issued_on is None else held.issued_on.isoformat(),
        "deadline": None if held.deadline_at is None else time_text(held.deadline_at),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingMaterial:
    """Everything a sealing client checks before it seals (sealing.md 8.1)."""

    lot: Lot
    opening_keys: Statement
    schedules: list[Statement]
    leaves: list[dict[str, Json]]
    proofs: dict[str, str]


async def sealing_material(db: Database, lot_id: UUID) -> SealingMaterial:
    """Return opening keys, schedules and their proofs; refuses a lot that is not published."""
    async with reading(db, "bidding") as connection:
        held = await store.lot(connection, lot_id)
        if held.published_at is None:
            raise WrongStatus("this lot is not published yet")
        kept = await kept_statements(connection, lot_id, ["opening-keys", "schedule"])
        leaves, proofs = await public_leaves(connection, kept)
        return SealingMaterial(
            lot=held,
            opening_keys=next(k.statement for k in kept if k.statement.sid == held.opening_keys),
            schedules=[k.statement for k in kept if k.statement.type == "schedule"],
            leaves=leaves,
            proofs=proofs,
        )


async def public_leaves(
    connection: Connection, kept: Sequence[Kept]
) -> tuple[list[dict[str, Json]], dict[str, str]]:
    """Return the leaf openings and proofs of kept statements whose leaves are signed already."""
    leaves: list[dict[str, Json]] = []
    proofs: dict[str, str] = {}
    checkpoint = await latest_checkpoint(connection)
    signed = 0 if checkpoint is None else checkpoint.size
    for one in kept:
        opening = None if one.queue is None else await leaf_opening(connection, one.queue)
        if opening is not None and opening["index"] < signed:
            leaves.append(opening)
            proofs[str(opening["index"])] = await tlog_proof(connection, opening["index"])
    return leaves, proofs


async def find_lots(db: Database, query: str | None, status: str | None) -> list[Lot]:
    """Return published lots whose words contain the query, newest first."""
    async with reading(db, "bidding") as connection:
        return await store.published_lots(connection, query or None, status or None)


async def show_lot(db: Database, actor: Actor | None, lot_id: UUID) -> tuple[Lot, list[Document]]:
    """Return a lot and its documents; a draft is shown to the tender's own parties alone."""
    async with reading(db, "bidding") as connection:
        held = await store.lot(connection, lot_id)
        if held.published_at is None and not is_party(held, actor):
            raise UnknownLot(f"no lot {lot_id}")
        return held, await store.documents(connection, lot_id)


async def fetch_document(
    db: Database, objects: ObjectStore, actor: Actor | None, lot_id: UUID, name: str
) -> tuple[Document, bytes]:
    """Return one file of the tender document; nobody has to register for it."""
    _, documents = await show_lot(db, actor, lot_id)
    for document in documents:
        if document.name == name:
            return document, await objects.get(f"documents/{document.id}")
    raise DocumentMissing(f"the tender document has no file {name[:80]!r}")


def is_party(held: Lot, actor: Actor | None) -> bool:
    """Say whether the actor's organisation has a part in the tender."""
    parties = held.parties
    return actor is not None and actor.subject in {
        parties.buyer_uscc,
        parties.agency_uscc,
        parties.supervisor_uscc,
        parties.host_uscc,
    }


async def lots_of_party(db: Database, actor: Actor) -> list[Lot]:
    """Return the lots in which the actor's organisation has a part, drafts included."""
    async with reading(db, "bidding") as connection:
        return await store.lots_of_party(connection, actor.subject or "")


def _require_party(actor: Actor, uscc: str) -> None:
    if actor.subject != uscc:
        raise NotAllowed("this is done by the organisation that the tender names")
