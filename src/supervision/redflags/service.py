"""Examining the opened bids of a lot, and showing what was found to the lot's supervisor.

Nothing here changes a bid or a lot. What is found is kept with the hashes of the files it quotes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from bidding.published import Lot, OpenedBid, lot_facts, opened_bids
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.objects import ObjectStore
from foundation.problems import NotAllowed
from foundation.statements.canonical import Json
from foundation.statements.store import record_event
from supervision.forensics.child import Asked, FileRead
from supervision.forensics.domain import Comparison
from supervision.forensics.reader import reader
from supervision.redflags import store
from supervision.redflags.domain import (
    BidsNotOpened,
    Document,
    Evidence,
    Examination,
    ExaminedBid,
    ExaminedFile,
    Field,
    Finding,
    Grade,
    KeptFinding,
    NotExamined,
    Suspicion,
    Tally,
)
from supervision.redflags.rules.grades import suspicions
from supervision.redflags.rules.registry import RULES_VERSION, findings

# Until a rule of law says otherwise: how long a clue may wait for a person. [OWN]
DUE: Final[Mapping[Grade, timedelta]] = {
    "A": timedelta(days=3),
    "B": timedelta(days=7),
    "C": timedelta(days=14),
}
# Below, rarity is counted among the bids of the tender itself.
SMALLEST_ARCHIVE: Final = 30
SUPERVISOR: Final = "supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an examination reads: the opened bids and the tender document."""

    bids: Sequence[OpenedBid]
    documents: Sequence[Document]
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The result of a look: files read, findings, what they come to, and what could not be read."""

    files: tuple[ExaminedFile, ...]
    properties: tuple[tuple[UUID, str, str], ...]
    findings: tuple[Finding, ...]
    suspicions: tuple[Suspicion, ...]
    pairs: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBid:
    """A bid on the price chart: `key` is its submission."""

    key: str
    name: str
    price_yuan: Decimal | None
    machine_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminationPage:
    """Everything that the page of one examination shows."""

    lot: Lot
    examination: Examination
    findings: tuple[KeptFinding, ...]
    bids: tuple[PricedBid, ...]

    @property
    def names(self) -> dict[str, str]:
        """The bidders' names by submission."""
        return {bid.key: bid.name for bid in self.bids}


async def raise_due_flags(db: Database, objects: ObjectStore) -> int:
    """Examine every lot whose opening is recorded and that was not examined; return how many."""
    async with reading(db, "supervision") as connection:
        due = await store.lots_to_examine(connection)
    for lot in due:
        await examine_lot(db, objects, lot)
    return len(due)


async def examine_lot(db: Database, objects: ObjectStore, lot_id: UUID) -> bool:
    """Let the rules look at a lot's opened bids, once; False where it was done before.

    Refuses a lot whose bids are not open. A child without network reads and compares the files,
    outside any transaction.
    """
    async with reading(db, "supervision") as connection:
        material = Material(
            bids=await opened_bids(connection, lot_id),
            documents=await store.tender_documents(connection, lot_id),
            tally=await store.tally(connection),
        )
    if not material.bids:
        raise BidsNotOpened(f"the bids of lot {lot_id} are not opened; nothing can be compared")
    with reader(_asked(objects, material), _codes(material)) as child:
        reads = await asyncio.to_thread(child.read)
        async with reading(db, "supervision") as connection:
            earlier = await store.archive(connection, _values(reads))
        known = earlier if earlier.documents >= SMALLEST_ARCHIVE else None
        result = await asyncio.to_thread(child.compare, known)
    look = await asyncio.to_thread(_look, material, reads, result)
    async with transaction(db, "supervision") as connection:
        lot = await lot_facts(connection, lot_id, "supervision")
        return await _keep(connection, lot, look, len(material.bids))


def _asked(objects: ObjectStore, material: Material) -> list[Asked]:
    """The files of all bids and of the tender document, by where they lie."""
    files = [
        Asked(owner=str(bid.submission), name=f"{volume}/{name}", path=str(objects.path(key)))
        for bid in material.bids
        for volume, named in sorted(bid.files.items())
        for name, key in sorted(named.items())
    ]
    files += [
        Asked(owner="", name=one.name, path=str(objects.path(f"documents/{one.id}")))
        for one in material.documents
    ]
    return files


def _codes(material: Material) -> dict[str, list[str]]:
    """The names by which a bidder could be mentioned."""
    return {str(bid.submission): [bid.name, bid.uscc] for bid in material.bids}


def _values(reads: Sequence[FileRead]) -> set[tuple[str, str]]:
    return {(trait.field, trait.value) for read in reads if read.owner for trait in read.traits}


def _look(material: Material, reads: Sequence[FileRead], result: Comparison) -> Look:
    """Let the rules fire on what was read; pure but for the time it takes."""
    field = Field(
        bids=tuple(examined_bid(bid) for bid in material.bids),
        pairs=result.pairs,
        tally=material.tally,
    )
    digests = {(read.owner, read.file): read.sha256 for read in reads}
    found = tuple(_pinned(finding, digests) for finding in findings(field))
    own = [read for read in reads if read.owner]
    unread = [read.problem for read in reads if not read.owner and read.problem is not None]
    return Look(
        files=tuple(
            ExaminedFile(
                submission=UUID(read.owner),
                file=read.file,
                sha256=bytes.fromhex(read.sha256),
                pages=read.pages,
                problem=read.problem,
            )
            for read in own
        ),
        properties=tuple(
            (UUID(read.owner), trait.field, trait.value) for read in own for trait in read.traits
        ),
        findings=found,
        suspicions=suspicions(found),
        pairs=len(result.pairs),
        problems=(*result.problems, *unread),
    )


def examined_bid(bid: OpenedBid) -> ExaminedBid:
    """An opened bid as the rules see it; a price that does not read is no price."""
    return ExaminedBid(
        key=str(bid.submission),
        name=bid.name,
        price_yuan=_price(bid.items),
        machine_code=bid.machine_code,
    )


def _price(items: Mapping[str, Any]) -> Decimal | None:
    try:
        price = Decimal(str(items["price_yuan"]))
    except (KeyError, TypeError, InvalidOperation):
        return None
    return price if price.is_finite() and price > 0 else None


def _pinned(finding: Finding, digests: Mapping[tuple[str, str], str]) -> Finding:
    """The finding with the hash of every file that its evidence quotes."""
    return replace(finding, evidence=tuple(_pin(one, digests) for one in finding.evidence))


def _pin(evidence: Evidence, digests: Mapping[tuple[str, str], str]) -> Evidence:
    data: dict[str, Json] = dict(evidence.data)
    for side in ("a", "b"):
        bidder = data.get(side)
        place = data.get(f"place_{side}")
        named = [place["file"]] if isinstance(place, dict) else data.get(f"files_{side}")
        if isinstance(bidder, str) and isinstance(named, list):
            data[f"sha256_{side}"] = [digests.get((bidder, str(name))) for name in named]
    return replace(evidence, data=data)


async def _keep(connection: Connection, lot: Lot, look: Look, bids: int) -> bool:
    now = await platform_now(connection)
    grade = look.suspicions[0].grade if look.suspicions else None
    made = Examination(
        lot=lot.id,
        tender=lot.tender,
        examined_at=now,
        rules_version=RULES_VERSION,
        bids=bids,
        pairs=look.pairs,
        grade=grade,
        due_at=None if grade is None else now + DUE[grade],
        suspicions=look.suspicions,
        problems=look.problems,
    )
    if not await store.insert_examination(connection, made):
        return False
    await store.insert_files(connection, lot.id, look.files)
    await store.insert_properties(connection, lot.id, look.properties)
    pins = [
        await store.insert_finding(connection, lot.id, number, finding)
        for number, finding in enumerate(look.findings, start=1)
    ]
    data: dict[str, Json] = {
        "rules_version": RULES_VERSION,
        "bids": bids,
        "findings": [
            {"flag": finding.flag, "grade": finding.grade, "sha256": pin}
            for finding, pin in zip(look.findings, pins, strict=True)
        ],
    }
    await record_event(
        connection,
        "supervision:lot:examine",
        actor=None,
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data=data,
    )
    return True


async def supervised_lot(connection: Connection, actor: Actor | None, lot_id: UUID) -> Lot:
    """Return a lot to its own supervisor; refuses everybody else."""
    supervisor = require(actor, SUPERVISOR)
    lot = await lot_facts(connection, lot_id, "supervision")
    if supervisor.subject != lot.parties.supervisor_uscc:
        raise NotAllowed(
            f"expected the supervisor of this tender ({lot.parties.supervisor_name}), got "
            f"{supervisor.name}; clues are shown to nobody else"
        )
    return lot


async def examination_page(db: Database, actor: Actor | None, lot_id: UUID) -> ExaminationPage:
    """Show a lot's findings to its supervisor and write into the ledger that they were read."""
    async with transaction(db, "supervision") as connection:
        lot = await supervised_lot(connection, actor, lot_id)
        made = await store.examination(connection, lot_id)
        if made is None:
            raise NotExamined(
                f"the bids of lot {lot_id} have not been examined; they are, soon after the "
                "record of the opening is signed"
            )
        reader = require(actor)
        await record_event(
            connection,
            "supervision:lot:read",
            actor=str(reader.id),
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={},
        )
        bids = [examined_bid(bid) for bid in await opened_bids(connection, lot_id)]
        return ExaminationPage(
            lot=lot,
            examination=made,
            findings=tuple(await store.findings(connection, lot_id)),
            bids=tuple(
                PricedBid(
                    key=bid.key,
                    name=bid.name,
                    price_yuan=bid.price_yuan,
                    machine_code=bid.machine_code,
                )
                for bid in bids
            ),
        )
