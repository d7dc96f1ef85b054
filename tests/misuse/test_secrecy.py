"""Secrecy before the opening: nobody else can tell whether, how often or who bid.

Two platforms live through the same days. At one three bidders hand in, at the other thirty, never
more than a batch holds in one tick. What everybody but the bidders themselves can see of the two
must be equal byte for byte, but for what is random by design.
"""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from bidding.opening.closings import closing as closings
from bidding.opening.hall import hall_mark
from bidding.tender import service as tenders
from bidding.tender.addresses import leave_address
from bidding.tender.domain import Document, Lot
from conftest import clock_of, fresh_copy
from foundation.database import Database, reading
from foundation.embedded import APPLICATION, OWNER, EmbeddedServer
from foundation.identity import Actor
from foundation.identity.domain import Session
from foundation.outbox import CHANNEL
from page_world import As
from sunbid.app import ROUTES
from sunbid.web.halls import hall_steps
from whole_app import platform_of
from world import DEADLINE, MORNING, BidderOf, World, actor, make_world

TICKS: Final = 6
FEW: Final = 3
MANY: Final = 30
# So many bids a tick of the larger world; with what else may wait it stays below a batch of 8.
A_TICK: Final = MANY // TICKS

# What the test itself logs; every other line is the platform's, whoever's library wrote it.
TOOLS: Final = ("httpx", "httpcore", "asyncio")
# Which tables tell the number of bids to whoever administers the database, none of them a name
# (threat model, T8): acts, addresses to tell of changes, headers and uploads, and their entries
# among the covers.
COUNTED: Final = {
    "bidding.act", "bidding.address", "bidding.head", "bidding.upload", "bidding.upload_quota",
    "foundation.ledger_entry", "foundation.ledger_queue",
}  # fmt: skip
# The machine's own time stands there, beside the platform's, which stands still here.
CLOCK: Final = "foundation.platform_clock"
CONTEXTS: Final = ("foundation", "bidding", "experts", "supervision")
READABLE: Final = """
    SELECT format('%I.%I', table_schema, table_name)
      FROM information_schema.tables
     WHERE table_schema IN ('bidding', 'foundation', 'experts', 'supervision')
       AND has_table_privilege(format('%I.%I', table_schema, table_name), 'SELECT')
  ORDER BY 1
"""
# As the database writes them: ciphertext, keys, hashes.
BYTES: Final = re.compile(r"\\\\?x[0-9a-f]{32,}")
NOBODYS: Final = "7d3c2f10-1111-4111-8111-111111111111"
PLACEHOLDERS: Final = {
    "name": "招标文件.pdf", "upload": NOBODYS, "receipt": NOBODYS, "challenge": NOBODYS,
    "expert": NOBODYS, "case": NOBODYS, "index": "0", "number": "1", "code": "T1",
    "criterion": "T1", "sid": "0" * 64,
}  # fmt: skip
# A stream without end is looked at by itself.
ENDLESS: Final = "/events"

# What is random by design, and nothing else. Every mask keeps the length, but that of certificates
# and of places in a shuffled batch.
MASKS: Final = (
    # A certificate in DER: the length of its ECDSA signature changes by a byte or two.
    (re.compile(r"MII[A-Za-z0-9+/_-]{200,}={0,2}"), "<certificate>"),
    # Where in its batch a leaf came to lie: batches are shuffled.
    (re.compile(r'(?<="index":)\d+(?=,"time_ms")|(?<=\\nindex )\d+|"\d+(?=":"c2sp)'), "<n>"),
    # Ids: uuid4 of tenders, lots, documents.
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), None),
    # Digests: sids and roots of what carries a key or a salt; also abridged.
    (re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{16,64}\b"), None),
    (re.compile(r"\b[0-9a-f]{8}…[0-9a-f]{8}\b"), None),
    (re.compile(r"\b[0-9a-f]{4}(?:[ \u2009][0-9a-f]{4}){2,}\b"), None),
    # Salts, keys and signatures in base64.
    (re.compile(r"(?=[^A-Z\s\"]*[A-Z])(?=[^a-z\s\"]*[a-z])[A-Za-z0-9+/_-]{16,}={0,2}"), None),
    # The real time beside the platform's, which stands still here.
    (re.compile(r'(?<="real":")[^"]+'), "<real>"),
)


def masked(text: str) -> str:
    """A text without its random values."""
    for pattern, name in MASKS:
        text = pattern.sub(lambda found, name=name: name or "#" * len(found[0]), text)  # type: ignore[misc]
    return text


def in_order(text: str) -> str:
    """JSON whose leaves stand in the order of their kinds, not of their places in a batch."""
    value = json.loads(text)
    if isinstance(value, dict) and isinstance(value.get("leaves"), list):
        value["leaves"].sort(key=lambda leaf: str(leaf["body"]["t"]))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(kw_only=True)
class Platform:
    """One of the two platforms, with a browser on it and ears on everything it says."""

    world: World
    client: httpx.AsyncClient
    who: As
    owner: "asyncpg.Connection[asyncpg.Record]"
    sessions: dict[str, Session | None] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    bidders: list[BidderOf] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    async def prepare(self) -> None:
        """The lot is published; everybody who looks is logged in."""
        world = self.world
        await world.published_lot()
        await world.set_clock(MORNING)
        rival = world.bidder(99)
        login = world.login(rival, MORNING)
        seat = world.members["T1"]
        everybody: dict[str, Actor] = {
            **{part: world.actors[part] for part in ("buyer", "agency", "supervisor", "host")},
            "custodian": actor("custodian", seat.uscc, seat.name),
        }
        self.sessions = {"public": None, "rival": login}
        for name, who in everybody.items():
            self.sessions[name] = Session(
                actor=who, login=login.login, licence_status="good", expires_at=login.expires_at
            )

    async def hand_in(self, numbers: list[int]) -> None:
        """So many bidders seal and hand in over the interface."""
        for number in numbers:
            bidder = self.world.bidder(number)
            made = await self.world.seal(bidder)
            await self.world.upload(made)
            self.who.session = self.world.login(bidder, await self.world.now())
            answer = await self.client.post(
                "/api/v1/acts",
                json={
                    "statement": made.manifest.json(),
                    "uploads": [{"upload": str(u), "secret": s} for u, s in made.uploads],
                    "token": await self.world.token(bidder),
                },
                headers={"Idempotency-Key": made.manifest.sid},
            )
            assert answer.status_code == 202, answer.text
            # Whoever bids has taken the documents and wants to be told of changes.
            await leave_address(self.world.db, self.world.lot, f"bidder{number}@mail.example")
            bidder.acts.append(made.manifest)
            self.bidders.append(bidder)

    async def seen(self, *roles: str) -> dict[str, str]:
        """What somebody is answered at every address of the platform, by role and address."""
        found = {}
        for role in roles or tuple(self.sessions):
            self.who.session = self.sessions[role]
            for path in self.paths():
                found[f"{role} GET {masked(path)}"] = await self.answer("GET", path)
        return found

    def paths(self) -> list[str]:
        """Every address that can be read, for this lot."""
        names = {**PLACEHOLDERS, "lot": str(self.world.lot)}
        return [
            re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: names.get(m[1], NOBODYS), path)
            for route in ROUTES
            if "GET" in {str(getattr(m, "value", m)) for m in getattr(route, "http_methods", ())}
            for path in route.paths
            if not path.endswith(ENDLESS)
        ]

    async def answer(self, method: str, path: str, body: Any = None) -> str:
        """Status, headers and content of an answer, without what is random."""
        accept = "application/json" if path.startswith("/api/") else "text/html"
        # Compressed lengths hang on random values; so nothing is compressed here.
        headers = {"accept": accept, "accept-encoding": "identity"}
        found = await self.client.request(method, path, headers=headers, json=body)
        raw = found.content
        # A length says no more than the content, whose masked form is compared.
        assert found.headers.pop("content-length", str(len(raw))) == str(len(raw))
        head = sorted(f"{name}: {value}" for name, value in found.headers.multi_items())
        text = raw.decode("utf-8") if raw[:5] != b"%PDF-" else f"a PDF of {len(raw)} bytes"
        if "json" in found.headers.get("content-type", ""):
            text = in_order(text)
        whole = "\n".join([str(found.status_code), *head, text])
        self.heard.append(whole)
        return masked(whole)

    async def elsewhere(self) -> dict[str, Any]:
        """What is seen beside the answers: the hall's stream, announcements, jobs, the ledger."""
        stream = hall_steps(
            self.world.db, self.world.desk.meters, self.world.lot, await self.mark()
        )
        first = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        return {
            "mark": masked(str(await self.mark())),
            "stream": str(first),
            "told": list(self.told),
            "jobs": await self.owner.fetchval("SELECT count(*) FROM foundation.pgqueuer")
            if await self.owner.fetchval("SELECT to_regclass('foundation.pgqueuer')")
            else 0,
            "ledger": [
                tuple(row)
                for row in await self.owner.fetch(
                    "SELECT batch, count(*), min(length(leaf)), max(length(leaf))"
                    "  FROM foundation.ledger_entry GROUP BY batch ORDER BY batch"
                )
            ],
        }

    async def rows(self) -> dict[str, list[str]]:
        """Every table as the application may read it, without what is random."""
        found = {}
        for context in CONTEXTS:
            async with reading(self.world.db, context) as connection:
                for table in await connection.fetch(READABLE):
                    rows = await connection.fetch(f"SELECT t::text AS row FROM {table[0]} AS t")
                    self.heard += [row["row"] for row in rows]
                    found[table[0]] = sorted(
                        masked(BYTES.sub("<bytes>", row["row"])) for row in rows
                    )
        return found

    async def mark(self) -> str:
        """What the hall's stream watches."""
        return await hall_mark(self.world.db, self.world.lot)


@pytest_asyncio.fixture
async def two_worlds(
    server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[tuple[Platform, Platform]]:
    """Two platforms with the same published lot on the same morning."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("few", "many"):
            copy = await stack.enter_async_context(fresh_copy(server))
            owner_dsn, dsn = server.dsn(OWNER, copy), server.dsn(APPLICATION, copy)
            owner = await asyncpg.connect(owner_dsn)
            stack.push_async_callback(owner.close)
            db = await Database.open(dsn, 4)
            stack.push_async_callback(db.close)
            world = await make_world(db, clock_of(owner_dsn), tmp_path / name)
            stack.callback(world.keeper.close)
            client, who = await stack.enter_async_context(platform_of(world, dsn))
            platform = Platform(world=world, client=client, who=who, owner=owner)
            await owner.add_listener(CHANNEL, lambda *told, p=platform: p.told.append(told[3]))
            await platform.prepare()
            made.append(platform)
        yield made[0], made[1]


def our_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the platform wrote into the log, and forget it."""
    lines = [
        masked(f"{one.levelname} {one.name}: {one.getMessage()}")
        for one in caplog.records
        if one.name.partition(".")[0] not in TOOLS
    ]
    caplog.clear()
    return lines


def differing(few: dict[str, Any], many: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Where two observations are not equal, and what stands around the first difference."""
    assert few.keys() == many.keys()
    return {
        name: around(str(few[name]), str(many[name])) for name in few if few[name] != many[name]
    }


def differing_tables(few: dict[str, list[str]], many: dict[str, list[str]]) -> set[str]:
    """The tables whose rows are not the same but for what is random."""
    assert few.keys() == many.keys()
    return {name for name in few if few[name] != many[name]} - {CLOCK}


def around(one: str, other: str) -> tuple[str, str]:
    """The places at which two texts begin to differ."""
    at = next((n for n, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), 0)
    return one[max(at - 60, 0) : at + 60], other[max(at - 60, 0) : at + 60]


def numbers(count: int, tick: int) -> list[int]:
    """Who hands in during a tick: all of them spread over the ticks."""
    return [n for n in range(1, count + 1) if n % TICKS == tick]


@pytest.mark.misuse(104, 105, 107, 108, 110)
@pytest.mark.threat("T8", "T18")
async def test_three_bids_and_thirty_look_the_same_to_everybody_else(
    two_worlds: tuple[Platform, Platform],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, many = two_worlds
    caplog.set_level(logging.DEBUG)
    lines: dict[str, list[str]] = {}
    for name, platform, count in (("few", few, FEW), ("many", many, MANY)):
        caplog.clear()
        for tick in range(TICKS):
            await platform.hand_in(numbers(count, tick))
            await platform.world.tick()
        lines[name] = our_lines(caplog)
    assert len(few.bidders) == FEW
    assert len(many.bidders) == MANY
    assert lines["few"] == lines["many"]

    # Every address, as everybody.
    assert differing(await few.seen(), await many.seen()) == {}
    assert differing(await few.elsewhere(), await many.elsewhere()) == {}
    # Nothing is told but ticks, and no message names the tender or the lot.
    assert {told.partition('"size"')[0] for told in many.told} == {
        told.partition('"size"')[0] for told in few.told
    }
    for told in many.told:
        assert str(many.world.lot) not in told
        assert str(many.world.tender) not in told

    # The database as the application reads it: it tells a number to whoever administers it.
    stored = differing_tables(await few.rows(), await many.rows())
    assert stored == COUNTED

    # The buyer tries everything that might be refused once bids are there.
    assert differing(await attempts(few), await attempts(many)) == {}

    # The deadline passes; nothing is listed yet.
    for platform in two_worlds:
        await platform.world.set_clock(DEADLINE)
        await closings.close_due(platform.world.desk)
        await platform.world.tick(3)
    after = ("public", "host")
    assert differing(await few.seen(*after), await many.seen(*after)) == {}
    assert differing(await few.elsewhere(), await many.elsewhere()) == {}

    # Not one of their names, numbers or prices stood in an answer or in the log.
    heard = "\n".join([*few.heard, *many.heard, *lines["few"], *lines["many"]])
    markers = {text for b in many.bidders for text in (b.uscc, b.name, b.price)}
    assert {marker for marker in markers if marker in heard} == set()

    # The control: a page that counts is found.
    await leak_a_count(monkeypatch, few, many)
    leaks = differing(await few.seen("public"), await many.seen("public"))
    assert f"public GET /api/v1/lots/{'#' * 36}" in leaks


async def attempts(platform: Platform) -> dict[str, str]:
    """What the offices are answered when they try to change what bids depend on."""
    world, found = platform.world, {}
    place = f"/api/v1/lots/{world.lot}"
    announcement = {
        "issued_on": "2026-09-14",
        "deadline_at": (DEADLINE + timedelta(days=3)).isoformat(),
        "custodians": [],
        "custodians_needed": 2,
        "remedy": [],
        "remedy_needed": 2,
    }
    tried: list[tuple[str, Any]] = [
        ("announcement", announcement),
        ("announcement", {**announcement, "deadline_at": MORNING.isoformat()}),
        ("publication", None),
        ("closing", None),
        ("steps", {"step": "phase1"}),
        ("decisions", {"decision": "terminated", "cause": "x"}),
        ("committee", {"members": []}),
        ("drills", {}),
    ]
    for role in ("agency", "buyer", "supervisor", "host"):
        platform.who.session = platform.sessions[role]
        for number, (action, body) in enumerate(tried):
            name = f"{role} POST {action} {number}"
            found[name] = await platform.answer("POST", f"{place}/{action}", body)
    for part in ("agency", "buyer"):
        call = tenders.announce(world.db, world.actors[part], world.lot, await world.announcement())
        found[f"{part} announces again"] = await outcome_of(call)
    return found


async def outcome_of(call: Any) -> str:
    """How a call ends, without what is random."""
    try:
        return masked(str(await call))
    except Exception as refused:  # whatever it is, it must be the same
        return masked(f"{type(refused).__name__}: {refused}")


async def leak_a_count(patch: pytest.MonkeyPatch, *platforms: Platform) -> None:
    """The platform shows how many acts it holds, as a careless page might."""
    counts = {
        p.world.lot: await p.owner.fetchval("SELECT count(*) FROM bidding.act") for p in platforms
    }
    honest = tenders.show_lot

    async def leaking(db: Database, who: Actor | None, lot: UUID) -> tuple[Lot, list[Document]]:
        held, documents = await honest(db, who, lot)
        return replace(held, title=f"{held.title} ({counts[lot]})"), documents

    patch.setattr(tenders, "show_lot", leaking)
