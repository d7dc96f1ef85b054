"""Builders in domain words: a platform around a real PostgreSQL, a lot, its seats, its bidders.

Everything goes through the services. The signer's rules are the real ones, asked in this process;
the licence authority is the one that keeps its licences in a folder.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgspec

from bidding.bid import service as bids
from bidding.bid import uploads
from bidding.bid.desk import Desk
from bidding.bid.domain import Act
from bidding.bid.service import Handed
from bidding.licence.file import FileAuthority, Now
from bidding.licence.folder import open_folder
from bidding.opening import steps
from bidding.opening.closings import blobs
from bidding.opening.closings import closing as closings
from bidding.opening.domain import list_entries
from bidding.opening.list_store import listed as listed_of
from bidding.opening.releases import release as releases
from bidding.sealing import drill as drills
from bidding.sealing.bidder import release_b, unwrap_b
from bidding.sealing.bodies import (
    Closing,
    Company,
    Group,
    ListEntry,
    Manifest,
    RemedyStart,
    Schedule,
)
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.keys import public_point
from bidding.sealing.member import (
    Appointment,
    Guard,
    Question,
    Remedy,
    Ripe,
    release_r,
    release_t,
    share_check,
)
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.package import pack
from bidding.sealing.parts import PART
from bidding.sealing.seal import Bidder as Sealer
from bidding.sealing.seal import Sealed, seal_package
from bidding.sealing.suites import INTL_1, Suite
from bidding.tender import member_keys
from bidding.tender import service as tenders
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, LotDraft, Parties, TenderDraft
from bidding.tender.service import Announcement
from foundation.clock import platform_now
from foundation.database import Database, reading
from foundation.identity import Actor
from foundation.identity.domain import Session, login_body
from foundation.ledger.keeper import Keeper, KeeperRules
from foundation.ledger.log import start_ledger, tick
from foundation.ledger.signer import SignerClient, answer
from foundation.objects import ObjectStore
from foundation.problems import Refused
from foundation.settings import Settings
from foundation.statements.canonical import Json, b64, canonical, parse_time, time_text, unb64
from foundation.statements.keyfile import Curve, CurveKey, ExchangeKey, generate
from foundation.statements.signed import KeySigner, Statement, decode, decode_body, sign, unsigned
from foundation.statements.store import kept_statement, kept_statements, papers_waiting
from licences import a_uscc
from scoring_methods import method_json
from streams import blocks
from sunbid import doors
from sunbid.background import Ticks
from sunbid.platform_key import load_platform_device, load_platform_key
from sunbid.rounds import on_tick

ORIGIN = "test.example/sunbid"
NONE_YET = UUID(int=0)
START = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
ISSUED_ON = date(2026, 9, 14)
PUBLISHED_AT = datetime(2026, 9, 14, 1, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
MORNING = DEADLINE - timedelta(hours=2)
MS = timedelta(milliseconds=1)
CRL = "http://127.0.0.1:1/crl"
VOLUMES = ("price", "qual")

OFFICES = {
    "buyer": ("buyer", a_uscc(11), "招标人测试"),
    "agency": ("agency", a_uscc(12), "招标代理测试"),
    "supervisor": ("supervisor", a_uscc(13), "监督部门测试"),
    "host": ("trading-centre", a_uscc(14), "交易中心测试"),
}
SEATS: dict[Group, tuple[str, ...]] = {
    "T": ("trading-centre", "notary", "other"),
    "R": ("supervisor", "audit", "authority"),
}

SetClock = Callable[[datetime], Awaitable[None]]


@dataclass(slots=True)
class InProcessSigner(SignerClient):
    """The signer's rules without its process: each call still goes through its messages."""

    keeper: Keeper | None = None
    away: bool = False

    async def _call(self, request: Json) -> dict[str, Any]:
        assert self.keeper is not None
        if self.away:
            raise ConnectionError("nobody may ask the signer here")
        found = answer(self.keeper, request)
        assert isinstance(found, dict)
        return found


@lru_cache
def a_key(label: str, curve: Curve) -> CurveKey:
    """A key that belongs to a label for this run."""
    return generate(curve)


def actor(role: str, subject: str | None, name: str, kid: str | None = None) -> Actor:
    """Somebody who is logged in."""
    return Actor(id=uuid4(), role=role, subject=subject, name=name, kid=kid)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatHolder:
    """A member of an opening group with its device's keys and what its guard remembers."""

    group: Group
    i: int
    uscc: str
    name: str
    seat: str
    exchange: ExchangeKey
    signer: KeySigner
    guard: list[Guard] = field(default_factory=lambda: [Guard()])


@dataclass(slots=True, kw_only=True)
class SealedBid:
    """One sealed version of a bid: the signed manifest and its files."""

    manifest: Statement
    files: dict[str, Path]
    sealed: dict[str, Sealed]
    uploads: tuple[tuple[UUID, str], ...] = ()

    def heads(self) -> dict[str, Head]:
        """Header and wraps by tree."""
        return {one.listed.tree: read_file_head(self.files[v]) for v, one in self.sealed.items()}


@dataclass(slots=True, kw_only=True)
class BidderOf:
    """A bidder with its keys for one lot and what it made so far."""

    uscc: str
    name: str
    price: str
    signer: KeySigner
    recovery: CurveKey
    opening: ExchangeKey
    bids: list[SealedBid] = field(default_factory=list)
    acts: list[Statement] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class World:
    """The platform, everybody's licences and the lot that is played."""

    desk: Desk
    keeper: Keeper
    authority: FileAuthority
    folder: Path
    set_clock: SetClock
    actors: dict[str, Actor]
    members: dict[str, SeatHolder]
    suite: Suite = INTL_1
    lot: UUID = NONE_YET
    tender: UUID = NONE_YET
    papers: dict[str, str] = field(default_factory=dict)
    # The stage of the opening that is played; members keep one guard for each.
    stage: int = 1
    staged: frozenset[str] = frozenset()
    first: tuple[str, ...] = VOLUMES

    @property
    def db(self) -> Database:
        """The database as the application opens it."""
        return self.desk.db

    @property
    def signer(self) -> InProcessSigner:
        """The signer in this process."""
        assert isinstance(self.desk.signer, InProcessSigner)
        return self.desk.signer

    # --- time and ledger ------------------------------------------------------------------------

    async def now(self) -> datetime:
        """The platform's time."""
        async with reading(self.db, "bidding") as connection:
            return await platform_now(connection)

    async def tick(self, count: int = 1) -> None:
        """Ticks of the ledger with everything the server does after each."""
        state: Any = SimpleNamespace(desk=self.desk, ticks=Ticks())
        for _ in range(count):
            await on_tick(state, await tick(self.db, self.desk.signer))

    # --- licences and papers --------------------------------------------------------------------

    def licence(self, uscc: str) -> KeySigner:
        """The licence of an organisation."""
        return self.authority.folder.licence(uscc).signer

    def by_licence(self, type_: str, body: Json, uscc: str) -> Statement:
        """A statement signed with an organisation's licence."""
        return sign(unsigned(type_, body), self.licence(uscc))

    async def sign_paper(self, part: str, sid: str) -> bool:
        """An office signs a paper; True when it was the last signature."""
        who = self.actors[part]
        found = await doors.show_paper(self.desk, who, sid)
        blank = unsigned(found.statement.type, found.statement.body)
        one = sign(blank, self.licence(who.subject or ""))
        _, complete = await doors.sign_paper(self.desk, who, sid, one.sigs[0])
        return complete

    async def waiting(self, part: str, type_: str) -> list[str]:
        """The papers of a type that wait for an office."""
        who = self.actors[part]
        async with reading(self.db, "foundation") as connection:
            found = await papers_waiting(connection, subject=who.subject, kid=who.kid)
        return [p.statement.sid for p in found if p.statement.type == type_]

    async def kept(self, *types: str) -> list[Statement]:
        """The accepted statements of the lot of these types."""
        async with reading(self.db, "bidding") as connection:
            return [k.statement for k in await kept_statements(connection, self.lot, types)]

    # --- the tender -----------------------------------------------------------------------------

    async def held(self) -> Lot:
        """The lot as it stands."""
        async with reading(self.db, "bidding") as connection:
            return await tender_store.lot(connection, self.lot)

    async def register_members(self) -> None:
        """Every seat's key enters, vouched for by its organisation."""
        for member in self.members.values():
            await self.register(member, self.member_key(member))

    async def register(self, member: SeatHolder, statement: Statement) -> None:
        """One seat's key enters."""
        who = actor(member.seat, member.uscc, member.name)
        await doors.accept_statement(self.desk, who, statement)
        await self.show_possession(member)

    async def show_possession(self, member: SeatHolder) -> None:
        """A seat answers what its organisation is asked of its opening key."""
        who = actor(member.seat, member.uscc, member.name)
        for asked in await member_keys.open_questions(self.db, who):
            if asked["kid"] == member.exchange.kid:
                nonce, own = unb64(asked["nonce"], 16), member.exchange
                drill = drills.Drill(nonce=nonce, purpose=drills.POSSESSION, suite=self.suite)
                said = drills.answer(drill, own.exchange, own.public, unb64(asked["wrap"]))
                await member_keys.take_possession(self.db, asked["member_key"], nonce, said)

    async def all_show_possession(self) -> None:
        """Those whose last answer is old are asked once more, and answer."""
        await member_keys.ask_due_possessions(self.db)
        for member in self.members.values():
            await self.show_possession(member)

    def member_key(
        self, member: SeatHolder, own: KeySigner | None = None, **changes: Any
    ) -> Statement:
        """The key of a seat, signed by its organisation and by the key itself."""
        body: dict[str, Any] = {
            "v": 1,
            "uscc": member.uscc,
            "name": member.name,
            "seat": member.seat,
            "person_tag": None,
            "unattended": False,
            "suite": self.suite.name,
            "kid": member.exchange.kid,
            "pk": b64(member.exchange.public),
            "sign_kid": member.signer.kid,
            "sign_pk": b64(member.signer.public),
            "not_before": time_text(START),
            "not_after": time_text(START + timedelta(days=365)),
            **changes,
        }
        return sign(self.by_licence("member-key", body, member.uscc), own or member.signer)

    async def draft(self, *, minimum: int = 3, number: str = "A-1", **lot: Any) -> None:
        """A drafted tender with one lot and one file of its document."""
        self.tender, lots = await tenders.draft_tender(
            self.db,
            self.actors["agency"],
            a_tender(number, a_lot(minimum=minimum, suite=self.suite.name, **lot)),
        )
        self.lot = lots[0]
        await tenders.add_document(
            self.db, self.desk.objects, self.actors["agency"], self.lot, "招标文件.pdf", b"%PDF-1"
        )

    async def announcement(self, deadline: datetime = DEADLINE, **changes: Any) -> Announcement:
        """The notice with all registered seats."""
        found = await member_keys.list_member_keys(self.db)
        sids = {row["kid"]: row["sid"] for row in found}
        values: dict[str, Any] = {
            "issued_on": ISSUED_ON,
            "deadline_at": deadline,
            "custodians": tuple(sids[m.exchange.kid] for m in self.group("T")),
            "custodians_needed": 2,
            "remedy": tuple(sids[m.exchange.kid] for m in self.group("R")),
            "remedy_needed": 2,
            "clock": "demo",
            "offered": self.desk.suites,
        }
        return Announcement(**{**values, **changes})

    def group(self, group: Group) -> list[SeatHolder]:
        """The seats of a group in order."""
        return [m for m in self.members.values() if m.group == group]

    async def announce(self, deadline: datetime = DEADLINE, **changes: Any) -> None:
        """Announce the lot and have both papers signed by buyer and supervisor."""
        made = await self.announcement(deadline, **changes)
        keys, plan = await tenders.announce(self.db, self.actors["agency"], self.lot, made)
        self.papers = {"opening-keys": keys, "schedule": plan}
        for sid in (keys, plan):
            for part in ("buyer", "supervisor"):
                await self.sign_paper(part, sid)

    async def publish(self) -> datetime:
        """Publish the lot; bids may come."""
        return await tenders.publish(self.db, self.desk.signer, self.actors["agency"], self.lot)

    async def published_lot(
        self, *, minimum: int = 3, number: str = "A-1", **announced: Any
    ) -> None:
        """Everything up to publication, and one tick."""
        await self.draft(minimum=minimum, number=number)
        await self.set_clock(PUBLISHED_AT)
        await self.announce(**announced)
        await self.publish()
        await self.tick()

    async def keys(self) -> LotKeys:
        """The opening keys in force."""
        held = await self.held()
        async with reading(self.db, "bidding") as connection:
            kept = await kept_statement(connection, held.opening_keys or "")
        assert kept is not None
        return lot_keys(kept.statement)

    # --- bids -----------------------------------------------------------------------------------

    def bidder(self, number: int, price: str | None = None) -> BidderOf:
        """A bidder with a licence and fresh keys."""
        uscc, name = a_uscc(1000 + number), f"投标人测试{number:02d}有限公司"
        self.authority.folder.issue(uscc, name, "company", START, CRL)
        return BidderOf(
            uscc=uscc,
            name=name,
            price=price or f"{500 + number}.00",
            signer=self.licence(uscc),
            recovery=generate(self.suite.curve),
            opening=ExchangeKey(generate(self.suite.curve)),
        )

    def login(self, bidder: BidderOf, at: datetime) -> Session:
        """The session that a bidder's licence opened."""
        body = login_body(uuid4(), aud=ORIGIN, nonce=secrets.token_bytes(16), match="42", at=at)
        return Session(
            actor=actor("bidder", bidder.uscc, bidder.name),
            login=sign(unsigned("login", body), bidder.signer),
            licence_status="good",
            expires_at=at + timedelta(hours=8),
        )

    async def token(self, bidder: BidderOf) -> str:
        """A token for the lot."""
        session = self.login(bidder, await self.now())
        return await bids.make_token(self.desk, session, self.lot)

    async def seal(
        self,
        bidder: BidderOf,
        *,
        entries: Mapping[str, Mapping[str, bytes]] | None = None,
        volumes: Sequence[str] = VOLUMES,
        **changes: Any,
    ) -> SealedBid:
        """Seal the volumes and sign the manifest as the bidder's next act.

        `entries` replaces the content of a volume; other keywords change the manifest.
        """
        keys = await self.keys()
        place = self.folder / bidder.uscc / secrets.token_hex(4)
        place.mkdir(parents=True)
        points = (public_point(bidder.recovery), bidder.opening.public)
        sealer = Sealer(uscc=bidder.uscc, points=points)
        files, sealed = {}, {}
        for volume in volumes:
            package = place / f"{volume}.zip"
            content = dict((entries or {}).get(volume) or a_volume(bidder, volume))
            pack(sorted(content.items()), package)
            files[volume] = place / f"{volume}.tbe"
            sealed[volume] = seal_package(
                package, files[volume], keys=keys, volume=volume, bidder=sealer
            )
        body = Manifest(
            v=1,
            tender=str(self.tender),
            lot=str(self.lot),
            round=1,
            seq=len(bidder.acts) + 1,
            prev=bidder.acts[-1].sid if bidder.acts else None,
            bidder=Company(uscc=bidder.uscc, name=bidder.name),
            consortium=[],
            suite=keys.body.suite,
            policy="dual+remedy",
            opening_keys=keys.sid,
            mandate=None,
            envelopes=[sealed[v].listed for v in sorted(volumes)],
            client_time=time_text(START),
        )
        body = msgspec.structs.replace(body, **changes)
        manifest = sign(unsigned("manifest", msgspec.to_builtins(body)), bidder.signer)
        made = SealedBid(manifest=manifest, files=files, sealed=sealed)
        bidder.bids.append(made)
        return made

    async def upload(self, made: SealedBid, session: bytes = b"s") -> None:
        """Send every part of every sealed file."""
        found = []
        for volume, path in made.files.items():
            content = path.read_bytes()
            one = made.sealed[volume]
            parts = list(one.parts)
            upload, secret = await uploads.begin_upload(
                self.desk, session, len(content), one.listed.tree, parts
            )
            for index, part in enumerate(parts):
                block = content[index * PART : (index + 1) * PART]
                await uploads.store_part(self.desk, upload, secret, index, part, blocks(block))
            found.append((upload, secret))
        made.uploads = tuple(found)

    def handed(self, made: SealedBid | Statement, token: str) -> Handed:
        """What the bidder posts."""
        statement, uploads = (
            (made.manifest, made.uploads) if isinstance(made, SealedBid) else (made, ())
        )
        return Handed(statement=statement, uploads=uploads, token=token, address="192.0.2.1")

    async def hand_in(
        self, bidder: BidderOf, made: SealedBid | Statement, token: str | None = None
    ) -> Act:
        """Hand in an act and have it decided."""
        handed = self.handed(made, token or await self.token(bidder))
        act, is_new = await bids.take_in(self.desk, handed)
        bidder.acts.append(handed.statement)
        if is_new:
            await bids.decide(self.desk, act, handed.statement)
        return act

    async def bid(self, bidder: BidderOf, **changes: Any) -> Act:
        """Seal, upload and hand in."""
        made = await self.seal(bidder, **changes)
        await self.upload(made)
        return await self.hand_in(bidder, made)

    def withdrawal(self, bidder: BidderOf) -> Statement:
        """The signed withdrawal of a bidder's last act."""
        body = {
            "v": 1,
            "tender": str(self.tender),
            "lot": str(self.lot),
            "round": 1,
            "seq": len(bidder.acts) + 1,
            "prev": bidder.acts[-1].sid,
            "bidder": {"uscc": bidder.uscc, "name": bidder.name},
            "mandate": None,
            "client_time": time_text(START),
        }
        return sign(unsigned("withdraw", body), bidder.signer)

    # --- the opening ----------------------------------------------------------------------------

    async def close(self) -> Statement:
        """The deadline passes: close, cut, and the host's confirmed list or refusal."""
        await self.set_clock(DEADLINE + timedelta(seconds=1))
        await closings.close_due(self.desk)
        await self.tick(3)
        return await closings.confirm_closing(self.desk, self.actors["host"], self.lot)

    async def step(self, step: str) -> None:
        """The host makes a step of the opening."""
        await steps.advance(self.desk, self.actors["host"], self.lot, step)

    async def begin_opening(self) -> Statement:
        """Closed, listed, and phase 1 begun with every file read back."""
        closing = await self.close()
        await self.tick(2)
        await self.step("phase1")
        await blobs.read_back(self.desk, self.lot)
        return closing

    async def release(self, bidder: BidderOf, closing: Statement, version: int = -1) -> Statement:
        """A bidder hands over its halves; the acknowledgement comes back."""
        return await releases.take_release_b(
            self.desk, self.lot, self.release_of(bidder, closing, version), "open"
        )

    def release_of(self, bidder: BidderOf, closing: Statement, version: int = -1) -> Statement:
        """The statement with a bidder's halves."""
        heads = bidder.bids[version].heads()
        own = bidder.opening
        wanted = self.staged if self.stage > 1 else self.first_of(heads)
        values = {t: unwrap_b(h, own.exchange, own.public) for t, h in heads.items() if t in wanted}
        body = release_b(closing.sid, self.stage, values, heads)
        return unsigned("release-b", msgspec.to_builtins(body))

    def first_of(self, heads: Mapping[str, Head]) -> set[str]:
        """The files of a bid that the first stage opens."""
        return {tree for tree, head in heads.items() if head.header.volume in self.first}

    async def question(self, seat: SeatHolder) -> tuple[Appointment, Question]:
        """What the platform shows to a seat, as its own client takes it."""
        keys = await self.keys()
        closing, schedule = (await self.kept("closing"))[-1], (await self.kept("schedule"))[-1]
        async with reading(self.db, "bidding") as connection:
            entries = list_entries(await listed_of(connection, self.lot))
            listed = await listed_of(connection, self.lot, self.stage)
        return Appointment(keys=keys, group=seat.group, i=seat.i), Question(
            closing_sid=closing.sid,
            closing=decode_body(closing, Closing),
            stage=self.stage,
            stage_trees=self.staged if self.stage > 1 else None,
            stage_schedule=schedule.sid if self.stage > 1 else None,
            schedule_sid=schedule.sid,
            schedule=decode_body(schedule, Schedule),
            entries=[decode(e, ListEntry) for e in entries],
            files={one.tree: (one.header, one.wraps) for one in listed},
            now=await self.now(),
            evidence_at=None,
        )

    async def accept(self, seat: SeatHolder, statement: Statement) -> None:
        """A seat's statement enters by the door."""
        who = actor("custodian", seat.uscc, seat.name)
        await doors.accept_statement(self.desk, who, statement)

    async def check(self, seat: SeatHolder) -> Statement:
        """A seat checks its shares and says so."""
        appointment, question = await self.question(seat)
        body, seat.guard[0] = share_check(
            appointment, question, seat.guard[0], seat.exchange.exchange
        )
        statement = self.by_seat(seat, "share-check", body)
        await self.accept(seat, statement)
        return statement

    def by_seat(self, seat: SeatHolder, type_: str, body: Any) -> Statement:
        """A statement signed with the seat's key."""
        return sign(unsigned(type_, msgspec.to_builtins(body)), seat.signer)

    async def custodian_release(self, seat: SeatHolder) -> Statement:
        """The release of a custodian's shares, not yet handed in."""
        appointment, question = await self.question(seat)
        ripe = Ripe(waited=timedelta(days=1))
        body, _ = release_t(appointment, question, seat.guard[0], seat.exchange.exchange, ripe)
        return self.by_seat(seat, "release-t", body)

    async def remedy_release(self, seat: SeatHolder) -> Statement:
        """The release of a remedy member's shares, not yet handed in."""
        appointment, question = await self.question(seat)
        start = (await self.kept("remedy-start"))[-1]
        trees = decode_body(start, RemedyStart).trees
        acked = set(question.files) - set(trees)
        remedy = Remedy(sid=start.sid, trees=trees, acked=acked)
        body, _ = release_r(appointment, question, seat.guard[0], seat.exchange.exchange, remedy)
        return self.by_seat(seat, "release-r", body)

    async def check_all(self) -> None:
        """Every seat checks its shares."""
        for seat in self.members.values():
            await self.check(seat)

    async def custodians_release(self, count: int = 2) -> None:
        """So many custodians release."""
        for seat in self.group("T")[:count]:
            await self.accept(seat, await self.custodian_release(seat))

    async def remedied(self, count: int = 2) -> None:
        """Phase 2: the supervisor countersigns M, remedy members release."""
        await self.step("phase2")
        await self.sign_paper("supervisor", (await self.waiting("supervisor", "remedy-start"))[-1])
        await self.tick()
        for seat in self.group("R")[:count]:
            await self.accept(seat, await self.remedy_release(seat))
        await self.tick()

    async def sign_record(self) -> None:
        """Host and supervisor sign the record once the time to object is over."""
        await self.set_clock(await self.now() + timedelta(minutes=15))
        sid = (await self.waiting("host", "opening-record"))[-1]
        for part in ("host", "supervisor"):
            await self.sign_paper(part, sid)
        await self.tick()


def a_volume(bidder: BidderOf, volume: str) -> dict[str, bytes]:
    """What a volume holds when nothing is said."""
    note = {
        "v": 1,
        "machine_code": f"MC-{bidder.uscc[-4:]}",
        "client": "cli/1.0.0",
        "made_at": time_text(START),
    }
    content = {
        f"{volume}.txt": f"{bidder.name} {volume}".encode() * 40,
        "sunbid-package.json": canonical(note),
    }
    if volume == "price":
        items: Json = {"price_yuan": bidder.price, "duration_days": 65}
        content["open-items.json"] = canonical(items)
    return content


def a_lot(*, minimum: int = 3, **changes: Any) -> LotDraft:
    """A lot as the agency drafts it."""
    values: dict[str, Any] = {
        "title": "一标段",
        "ceiling_price_yuan": Decimal("600.00"),
        "duration_days": 65,
        "facts": {"工期": "65 日历天"},
        "method": method_json(),
        "volumes": VOLUMES,
        "minimum_bidders": minimum,
        "standstill_days": 3,
        "award_separated": True,
    }
    return LotDraft(**{**values, **changes})


def a_tender(number: str, *lots: LotDraft, **changes: Any) -> TenderDraft:
    """A tender as the agency drafts it."""
    parties = {}
    for part in ("buyer", "agency", "supervisor", "host"):
        _, parties[f"{part}_uscc"], parties[f"{part}_name"] = OFFICES[part]
    values: dict[str, Any] = {
        "number": number,
        "plan": None,
        "title": "测试工程",
        "regime": "construction-pilot",
        "region": "相山区",
        "category": "works",
        "summary": "测试",
        "parties": Parties(**parties),
        "lots": lots,
    }
    return TenderDraft(**{**values, **changes})


def clock_over(db: Database) -> Now:
    """The platform's clock as an authority of its own asks for it."""

    async def now() -> datetime:
        async with reading(db, "bidding") as connection:
            return await platform_now(connection)

    return now


async def make_world(
    db: Database, set_clock: SetClock, folder: Path, suite: Suite = INTL_1
) -> World:
    """A platform at its start: ledger open, offices and seats with licences, keys registered.

    Everybody's keys and licences are of the suite in which the lot will be sealed.
    """
    await set_clock(START)
    authority_folder = open_folder(folder / "authority", suite.curve)
    members: dict[str, SeatHolder] = {}
    for _, uscc, name in OFFICES.values():
        authority_folder.issue(uscc, name, "government", START, CRL)
    for group, seats in SEATS.items():
        for i, seat in enumerate(seats, 1):
            label = f"{group}{i}"
            uscc, name = a_uscc(500 + 10 * (group == "R") + i), f"席位测试{label}"
            authority_folder.issue(uscc, name, "government", START, CRL)
            members[label] = SeatHolder(
                group=group,
                i=i,
                uscc=uscc,
                name=name,
                seat=seat,
                exchange=ExchangeKey(a_key(f"exchange {label}", suite.curve)),
                signer=KeySigner(a_key(f"signing {label}", suite.curve)),
            )

    authority = FileAuthority(folder=authority_folder, now=clock_over(db))
    settings = Settings(mode="development", data_dir=folder / "data")
    platform, platform_anchor = load_platform_key(settings, START)
    device = load_platform_device(settings, START)
    assert device is not None
    keeper = Keeper.open(
        folder / "signer",
        ORIGIN,
        "passphrase",
        KeeperRules(
            anchors=(authority_folder.root,),
            release_type="closing",
            change_types=("schedule", "opening-keys"),
            release_anchors=(platform_anchor, device[1]),
            caller_clock=True,
        ),
    )
    work = folder / "work"
    work.mkdir(parents=True)
    desk = Desk(
        db=db,
        objects=ObjectStore.open(folder / "objects"),
        signer=InProcessSigner(folder / "none.sock", keeper=keeper),
        platform=platform,
        platform_anchor=platform_anchor,
        authority=authority,
        anchors=(authority_folder.root,),
        token_key=secrets.token_bytes(32),
        origin=ORIGIN,
        work=work,
        platform_sm2=device[0],
        platform_sm2_anchor=device[1],
    )
    world = World(
        desk=desk,
        keeper=keeper,
        authority=authority,
        folder=folder,
        set_clock=set_clock,
        actors={part: actor(role, uscc, name) for part, (role, uscc, name) in OFFICES.items()},
        members=members,
        suite=suite,
    )
    await start_ledger(db, desk.signer)
    await world.register_members()
    return world


def codes_of(results: Sequence[Any]) -> dict[str, str]:
    """How each envelope came out, by submission and volume."""
    return {f"{r.submission}/{r.volume}": r.code for r in results}


async def refused(call: Awaitable[object]) -> Refused:
    """What a call refuses with; fails when it does not."""
    try:
        await call
    except Refused as found:
        return found
    raise AssertionError("this was not refused")


def moment(text: str) -> datetime:
    """A time out of a statement."""
    return parse_time(text)
