"""Builders for tests of drawings and panels: a published lot, its pool, its opened bids.

The bidding side is written by the owner of the database straight into its tables, so that these
tests need neither an authority nor sealed files.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import SetClock
from experts.drawing import service as drawing
from experts.drawing.domain import KINDS
from experts.panel import service as panel
from experts.pool.domain import Expert, NewExpert
from experts.pool.service import import_experts
from foundation.database import Connection, Database, transaction
from foundation.draw import Constraints, seed_commitment
from foundation.identity import Actor
from foundation.ledger.log import SignedState, start_ledger, tick
from foundation.ledger.note import Checkpoint, Note, log_key, sign_note
from foundation.ledger.tree import EMPTY_ROOT
from foundation.objects import ObjectStore
from foundation.statements.canonical import b64, canonical
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from foundation.statements.store import add_signature, keep_statement, ledger_body, paper_locked
from licences import a_uscc
from scoring_methods import FLOATS, PRICES, method_json
from sealing_world import anchor, licence

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BUYER, AGENCY, SUPERVISOR, HOST = (a_uscc(n) for n in (11, 12, 13, 14))
BIDDERS = {
    "皖北建设测试甲": (a_uscc(21), "480.00"),
    "皖北建设测试乙": (a_uscc(22), "500.00"),
    "皖北建设测试丙": (a_uscc(23), "510.00"),
}
METHOD = method_json(price={**PRICES["V5"], "float_points": FLOATS})
WISH = Constraints(seats=5, reserve=3, speciality="A08", at_most_per_employer=1)
SECRETS = {AGENCY: b"a" * 32, SUPERVISOR: b"s" * 32}


class MemorySigner:
    """A signer of checkpoints in this process."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
        self.origin = "test.example/panel"
        self.size, self.root = 0, EMPTY_ROOT

    async def last(self) -> SignedState:
        vkey = log_key(self.origin, self.key).text()
        return SignedState(origin=self.origin, vkey=vkey, size=self.size, root=self.root)

    async def sign_checkpoint(
        self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint
    ) -> str:
        assert old_size == self.size
        self.size, self.root = checkpoint.size, checkpoint.root
        line = sign_note(checkpoint.text(), self.origin, self.key)
        return Note(text=checkpoint.text(), lines=(line,)).to_text()


@lru_cache
def expert_key(number: int) -> KeySigner:
    """The key of an expert's device, the same in every run."""
    seed = hashlib.sha256(f"expert {number}".encode()).digest()
    return KeySigner(Ed25519PrivateKey.from_private_bytes(seed))


def organisation(role: str, uscc: str) -> Actor:
    """An organisation that is logged in."""
    return Actor(id=uuid4(), role=role, subject=uscc, name=role, kid=None)


def an_entry(number: int, **facts: Any) -> NewExpert:
    """An expert to be imported, of an employer of its own."""
    key = expert_key(number)
    values: dict[str, Any] = {
        "name": f"专家测试{number:02d}",
        "specialities": ("A0801",),
        "region": "相山区",
        "grade": "高级工程师",
        "employer_uscc": a_uscc(100 + number),
        "employer_name": f"设计院测试{number:02d}",
        "alg": key.alg,
        "pk": key.public,
    }
    return NewExpert(**(values | facts))


@dataclass
class World:
    """One lot and everybody around it."""

    db: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    set_clock: SetClock
    objects: ObjectStore
    signer: MemorySigner
    tender: UUID
    lot: UUID
    administrator: Actor
    experts: dict[UUID, Expert] = field(default_factory=dict)
    signers: dict[UUID, KeySigner] = field(default_factory=dict)
    submissions: dict[UUID, str] = field(default_factory=dict)

    agency = organisation("agency", AGENCY)
    supervisor = organisation("supervisor", SUPERVISOR)
    buyer = organisation("buyer", BUYER)

    @property
    def place(self) -> dict[str, Any]:
        """What every body about the lot begins with."""
        return {"v": 1, "tender": str(self.tender), "lot": str(self.lot), "round": 1}

    def actor(self, expert: UUID) -> Actor:
        """The session of an expert."""
        one = self.experts[expert]
        return Actor(id=uuid4(), role="expert", subject=None, name=one.name, kid=one.kid)

    async def import_pool(self, count: int = 12, **facts: Any) -> None:
        """Import experts; the first one works for a bidder."""
        first_bidder = next(iter(BIDDERS.values()))[0]
        entries = [an_entry(0, employer_uscc=first_bidder, **facts)]
        entries += [an_entry(n, **facts) for n in range(1, count)]
        for number, made in enumerate(await import_experts(self.db, self.administrator, entries)):
            self.experts[made.id] = made
            self.signers[made.id] = expert_key(number)

    async def commit(self, uscc: str) -> Statement:
        """An organisation's signed commitment."""
        body = {
            **self.place,
            "contributor": uscc,
            "commitment": seed_commitment(self.lot, SECRETS[uscc]).hex(),
        }
        return sign(unsigned("seed-commit", body), licence(uscc))

    def reveal(self, commit: Statement, uscc: str, secret: bytes | None = None) -> Statement:
        """The signed secret behind a commitment."""
        body = {**self.place, "commit": commit.sid, "secret": b64(secret or SECRETS[uscc])}
        return sign(unsigned("seed-reveal", body), licence(uscc))

    async def move_lot(self, *statuses: str) -> None:
        """Move the lot as its own context would."""
        for status in statuses:
            await self.owner.execute(
                "UPDATE bidding.lot SET status = $2 WHERE id = $1", self.lot, status
            )

    async def close(self) -> None:
        """The deadline passes and the closing gets its checkpoint."""
        await self.set_clock(LATER)
        await self.move_lot("closed", "cut", "opening")
        closing = unsigned("closing", {**self.place, "count": len(BIDDERS)})
        async with transaction(self.db, "bidding") as connection:
            body = ledger_body(
                "closing",
                group=self.tender,
                scope=self.lot,
                turn=1,
                subject=closing.sid,
                at=LATER,
            )
            await keep_statement(
                connection, closing, scope=self.lot, body=body, at=LATER, public=True
            )
        await self.owner.execute(
            "INSERT INTO bidding.opening (lot, closed_at, closed_tick, closing)"
            " VALUES ($1, $2, 0, $3)",
            self.lot,
            DEADLINE,
            bytes.fromhex(closing.sid),
        )
        await tick(self.db, self.signer)

    async def record(self) -> None:
        """The opening is recorded: the bids are open, with files of three volumes."""
        for name, (uscc, price) in BIDDERS.items():
            submission = uuid4()
            self.submissions[submission] = name
            files = {}
            for volume in ("qual", "tech", "price"):
                key = f"opened/{submission}/{volume}"
                await self.objects.put(key, f"{volume} of {price}".encode())
                files[volume] = {f"{uscc}-{volume}.PDF": key}
            await self.owner.execute(
                "INSERT INTO bidding.opened_bid (lot, submission, uscc, name, items, files)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                self.lot,
                submission,
                uscc,
                name,
                json.dumps({"price_yuan": price, "duration_days": 65}),
                json.dumps(files),
            )
        await self.move_lot("recorded")

    async def prepare_draws(self) -> None:
        """Everything up to the record of the opening, pool and secrets included."""
        await self.import_pool()
        await drawing.commit_pool(self.db, self.agency, self.lot, WISH)
        commits = {}
        for actor in (self.agency, self.supervisor):
            uscc = actor.subject or ""
            commits[uscc] = await self.commit(uscc)
            await drawing.accept_seed_commit(self.db, actor, commits[uscc], [anchor()])
        await self.close()
        for actor in (self.agency, self.supervisor):
            uscc = actor.subject or ""
            reveal = self.reveal(commits[uscc], uscc)
            await drawing.accept_seed_reveal(self.db, actor, reveal, [anchor()])
        await self.record()

    async def sign_draw(self, sid: str) -> Statement:
        """Agency and supervisor sign a draw; it is accepted with the second signature."""
        async with transaction(self.db, "experts") as connection:
            await self._sign_as(connection, sid, AGENCY)
            signed, complete = await self._sign_as(connection, sid, SUPERVISOR)
            assert complete
            await panel.accept_draw(connection, signed)
        return signed

    async def _sign_as(self, connection: Connection, sid: str, uscc: str) -> tuple[Statement, bool]:
        held = await paper_locked(connection, sid)
        one = sign(unsigned(held.statement.type, held.statement.body), licence(uscc))
        return await add_signature(connection, held, one.sigs[0], subject=uscc, kid=None, at=LATER)

    async def draw_all(self) -> None:
        """Float point, experts and blind codes are drawn and signed."""
        for kind in KINDS:
            sid = await drawing.offer_draw(self.db, self.agency, self.lot, kind)
            await self.sign_draw(sid)

    async def seated(self) -> list[UUID]:
        """The experts on the seats, by number."""
        rows = await self.owner.fetch(
            "SELECT expert FROM experts.seat WHERE lot = $1 AND status <> 'recused'"
            " ORDER BY number",
            self.lot,
        )
        return [row["expert"] for row in rows]

    def pledge(self, expert: UUID, *conflicts: str, key: KeySigner | None = None) -> Statement:
        """An expert's signed pledge."""
        body = {
            **self.place,
            "expert": str(expert),
            "conflicts": list(conflicts),
            "text": "无利害关系，保密",
        }
        return sign(unsigned("pledge", body), key or self.signers[expert])

    async def pledge_all(self) -> None:
        """Every seat pledges; the scoring begins."""
        for expert in await self.seated():
            await panel.accept_pledge(self.db, self.actor(expert), self.pledge(expert))

    async def codes(self) -> dict[str, UUID]:
        """Submissions by blind code."""
        rows = await self.owner.fetch(
            "SELECT code, submission FROM experts.blind_bid WHERE lot = $1 ORDER BY code", self.lot
        )
        return {row["code"]: row["submission"] for row in rows}

    async def card(self, expert: UUID, plan: str = "20", **changes: Any) -> Statement:
        """An expert's signed scorecard: the same marks for every bid."""
        scores = [
            {**row, "code": code, "comment": ""}
            for code in await self.codes()
            for row in (
                {"criterion": "licence", "score": None, "passed": True},
                {"criterion": "plan", "score": plan, "passed": None},
                {"criterion": "team", "score": "10", "passed": None},
            )
        ]
        body = {
            **self.place,
            "expert": str(expert),
            "method_sha256": hashlib.sha256(canonical(METHOD)).hexdigest(),
            "stage": "technical",
            "scores": scores,
            **changes,
        }
        return sign(unsigned("scorecard", body), self.signers[expert])

    async def score_all(self) -> None:
        """Every seat hands in its sheet; the stage locks."""
        for number, expert in enumerate(await self.seated()):
            card = await self.card(expert, plan=str(18 + number))
            await panel.accept_scorecard(self.db, self.actor(expert), card)

    async def sign_report(self, sid: str, experts: Sequence[UUID]) -> bool:
        """Members sign the report; True when it was accepted."""
        complete = False
        async with transaction(self.db, "experts") as connection:
            for expert in experts:
                held = await paper_locked(connection, sid)
                blank = unsigned(held.statement.type, held.statement.body)
                one = sign(blank, self.signers[expert])
                signed, complete = await add_signature(
                    connection,
                    held,
                    one.sigs[0],
                    subject=None,
                    kid=self.signers[expert].kid,
                    at=LATER,
                )
                if complete:
                    await panel.accept_report(connection, signed)
        return complete


async def make_world(
    db: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    folder: Path,
) -> World:
    """A published lot the day before its deadline."""
    await set_clock(NOW)
    signer = MemorySigner()
    await start_ledger(db, signer)
    administrator = await owner.fetchval(
        "INSERT INTO foundation.actor (role, subject, name, registered_at)"
        " VALUES ('administrator', 'administrator', '系统管理员', $1) RETURNING id",
        NOW,
    )
    tender = await owner.fetchval(
        "INSERT INTO bidding.tender (number, title, regime, region, category, summary, buyer_uscc,"
        " buyer_name, agency_uscc, agency_name, supervisor_uscc, supervisor_name, host_uscc,"
        " host_name, drafted_at)"
        " VALUES ('T-1', '测试项目', 'construction-pilot', '相山区', 'works',"
        " '…', $1, '招标人', $2, '代理', $3, '监督', $4, '中心', $5) RETURNING id",
        BUYER,
        AGENCY,
        SUPERVISOR,
        HOST,
        NOW,
    )
    lot = await owner.fetchval(
        "INSERT INTO bidding.lot (tender, number, title, status, ceiling_price_yuan,"
        " duration_days, facts, method, method_sha256, volumes, minimum_bidders, standstill_days,"
        " award_separated, issued_on, deadline_at, published_at) VALUES ($1, 1, '一标段',"
        " 'published', $2, 65, '{}', $3, $4, '{qual,tech,price}', 3, 3, true, $5, $6, $7)"
        " RETURNING id",
        tender,
        Decimal(600),
        json.dumps(METHOD),
        hashlib.sha256(canonical(METHOD)).hexdigest(),
        (NOW - timedelta(days=25)).date(),
        DEADLINE,
        NOW - timedelta(days=25),
    )
    return World(
        db=db,
        owner=owner,
        set_clock=set_clock,
        objects=ObjectStore.open(folder / "objects"),
        signer=signer,
        tender=tender,
        lot=lot,
        administrator=Actor(
            id=administrator, role="administrator", subject=None, name="系统管理员", kid=None
        ),
    )
