"""Sample values for every page: a tender of 2019 with invented companies, people and amounts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from bidding.bid.domain import Act, DoorRefusal
from bidding.bid.meters import Count
from bidding.opening.console import ConsoleFacts, Present, Step
from bidding.opening.domain import (
    Checked,
    Listed,
    OpenedBid,
    Opening,
    Result,
    Share,
    Thresholds,
    WindowOpen,
    WrongPhase,
)
from bidding.opening.guards import waits
from bidding.opening.hall import HallFacts, Named
from bidding.opening.oversight.acts import ActsFacts, Awaited, DisputedEnvelope, NextStage
from bidding.opening.releases.custody import SeatTask
from bidding.participant.domain import Given
from bidding.plan.domain import Plan
from bidding.scoring.domain import Criterion, Method, PriceTerms
from bidding.sealing.act_bodies import Mandate, Operator
from bidding.tender.domain import Document, Lot, LotId, Parties, TenderId
from bidding.tender.drill import Readiness, SeatReadiness
from bidding.tender.postponement_store import Moved, Postponement
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, unsigned
from foundation.statements.store import Kept, Paper, Required, Waiting
from sunbid.authority.holders import Holder as PhoneHolder
from sunbid.authority.operators import OperatorLine, OperatorsView
from sunbid.authority.seats import SeatView
from sunbid.pages.award import Evaluated, awards_view, candidates_view, vote_view
from sunbid.pages.bid import Holder, ReceiptPaper, receipt_view, tasks_view, without_action
from sunbid.pages.bid_state import Bidder, BidState, bid_state
from sunbid.pages.charts import qr_svg, spark
from sunbid.pages.co_signing import CoSignView
from sunbid.pages.console import console_view
from sunbid.pages.custody import custody_view, key_line, ready_view
from sunbid.pages.elements import Action, Check, Crumb, Tag, words
from sunbid.pages.frame import ClockMove, PageFrame, Visitor
from sunbid.pages.ledger import BidsView, ProblemView, ledger_view
from sunbid.pages.lifecycle import LotTimes
from sunbid.pages.mandates import MandatesView, mandates_view
from sunbid.pages.notices import Search, notices_view
from sunbid.pages.opening import opening_view
from sunbid.pages.opening_list import openings_view
from sunbid.pages.panel import (
    DraftMark,
    OpenDocument,
    SeatLine,
    SeatsView,
    SeatWork,
    SheetPage,
    closed_door,
    scoring_view,
    sheet_view,
)
from sunbid.pages.papers import papers_view
from sunbid.pages.release import ReleaseLine, ReleaseView
from sunbid.pages.sealing import Desk, hand_in_view, seal_view, withdraw_view
from sunbid.pages.supervision import (
    Chip,
    ClueRow,
    Comparison,
    Disposition,
    Distribution,
    EvidenceCard,
    ExaminationView,
    Passage,
    PropertyRow,
    Side,
    advice_tag,
    compare_view,
    inbox_view,
    price_lines,
    strip_of,
)
from sunbid.pages.tender import bids_deadline, tender_view
from sunbid.pages.verify import VerifyView, verify_view
from sunbid.web.releases import ConsentView
from supervision.forensics.alignment import aligned

NOW = datetime(2019, 5, 13, 6, 20, 5, 418_000, tzinfo=UTC)
DEADLINE = datetime(2019, 5, 17, 1, 0, tzinfo=UTC)
PUBLISHED = datetime(2019, 4, 26, 1, 0, tzinfo=UTC)
LOT = UUID("5f0c6f0e-8a54-4c0b-9d53-0f9f31f6a001")
DIGEST = "8e075d3ac1f294b67720e5d90b4c31aa6f982ce4d70513bb49e0a86f5c12f3d7"


def a_lot(status: str = "published", n: int = 1, title: str = "", **changes: object) -> Lot:
    """A lot of the sample tender."""
    values: dict[str, object] = {
        "id": LotId(UUID(int=LOT.int + n - 1)),
        "tender": TenderId(UUID(int=LOT.int + 100 + n)),
        "tender_number": f"A3406-2019-{n:04d}",
        "tender_title": title or "相山区政务服务大厅工程总承包（EPC）",
        "regime": "construction",
        "region": "淮北市相山区",
        "category": "epc",
        "summary": "建筑面积约 5,000 m²，共三层，设计、采购、施工一体",
        "parties": Parties(
            buyer_uscc="91340600MA0000001X",
            buyer_name="示例市相山区数据资源局",
            agency_uscc="91340600MA0000002X",
            agency_name="示例招标代理有限公司",
            supervisor_uscc="91340600MA0000003X",
            supervisor_name="示例市公共资源交易监督管理局",
            host_uscc="91340600MA0000004X",
            host_name="示例市公共资源交易中心",
        ),
        "number": 1,
        "title": "第 1 标段",
        "round": 1,
        "lock_key": 1,
        "suite": "INTL-1",
        "status": status,
        "ceiling_price_yuan": Decimal("21500000"),
        "duration_days": 65,
        "facts": {
            "建设地点": "示例市相山区，三层，5,000 m²",
            "资格": "建筑工程施工总承包二级及以上，联合设计单位乙级及以上",
        },
        "method": {"name": "comprehensive_evaluation"},
        "method_sha256": DIGEST,
        "volumes": ("qualification", "technical", "price"),
        "minimum_bidders": 3,
        "standstill_days": 3,
        "award_separated": True,
        "issued_on": PUBLISHED.date(),
        "deadline_at": DEADLINE,
        "opening_keys": DIGEST,
        "schedule": DIGEST[::-1],
        "access_key": None,
        "published_at": PUBLISHED,
        "closed_at": None,
    }
    return Lot(**(values | changes))  # type: ignore[arg-type]


def some_documents() -> list[Document]:
    """The tender documents of the sample."""
    names = (("招标文件.pdf", 1_240_000), ("工程量清单.xlsx", 61_000), ("施工图.pdf", 23_400_000))
    return [
        Document(
            id=UUID(int=7 + i), lot=LotId(LOT), name=name, sha256=DIGEST, size=size,
            added_at=PUBLISHED,
        )
        for i, (name, size) in enumerate(names)
    ]  # fmt: skip


def a_plan() -> Plan:
    """A plan published before the notice."""
    return Plan(
        id=LOT, number="JH-2019-0001", title="相山区政务服务大厅工程", regime="construction",
        region="淮北市相山区", buyer_uscc="91340600MA0000001X", buyer_name="示例市相山区数据资源局",
        estimate_yuan=Decimal("21500000"), summary="三层，约 5,000 m²",
        expected_on=PUBLISHED.date(), published_at=PUBLISHED - timedelta(days=20),
    )  # fmt: skip


def a_frame(visitor: Visitor | None = None, now: datetime = NOW) -> PageFrame:
    """What stands around the sample pages."""
    return PageFrame(
        now=now,
        factor=60,
        is_demo=True,
        moves=(
            ClockMove(before=PUBLISHED, after=PUBLISHED + timedelta(days=3)),
            ClockMove(before=PUBLISHED + timedelta(days=4), after=NOW - timedelta(hours=1)),
        ),
        visitor=visitor,
        csrf="0" * 64,
        ledger_root=DIGEST,
        papers_waiting=2 if visitor else 0,
    )


SUPERVISOR = Visitor(name="林范例", role="supervisor")
HOST = Visitor(name="李样例", role="trading-centre")
BIDDER = Visitor(name="示例建设甲有限公司", role="bidder")


def notices() -> object:
    """Six notices in several states, found by a word."""
    lots = [
        a_lot(),
        a_lot(n=2, title="相山区示例中学教学楼抗震加固工程施工", category="construction"),
        a_lot("opening", n=3, title="示例河相山段生态护岸工程监理", category="services"),
        a_lot("standstill", n=4, title="相山公交场站充电设施采购与安装", category="goods"),
        a_lot("terminated", n=5, title="示例新区综合管廊（二段）施工", category="construction"),
        a_lot("awarded", n=6, title="沿河绿化提升工程施工", category="construction"),
    ]
    return notices_view(lots, Search(query="相山"), NOW)


def no_notices() -> object:
    """A search that finds nothing."""
    return notices_view([], Search(query="binhelu", group="bidding"), NOW)


def open_tender() -> object:
    """A tender while bids are handed in."""
    view = tender_view(a_lot(), some_documents(), NOW, LotTimes(), is_bidder=True)
    return replace(view, tells=True, has_left=True)


def some_changes() -> list[Moved]:
    """Two postponements, one with new opening keys."""
    held = a_lot()
    moved = Moved(
        lot=LOT, number=held.tender_number, title=held.tender_title, lot_title=held.title,
        reason="答疑内容较多，顺延开标", has_new_keys=False, old_deadline=DEADLINE,
        new_deadline=DEADLINE + timedelta(days=3), in_force_at=NOW,
    )  # fmt: skip
    return [moved, replace(moved, has_new_keys=True, reason="两个席位的密钥未通过演练，更换席位")]


def awarded_tender() -> object:
    """A tender after its award."""
    times = LotTimes(
        opened_at=DEADLINE + timedelta(hours=1),
        evaluated_at=DEADLINE + timedelta(days=1),
        standstill_starts_at=DEADLINE + timedelta(days=2),
        standstill_ends_at=DEADLINE + timedelta(days=5),
        awarded_at=DEADLINE + timedelta(days=6),
    )
    return tender_view(a_lot("awarded"), [], DEADLINE + timedelta(days=7), times, is_bidder=False)


# name -> (template, view, visitor)
Sample = tuple[str, Callable[[], object], Visitor | None]
SAMPLES: dict[str, Sample] = {
    "plans": ("tender/plans.html", lambda: [a_plan()], None),
    "notices": ("tender/notices.html", notices, None),
    "notices-none": ("tender/notices.html", no_notices, None),
    "tender": ("tender/lot.html", open_tender, BIDDER),
    "changes": ("tender/changes.html", some_changes, None),
    "changes-none": ("tender/changes.html", list, None),
    "tender-awarded": ("tender/lot.html", awarded_tender, None),
}


def an_act(seq: int, state: str = "accepted", minutes: int = 60, kind: str = "manifest") -> Act:
    """One act of the sample bidder, some minutes before the deadline."""
    return Act(
        sid=f"{seq:064x}",
        lot=LOT,
        round=1,
        kind=kind,
        bidder_key=b"",
        submission=LOT,
        seq=seq,
        prev=None,
        intake_at=DEADLINE - timedelta(minutes=minutes, milliseconds=582),
        state=state,
        opening_keys=DIGEST,
        envelopes=tuple(
            {"volume": name, "tree": DIGEST, "size": size}
            for name, size in (("price", 24_600), ("qualification", 812_000), ("technical", 5_000))
        ),
        sealed_row=b"",
        queue=LOT,
        ticket=b"",
        receipt=b"" if state == "accepted" else None,
        receipt_id=LOT if state == "accepted" else None,
        licence_status="good",
        refusal=None,
        statement=None,
    )  # fmt: skip


HOLDER = Holder(
    bidder=Bidder(uscc="91340600MA0000011X", name="示例建设甲有限公司", mandate=None),
    server="http://127.0.0.1:8000",
)


def tasks_sent() -> object:
    """A bidder that handed in twice; the third was refused."""
    acts = [an_act(1, minutes=4000), an_act(2, minutes=90), an_act(3, "refused", minutes=20)]
    door = DoorRefusal(
        act=DIGEST, code="E_SEQ", refusal=DIGEST, lot=LOT, round=1, bidder_key=b"",
        decided_at=DEADLINE - timedelta(minutes=19),
    )  # fmt: skip
    now = DEADLINE - timedelta(minutes=17, seconds=43)
    return tasks_view(a_lot(), acts, 3, now, HOLDER, [door])


def tasks_unsent() -> object:
    """A bidder with nothing handed in after the closing."""
    return tasks_view(a_lot("closed"), [], 3, DEADLINE + timedelta(seconds=4), HOLDER)


def an_old_receipt() -> object:
    """A receipt whose bidder handed in again, as that bidder sees it after the deadline."""
    return replace(a_receipt(), later=words("receipt.later_manifest"))  # type: ignore[type-var]


def a_receipt() -> object:
    """A receipt under a policy without witnesses."""
    intake = DEADLINE - timedelta(minutes=8, milliseconds=56_582)
    body = {
        "receipt": str(LOT), "act_type": "manifest", "act": DIGEST, "seq": 2,
        "supersedes": DIGEST, "ledger": {"index": 482},
        "envelopes": [dict(e) for e in an_act(2).envelopes],
    }  # fmt: skip
    checks = (
        Check(
            id="C2", ok=True, title=words("receipt.check_signature"),
            detail=words("receipt.check_signature_text"),
        ),
        Check(
            id="C5", ok=True, title=words("receipt.check_ledger"),
            detail=words("receipt.check_ledger_text", index=482, size=512),
        ),
        Check(
            id="C8", ok=True, title=words("receipt.check_time"),
            detail=words(
                "receipt.check_time_text", intake=intake, deadline=DEADLINE,
                early=DEADLINE - intake,
            ),
        ),
        Check(
            id="C7", ok=None, title=words("receipt.check_witness"),
            detail=words("receipt.check_witness_none"),
        ),
    )  # fmt: skip
    paper = ReceiptPaper(
        body=body,
        intake_at=intake,
        deadline_at=DEADLINE,
        level="unwitnessed",
        checks=checks,
        bidder=("示例建设甲有限公司", "91340600MA0000011X"),
        qr=qr_svg(f"sunbid:sid:{DIGEST}", "QR"),
        now=NOW,
    )
    return receipt_view(a_lot(), paper)


def a_state(*acts: Act, status: str = "published") -> BidState:
    """Where the sample bidder stands after these acts."""
    return bid_state(a_lot(status), acts, HOLDER.bidder)


DESK = Desk(frame="http://127.0.0.1:8001", is_demo=True, has_app_key=True)


def sealing(here: str, *acts: Act, desk: Desk = DESK) -> object:
    """The page of sealing or of checking, minutes before the deadline."""
    lot, now = a_lot(), DEADLINE - timedelta(minutes=17, seconds=43)
    deadline = without_action(bids_deadline(lot, now, is_bidder=True))
    return seal_view(lot, a_state(*acts), acts, deadline, desk, here)


def a_co_signing(challenge: str | None = None, *, is_operator: bool = False) -> object:
    """The page where a member of a consortium signs."""
    return CoSignView(
        uscc=HOLDER.bidder.uscc,
        name=HOLDER.bidder.name,
        is_operator=is_operator,
        is_demo=True,
        challenge=challenge,
    )


def a_consent() -> object:
    """The page that waits for the licence app."""
    url = "http://127.0.0.1:8002/consent/x"
    return ConsentView(lot_id=str(LOT), code=qr_svg(url, "QR"), consent_url=url)


def a_release(**changes: object) -> ReleaseView:
    """The bidder's part of the hall in phase 1."""
    lines = (
        ReleaseLine(label=words("volume.price"), tree=DIGEST, released_at=None),
        ReleaseLine(label=words("volume.qualification"), tree=DIGEST, released_at=DEADLINE),
    )
    made = ReleaseView(
        lot_id=str(LOT), uscc=HOLDER.bidder.uscc, closing=DIGEST, stage=1, is_open=True,
        is_done=False, until=DEADLINE + timedelta(minutes=30), lines=lines, has_app_key=True,
        desk=DESK,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


SAMPLES |= {
    "seal": ("bid/seal.html", lambda: sealing("seal"), BIDDER),
    "seal-again": ("bid/seal.html", lambda: sealing("seal", an_act(1)), BIDDER),
    "seal-command": (
        "bid/seal.html",
        lambda: sealing("seal", desk=replace(DESK, frame=None)),
        BIDDER,
    ),
    "check": ("bid/check.html", lambda: sealing("check", an_act(1)), BIDDER),
    "co-sign": ("bid/co-sign.html", a_co_signing, BIDDER),
    "co-signed": ("bid/co-sign.html", lambda: a_co_signing(str(LOT)), BIDDER),
    "co-sign-operator": ("bid/co-sign.html", lambda: a_co_signing(is_operator=True), BIDDER),
    "hand-in": (
        "bid/hand-in.html",
        lambda: hand_in_view(a_lot(), a_state(), str(LOT)),
        BIDDER,
    ),
    "withdraw": ("bid/withdraw.html", lambda: withdraw_view(a_lot(), a_state(an_act(1))), BIDDER),
    "withdraw-none": ("bid/withdraw.html", lambda: withdraw_view(a_lot(), a_state()), BIDDER),
    "consent": ("bid/consent.html", a_consent, BIDDER),
    "tasks-pending": (
        "bid/tasks.html",
        lambda: tasks_view(a_lot(), [an_act(1, "pending")], 3, NOW, HOLDER),
        BIDDER,
    ),
    "tasks-withdrawn": (
        "bid/tasks.html",
        lambda: tasks_view(a_lot(), [an_act(1), an_act(2, kind="withdraw")], 3, NOW, HOLDER),
        BIDDER,
    ),
    "tasks": ("bid/tasks.html", tasks_sent, BIDDER),
    "tasks-unsent": ("bid/tasks.html", tasks_unsent, BIDDER),
    "receipt-old": ("bid/receipt.html", an_old_receipt, BIDDER),
    "receipt": ("bid/receipt.html", a_receipt, BIDDER),
}


NAMES = ("甲", "乙", "丙", "丁", "戊", "己", "庚")
PRICES = ("19870000", "20120000", "20365000", "20610000", "20855000", "21030000")


def a_submission(i: int) -> UUID:
    """The submission of the i-th sample bidder."""
    return UUID(int=LOT.int + 1000 + i)


def some_listed(released: int) -> list[Listed]:
    """Three envelopes of seven bids; so many bids are released by their bidders."""
    return [
        Listed(
            lot=LOT, tree=f"{i}{j}" * 32, stage=1, submission=a_submission(i), act=DIGEST, seq=1,
            volume=volume, header_hash="", wraps_hash="", size=1, upload=LOT, header=b"",
            wraps=b"", blob="whole", blob_until=None, b_value=b"x" if i < released else None,
            b_from="bidder" if i < released else None,
            b_at=DEADLINE + timedelta(minutes=3 + i) if i < released else None, t_value=None,
        )
        for i in range(7)
        for j, volume in enumerate(("price", "qualification", "technical"))
    ]  # fmt: skip


def some_bidders() -> dict[UUID, Named]:
    """Who stands behind the seven bids."""
    return {
        a_submission(i): Named(uscc=f"9134060{i}MA00000{i}1X", name=f"示例建设{name}有限公司")
        for i, name in enumerate(NAMES)
    }


def kept(kind: str, minutes: int, **body: object) -> Kept:
    """A statement told in the hall."""
    statement = Statement(type=kind, body=body, sigs=())
    at = DEADLINE + timedelta(minutes=minutes, seconds=12)
    return Kept(statement=statement, public=True, queue=None, accepted_at=at)


def an_opening(phase: str, minutes: int, window: int | None = 30) -> Opening:
    """An opening in some phase."""
    at = DEADLINE + timedelta(minutes=minutes)
    return Opening(
        lot=LOT, closed_at=DEADLINE, closed_tick=1, cut=LOT, closing=DIGEST, list_root=DIGEST,
        stage=1, phase=phase, phase_at=at,
        phase_until=at + timedelta(minutes=window) if window else None,
        remedy_start=None, record=None, recorded_at=None, suspended_at=None, decided=None,
    )  # fmt: skip


def hall_sealed() -> object:
    """The hall while bidders release: names and prices are sealed."""
    told = [
        kept("closing", 1, count=7, list_root=DIGEST),
        kept("opening-step", 2, step="phase1"),
        kept("share-check", 3, group="T", i=2),
        kept("release-ack", 4, trees=["a", "b", "c"]),
    ]
    return opening_view(
        HallFacts(
            lot=a_lot("opening"), opening=an_opening("phase1", 2), listed=some_listed(5),
            shares=[], checks=[], results=[], bids=[],
            needed=Thresholds(custodians=3, custodians_needed=2, remedy=3, remedy_needed=2),
            told=told, answers=[], record=None, silent=[], now=DEADLINE + timedelta(minutes=14),
        )
    )  # fmt: skip


def hall_open() -> object:
    """The hall while prices are read; one bid could not be opened, one was remedied."""
    listed = some_listed(7)
    results = [
        Result(
            tree=one.tree, submission=one.submission, volume=one.volume,
            code="SEALED_WRONG" if one.submission == a_submission(4) else "OPENED",
            fault="none", b_from="bidder", deal_wrong=(), plain_sha256=None,
        )
        for one in listed
    ]  # fmt: skip
    remedied = [
        replace(one, b_from="remedy") if one.submission == a_submission(6) else one
        for one in listed
    ]
    bids = [
        OpenedBid(
            lot=LOT, submission=a_submission(i), uscc=f"9134060{i}MA00000{i}1X",
            name=f"示例建设{NAMES[i]}有限公司",
            items={"price_yuan": price, "duration_days": 65, "project_manager": f"王{NAMES[i]}"},
            files={}, machine_code=None,
        )
        for i, price in zip((0, 1, 2, 3, 5, 6), PRICES, strict=True)
    ]  # fmt: skip
    shares = [Share(group="T", i=i, tree=one.tree, value=b"") for one in listed for i in (1, 3)]
    told = [
        kept("closing", 1, count=7, list_root=DIGEST),
        kept("opening-step", 2, step="phase1"),
        kept("release-ack", 4, trees=["a", "b", "c"]),
        kept("opening-step", 32, step="phase2"),
        kept("release-r", 35, i=1),
        kept("opening-step", 36, step="phase3"),
        kept("release-t", 40, i=3),
        kept("opening-step", 44, step="phase4"),
        kept("objection", 46, uscc="91340604MA0000041X", content="本公司手机收不到授权请求。"),
    ]
    return opening_view(
        HallFacts(
            lot=a_lot("opening"), opening=an_opening("record", 44, 15), listed=remedied,
            bidders=some_bidders(),
            shares=shares, checks=[], results=results, bids=bids,
            needed=Thresholds(custodians=3, custodians_needed=2, remedy=3, remedy_needed=2),
            told=told, answers=[], record=None, silent=[], now=DEADLINE + timedelta(minutes=51),
        ),
        own_uscc="91340601MA0000011X",
    )  # fmt: skip


def hall_suspended() -> object:
    """The hall of an opening that waits for its remedy members, as the supervisor sees it."""
    at = DEADLINE + timedelta(minutes=48)
    told = [
        kept("closing", 1, count=7, list_root=DIGEST),
        kept("opening-step", 2, step="phase1"),
        kept("opening-step", 32, step="phase2"),
        kept("release-r", 36, i=1),
        kept("opening-step", 48, step="suspended"),
    ]
    return opening_view(
        HallFacts(
            lot=a_lot("suspended"),
            opening=replace(an_opening("phase2", 32, 15), suspended_at=at),
            listed=some_listed(3), shares=[], checks=[], results=[], bids=[],
            needed=Thresholds(custodians=3, custodians_needed=2, remedy=3, remedy_needed=2),
            told=told, answers=[], record=None, silent=[("R", 2), ("R", 3)],
            now=at + timedelta(minutes=2),
        ),
        decides=True,
    )  # fmt: skip


def hall_before() -> object:
    """The hall before the deadline."""
    return opening_view(
        HallFacts(
            lot=a_lot(), opening=None, listed=[], shares=[], checks=[], results=[], bids=[],
            needed=None, told=[], answers=[], record=None, silent=[], now=NOW,
        )
    )  # fmt: skip


def a_console() -> object:
    """The console while bidders release: one file is damaged, one remedy member complains."""
    told = [kept("closing", 1, count=7, list_root=DIGEST), kept("opening-step", 2, step="phase1")]
    until = DEADLINE + timedelta(minutes=20)
    listed = [replace(one, blob_until=until) if n == 0 else one
              for n, one in enumerate(some_listed(5))]  # fmt: skip
    hall = HallFacts(
        lot=a_lot("opening"), opening=an_opening("phase1", 2), listed=listed,
        shares=[], checks=[], results=[], bids=[],
        needed=Thresholds(custodians=3, custodians_needed=2, remedy=3, remedy_needed=2),
        told=told, answers=[], record=None, silent=[], now=DEADLINE + timedelta(minutes=14),
    )  # fmt: skip
    seats = [
        Present(group=group, i=i, name=f"示例单位{group}{i}", checked=21 if i < 3 else 0,
                complaints=int((group, i) == ("R", 2)), released=False)
        for group in ("T", "R") for i in (1, 2, 3)
    ]  # fmt: skip
    ends = DEADLINE + timedelta(minutes=32)
    window = WindowOpen("6 envelopes wait for their bidders", extra=waits("bidders", 6, ends))
    steps = [
        Step(name="extended", refusal=WrongPhase("no outage")),
        Step(name="phase3", refusal=WrongPhase("some envelopes lack their bidder's half")),
        Step(name="phase2", refusal=window),
    ]
    facts = ConsoleFacts(hall=hall, steps=steps, members=seats, damaged=1, acts=some_acts())
    return console_view(facts, is_host=True)


def some_acts(**changes: object) -> ActsFacts:
    """What may be done beside the steps; nothing unless said."""
    nothing = ActsFacts(
        omissions=0, next_stage=None, disputed=[], is_late=False, answered=frozenset(), awaited=[]
    )
    return replace(nothing, **changes)  # type: ignore[arg-type]  # each field by its own name


def a_recorded_hall(phase: str) -> HallFacts:
    """A first stage that was opened: its record waits, or is signed; one objection, answered."""
    every = [one for one in some_listed(3) if one.submission in list(some_bidders())[:3]]
    listed = [replace(one, stage=None) if one.volume == "price" else one for one in every]
    staged = [one for one in listed if one.stage == 1]
    objected = kept("objection", 46, uscc="91340600MA0000001X", content="唱标漏读工期。")
    bids = [
        OpenedBid(
            lot=LOT, submission=a_submission(i), uscc=f"9134060{i}MA00000{i}1X",
            name=f"示例建设{NAMES[i]}有限公司", items={}, files={}, machine_code=None,
        )
        for i in range(3)
    ]  # fmt: skip
    results = [
        Result(
            tree=one.tree, submission=one.submission, volume=one.volume, code="OPENED",
            fault="none", b_from="bidder", deal_wrong=(), plain_sha256=None,
        )
        for one in staged
    ]  # fmt: skip
    answer = unsigned(
        "event",
        {
            "name": "bidding:objection:answer", "actor": "91340600MA0000004X",
            "data": {
                "objection": objected.statement.sid, "text": "工期 65 日，现补读并记入记录。",
                "role": "trading-centre", "at": time_text(DEADLINE + timedelta(minutes=48)),
            },
        },
    )  # fmt: skip
    signers = (
        ("trading-centre", None, "91340600MA0000004X", 50),
        ("supervisor", None, "91340600MA0000003X", None),
        *(("bidder", None, bid.uscc, 49 if bid is bids[0] else None) for bid in bids),
    )
    record = Paper(
        statement=unsigned("opening-record", {}), scope=LOT,
        waiting=tuple(
            Waiting(
                required=Required(role=role, subject=subject, optional=role == "bidder"),
                signed_at=None if at is None else DEADLINE + timedelta(minutes=at),
            )
            for role, _, subject, at in signers
        ),
        offered_at=DEADLINE + timedelta(minutes=45), completed_at=None,
    )  # fmt: skip
    return HallFacts(
        lot=a_lot("opening"), opening=an_opening(phase, 45, 15 if phase == "record" else None),
        listed=listed, bidders=some_bidders(), results=results, bids=bids,
        shares=[Share(group="T", i=i, tree=one.tree, value=b"") for one in staged for i in (1, 3)],
        checks=[Checked(group="T", i=2, tree=staged[0].tree, result="unwrap_failed")],
        needed=Thresholds(custodians=3, custodians_needed=2, remedy=3, remedy_needed=2),
        told=[kept("closing", 1, count=3, list_root=DIGEST), objected], answers=[answer],
        record=record if phase == "record" else None, silent=[],
        now=DEADLINE + timedelta(minutes=51),
    )  # fmt: skip


def hall_record() -> object:
    """The hall while bidders may object to the record and co-sign it."""
    return opening_view(a_recorded_hall("record"), own_uscc="91340600MA0000001X")


def a_console_unsealing() -> object:
    """The console in phase 4: so many files are examined, and nothing of them is shown."""
    phase1 = a_recorded_hall("phase4")
    hall = replace(phase1, results=[], bids=[])
    facts = ConsoleFacts(hall=hall, steps=[], members=[], damaged=0, acts=some_acts())
    count = Count(files=6, through=4, size=5_600_000_000, done=3_480_000_000)
    return console_view(facts, is_host=True, count=count)


def a_console_between_stages() -> object:
    """The console between two stages: the host proposes who goes on."""
    hall = a_recorded_hall("done")
    stage = NextStage(
        number=2, volumes=["price"], opens_at=None,
        bids=[(bid.submission, bid.name) for bid in hall.bids], evaluations=[DIGEST],
    )  # fmt: skip
    acts = some_acts(
        next_stage=stage, awaited=[Awaited(kind="schedule", roles=("buyer", "supervisor"))]
    )
    facts = ConsoleFacts(hall=hall, steps=[], members=[], damaged=0, acts=acts)
    return console_view(facts, is_host=True)


def a_console_of_the_supervisor() -> object:
    """The console as the supervisor sees it: what it alone may ask for."""
    hall = a_recorded_hall("record")
    acts = some_acts(
        disputed=[DisputedEnvelope(tree=DIGEST, volume="price")], is_late=True, omissions=1,
        awaited=[Awaited(kind="opening-record", roles=("supervisor",))],
    )  # fmt: skip
    facts = ConsoleFacts(hall=hall, steps=[], members=[], damaged=0, acts=acts)
    return console_view(facts, is_host=False)


SAMPLES |= {
    "console": ("opening/console.html", a_console, HOST),
    "console-unsealing": ("opening/console.html", a_console_unsealing, HOST),
    "console-stages": ("opening/console.html", a_console_between_stages, HOST),
    "console-supervisor": ("opening/console.html", a_console_of_the_supervisor, SUPERVISOR),
    "hall-record": ("opening/hall.html", hall_record, BIDDER),
    "hall-sealed": ("opening/hall.html", hall_sealed, None),
    "hall-open": ("opening/hall.html", hall_open, BIDDER),
    "hall-suspended": ("opening/hall.html", hall_suspended, SUPERVISOR),
    "hall-before": ("opening/hall.html", hall_before, None),
    "halls": (
        "opening/list.html",
        lambda: openings_view([a_lot(), a_lot("opening", 2)], NOW),
        None,
    ),
}


EXPERT = Visitor(name="3 号席位", role="expert", note="身份不显示")
CRITERIA = (
    ("t1", "总体部署与进度", "15"),
    ("t2", "质量与检测", "15"),
    ("t3", "安全文明施工", "20"),
    ("t4", "雨季施工措施", "8"),
    ("t5", "交通导改", "20"),
)
PARAGRAPHS = (
    "3.6　雨季施工措施",
    "本工程管槽开挖期跨 6 至 9 月，滨河段地下水位高程 21.3 m，槽底最低高程 18.7 m。",
    "沿河侧每 25 m 设一口降水井，井深 9 m，共 96 口；抽排能力按 24 小时降雨 186 mm 复核。",
    "气象预警达到黄色时停止开挖，一小时内完成槽口覆盖与人员撤离。",
)  # fmt: skip


def seat_work(done: int = 12) -> SeatWork:
    """A seat that has scored some of six blind bids."""
    criteria = (
        Criterion(id="q1", name="资质等级", volume="qual", kind="pass_fail", max=None, step=None),
        *(
            Criterion(
                id=key, name=name, volume="tech", kind="range", max=Decimal(most),
                step=Decimal("0.1"),
            )
            for key, name, most in CRITERIA
        ),
    )  # fmt: skip
    method = Method(
        decimals=2,
        price=PriceTerms(formula="V5", full=Decimal(60), terms={}, float_points=None),
        criteria=criteria,
        trim_each_side=1,
        candidates=3,
        sha256=DIGEST,
    )
    codes = ("A", "B", "C", "D", "E", "F")
    cells = [(code, c) for code in codes for c in criteria]
    shares = ("0.73", "0.87", "0.9", "0.6")
    marks = {
        (code, c.id): DraftMark(
            score=None if c.max is None else round(c.max * Decimal(shares[i % 4]), 1),
            passed=True if c.max is None else None,
            comment="井点布置与 24 小时降雨复核具体；图 3-11 的汛期接驳没有给出管径与流量。",
            saved_at=NOW,
        )
        for i, (code, c) in enumerate(cells[:done])
    }  # fmt: skip
    return SeatWork(
        lot_id=str(LOT), title="相山区政务服务大厅工程总承包（EPC）", seat=3, method=method,
        codes=codes, marks=marks,
    )  # fmt: skip


def scoring() -> object:
    """The split view in the middle of the third bid."""
    document = OpenDocument(
        name="施工组织设计.pdf",
        page=4,
        pages=12,
        sheets=(SheetPage(number=4, image=None, paragraphs=PARAGRAPHS),),
        previous="?page=3",
        next="?page=5",
        download="/api/v1/x",
        is_readable=True,
        files=(("施工组织设计.pdf", "?file=1", True), ("进度计划.pdf", "?file=2", False)),
    )
    return scoring_view(seat_work(17), "C", "t4", document)


def scoring_verdict() -> object:
    """The split view at a criterion that is met or not, without a document."""
    return scoring_view(seat_work(2), "A", "q1", None)


def scoring_named() -> object:
    """The split view at the qualification, with every technical mark given."""
    return scoring_view(seat_work(2), "A", "q1", None, closed_door("x", 0))


def scoring_early() -> object:
    """The split view at the qualification, with technical marks missing."""
    return scoring_view(seat_work(2), "A", "q1", None, closed_door("x", 12))


def seats() -> object:
    """Two panels of one expert."""
    go = Action(label=words("seats.open"), href="/seats/x", kind="primary")
    return SeatsView(
        lines=(
            SeatLine(
                title="相山区政务服务大厅工程总承包（EPC）", number="A3406-2019-0001", seat=3,
                tag=Tag(label=words("seats.scoring"), state="now", icon="sun"),
                text=words("seat.matrix_note", done=12, total=36), action=go,
            ),
        )
    )  # fmt: skip


SAMPLES |= {
    "scoring": ("panel/scoring.html", scoring, EXPERT),
    "scoring-named": ("panel/scoring.html", scoring_named, EXPERT),
    "scoring-early": ("panel/scoring.html", scoring_early, EXPERT),
    "scoring-verdict": ("panel/scoring.html", scoring_verdict, EXPERT),
    "scoring-signed": (
        "panel/scoring.html",
        lambda: scoring_view(replace(seat_work(36), is_signed=True), "A", "t1", None),
        EXPERT,
    ),
    "seats": ("panel/seats.html", seats, EXPERT),
    "sheet": ("panel/sheet.html", lambda: sheet_view(seat_work(36), signed_at=None), EXPERT),
    "sheet-open": ("panel/sheet.html", lambda: sheet_view(seat_work(30), signed_at=None), EXPERT),
}


def inbox() -> object:
    """Three tenders with clues of different strength."""
    due = DEADLINE + timedelta(days=10)
    rows = [
        ClueRow(
            href="/clues/1", title="相山区政务服务大厅工程总承包（EPC）", number="A3406-2019-0001",
            is_new=True,
            chips=(
                Chip(grade="A", label=words("clues.chip_R102")),
                Chip(grade="B", label=words("clues.chip_R101")),
                Chip(grade="C", label="报价等差"),
            ),
            involved=("丁", "戊", "己"), base_rate="0.06%（18,660 对中 11 对）",
            advice=advice_tag(["A", "B", "C"]), due_at=due, left=timedelta(days=3),
        ),
        ClueRow(
            href="/clues/2", title="示例镇污水管网施工", number="A3406-2019-0002", is_new=False,
            chips=(Chip(grade="B", label="共投集中"), Chip(grade="C", label="轮流中标")),
            involved=("辰", "巳"), base_rate="1.8%（500 件中 9 件）", advice=advice_tag(["B", "C"]),
            due_at=due, left=timedelta(days=7),
        ),
        ClueRow(
            href="/clues/3", title="示例路交通信号设备采购", number="A3406-2019-0003", is_new=False,
            chips=(Chip(grade="C", label="同一公网地址上传"),), involved=("未", "申"),
            base_rate="11.6%（500 件中 58 件）", advice=advice_tag(["C"]), due_at=None, left=None,
        ),
    ]  # fmt: skip
    return inbox_view(rows, {"waiting": 3, "running": 1, "decided": 87}, "waiting", 39)


def examination() -> object:
    """One tender with three pieces of evidence."""
    prices = {
        f"示例建设{name}有限公司": Decimal(price)
        for name, price in zip(NAMES, PRICES, strict=False)
    }
    ring = frozenset(f"示例建设{name}有限公司" for name in NAMES[3:6])
    lines = price_lines(prices, ring)
    cards = (
        EvidenceCard(
            id="R101", grade="A", title="三份报价册出自同一台电脑",
            article="招标投标法实施条例第四十条第一项：不同投标人的投标文件由同一单位或者个人编制",
            text="3 份报价册的机器码相同。演示数据中没有同类基数。",
            distribution=Distribution(
                spark=spark([46, 7, 2, 1], 0.87), label="同类投标人对的相同特征数",
                mark="本组 3 份", low="0", high="3",
            ),
            innocent="同一打印社或造价咨询代做；镜像安装导致机器码相同。",
            links=(), stamps=("来源 报价册 XLSX", f"SHA-256 {DIGEST[:16]}…", "规则 R101 2026-11"),
            disposition=Disposition(choice="accepted", reason="已函询软件厂商。"),
        ),
        EvidenceCard(
            id="R102", grade="B", title="去掉招标文件原文后，丁戊仍有 3 段相同",
            article="实施条例第四十条第四项：投标文件异常一致",
            text="共 1,412 字相同，含 1 处相同错字。", distribution=None,
            innocent="引用同一规范或同一厂家资料。",
            links=(Action(label="并排比对 3 段", href="/clues/1/compare/0"),),
            stamps=("规则 R102 2026-11",), disposition=Disposition(),
        ),
    )  # fmt: skip
    return ExaminationView(
        case_id="1",
        title="相山区政务服务大厅工程总承包（EPC）",
        crumbs=(
            Crumb(label=words("clues.title"), href="/clues"),
            Crumb(label="A3406-2019-0001"),
        ),
        tags=(advice_tag(["A"]),),
        lead=words("examination.lead", bidders=6),
        cards=cards,
        strip=strip_of(lines, Decimal("21500000")),
        prices=lines,
        pairs=((words("examination.decided_of"), "1 / 2"),),
        actions=(
            Action(
                label=words("examination.take"), href="/clues/1/take", kind="primary", post=True
            ),
        ),
        decide_address="/clues/1/dispositions",
    )


def compare() -> object:
    """Two bids with three shared passages."""
    text = "沟槽两侧堆土高度不超过 1.5 m，遇降雨立既停止开挖并覆盖，雨后须经监理人确任方可复工。"
    passages = [
        Passage(
            number=n, chars=len(text), a_page=87 + n, b_page=102 + n,
            runs=aligned(text, text.replace("监理人", "监理")),
            a_place=0.1 * n, b_place=0.12 * n,
        )
        for n in range(1, 6)
    ]  # fmt: skip
    same = Tag(label=words("compare.equal"), state="warn", icon="warn")
    found = Comparison(
        address="/clues/1/compare/0",
        crumbs=(
            Crumb(label=words("clues.title"), href="/clues"),
            Crumb(label="A3406-2019-0001", href="/clues/1"),
            Crumb(label=words("compare.side_by_side")),
        ),
        a=Side(label="丁", bidder="示例建设丁有限公司", file="施工组织设计.docx"),
        b=Side(label="戊", bidder="示例建设戊有限公司", file="技术标.docx"),
        passages=passages,
        properties=[
            PropertyRow(name=words("compare.author"), a="user-07", b="user-07", tag=same),
            PropertyRow(
                name=words("compare.created"), a="2019-05-02 21:14", b="2019-05-02 21:31",
                tag=Tag(label=words("compare.different")),
            ),
        ],
    )  # fmt: skip
    return compare_view(found, 2)


SAMPLES |= {
    "inbox": ("supervision/inbox.html", inbox, SUPERVISOR),
    "examination": ("supervision/examination.html", examination, SUPERVISOR),
    "compare": ("supervision/compare.html", compare, SUPERVISOR),
}


def verified(evil: bool) -> object:
    """The checks of a package, one of them false where somebody edited a score."""
    found = {
        "ok": not evil,
        "checks": [
            {"id": "C1", "name": "Files", "ok": True, "object": "", "detail": "43 files"},
            {"id": "C7", "name": "Witnesses", "ok": None, "object": "", "detail": "quorum none"},
            {
                "id": "C57", "name": "Rows", "ok": not evil, "object": "expert 7, t2, bid C",
                "detail": "row says 9.0, sheet says 8.0" if evil else "180 rows",
            },
        ],
    }  # fmt: skip
    return verify_view("package.zip", 2_100_000, "package", found, frozenset({"C1", "C7", "C57"}))


def waiting_papers() -> object:
    """Two papers of an agency."""

    def a_paper(kind: str, hour: int, **body: object) -> Paper:
        waiting = (
            Waiting(required=Required(role="agency", subject="91340600MA0000002X"), signed_at=None),
            Waiting(
                required=Required(role="supervisor", subject="91340600MA0000003X"), signed_at=NOW
            ),
        )
        return Paper(
            statement=Statement(type=kind, body=body, sigs=()),
            scope=LOT, waiting=waiting, offered_at=NOW - timedelta(hours=hour), completed_at=None,
        )  # fmt: skip

    papers = [a_paper("draw", 1, v=1, purpose="experts"), a_paper("opening-record", 3, v=1)]
    return papers_view(papers, lambda required: required.subject == "91340600MA0000002X")


def evaluated(award: bool) -> Evaluated:
    """The report of the sample tender."""
    results = [
        {
            "submission": str(a_submission(i)), "code": "ABCDEF"[i], "qualified": i != 5,
            "reason": "资质等级不符合招标文件第 3.1 条" if i == 5 else None,
            "technical": None if i == 5 else f"{34.2 - i:.2f}",
            "price_yuan": PRICES[i], "price_score": None if i == 5 else f"{59.9 - i:.2f}",
            "total": None if i == 5 else f"{94.1 - 2 * i:.2f}", "rank": None if i == 5 else i + 1,
        }
        for i in range(6)
    ]  # fmt: skip
    names = {
        str(a_submission(i)): (f"示例建设{NAMES[i]}有限公司", f"9134060{i}MA00000{i}1X")
        for i in range(6)
    }
    report = {
        "method_sha256": DIGEST, "panel": [{}] * 5, "float": {"id": "C", "value": "0.01"},
        "price_benchmark": "20290000.00", "results": results,
        "candidates": [str(a_submission(i)) for i in range(3)],
    }  # fmt: skip
    signed = {
        "submission": str(a_submission(1)), "name": names[str(a_submission(1))][0],
        "basis": "定标委员会第 1 轮票决，5 票中 3 票",
        "ballots": [[
            {"candidate": str(a_submission(0)), "votes": 2},
            {"candidate": str(a_submission(1)), "votes": 3},
            {"candidate": str(a_submission(2)), "votes": 0},
        ]],
    }  # fmt: skip
    starts = DEADLINE + timedelta(days=2)
    return Evaluated(
        lot=a_lot("awarded" if award else "standstill"), report_sid=DIGEST, report=report,
        names=names, starts_at=starts, ends_at=starts + timedelta(days=3),
        now=starts + timedelta(days=4 if award else 1), award=signed if award else None,
        award_sid=DIGEST if award else None,
    )  # fmt: skip


def vote() -> object:
    """An open ballot."""
    found = evaluated(award=False)
    rows = {row["submission"]: row for row in found.report["results"]}
    material = {
        "ballot": 1, "members": [{}] * 5, "voted": ["x"],
        "standstill": {"ends_at": NOW.isoformat()},
        "candidates": [
            {
                "submission": one, "name": found.names[one][0], "uscc": found.names[one][1],
                "price_yuan": rows[one]["price_yuan"], "result": rows[one],
            }
            for one in found.report["candidates"]
        ],
    }  # fmt: skip
    return vote_view(a_lot("standstill"), material, "me", NOW)


def some_mandates(*, is_company: bool) -> MandatesView:
    """A mandate of each state."""
    tender = "5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11"

    def given(days: int, revoked: int | None, tenders: list[str] | None) -> Given:
        body = Mandate(
            v=1,
            mandate_id=tender,
            uscc="91340600MA2000001X",
            operator=Operator(person_tag=None, kid="kZ3xq8Wl0aYp5TnB", alg="ES256", pk="A" * 87),
            scope=["submit", "withdraw"],
            tenders=tenders,
            not_before=time_text(NOW - timedelta(days=20)),
            not_after=time_text(NOW + timedelta(days=days)),
        )
        return Given(
            statement=unsigned("mandate", body),
            body=body,
            accepted_at=NOW - timedelta(days=20),
            revocation=None,
            revoked_at=None if revoked is None else NOW - timedelta(days=revoked),
            queues=(),
        )

    found = [given(70, None, [tender]), given(40, 3, None), given(-1, None, None)]
    titles = {tender: "相山区示例道路改造工程"}
    return mandates_view(
        found if is_company else found[:1], NOW, is_company=is_company, titles=titles
    )


AGENCY = Visitor(name="示例招标代理有限公司", role="agency")
MEMBER = Visitor(name="周示例", role="committee")
SAMPLES |= {
    "verify": ("visitor/verify.html", lambda: VerifyView(result=None), None),
    "verify-good": ("visitor/verify.html", lambda: verified(evil=False), None),
    "verify-evil": ("visitor/verify.html", lambda: verified(evil=True), None),
    "papers": ("visitor/papers.html", waiting_papers, AGENCY),
    "papers-none": ("visitor/papers.html", lambda: papers_view([], lambda _: False), AGENCY),
    "candidates": ("award/candidates.html", lambda: candidates_view(evaluated(award=False)), None),
    "award": ("award/candidates.html", lambda: candidates_view(evaluated(award=True)), None),
    "awards": ("award/list.html", lambda: awards_view([a_lot("awarded")]), None),
    "vote": ("award/vote.html", vote, MEMBER),
    "ledger": (
        "visitor/ledger.html",
        lambda: ledger_view("localhost/sunbid", "quorum none", 512, DIGEST, "localhost/sunbid"),
        None,
    ),
    "problem-kind": (
        "visitor/problem_kind.html",
        lambda: ProblemView(code="late", title="Bids have closed.", status=409),
        None,
    ),
    "mandates": ("bid/mandates.html", lambda: some_mandates(is_company=True), BIDDER),
    "mandates-none": (
        "bid/mandates.html",
        lambda: mandates_view([], NOW, is_company=True, titles={}),
        BIDDER,
    ),
    "mandates-operator": (
        "bid/mandates.html",
        lambda: some_mandates(is_company=False),
        Visitor(name="示例建设甲有限公司", role="operator"),
    ),
    "bids": (
        "bid/list.html",
        lambda: BidsView(open_lots=(("/lots/1/bid", "相山", "A3406"),), past_lots=()),
        BIDDER,
    ),
}


def seat_task(asked: str, **changes: object) -> SeatTask:
    """A seat of the sample lot."""
    phase = {"check": "phase1", "release": "phase3", "answered": "phase3"}.get(asked)
    values: dict[str, object] = {
        "lot": a_lot("opening" if phase else "published"), "group": "T", "i": 2, "kid": "kid",
        "needed": 2, "members": 3, "opening_keys": DIGEST, "asked": asked, "phase": phase,
        "until": DEADLINE + timedelta(minutes=30) if phase else None,
    }  # fmt: skip
    return SeatTask(**{**values, **changes})  # type: ignore[arg-type]


def readiness(state: str) -> Readiness:
    """The newest drill, with answers as the state says."""
    passed = {"ready": True, "short": None, "asked": None, "none": None}[state]
    seats = tuple(
        SeatReadiness(
            group=group, i=i, name=f"示例{'保管' if group == 'T' else '补救'}单位 {i}",
            unattended=i == 3, passed=True if state == "short" and i < 3 else passed,
        )
        for group in "TR" for i in (1, 2, 3)
    )  # fmt: skip
    return Readiness(
        state=state,  # type: ignore[arg-type]
        asked_at=None if state == "none" else DEADLINE - timedelta(days=1),
        needed={"T": 3, "R": 3},
        seats=seats,
    )


def a_postponement(*, in_force: bool = True, keys: bool = False) -> Postponement:
    """A deadline that moved."""
    return Postponement(
        schedule=DIGEST, lot=LOT, opening_keys=DIGEST if keys else None,
        reason="一名保管人未通过演练，更换成员后顺延开标",
        old_deadline=DEADLINE - timedelta(days=3),
        new_deadline=DEADLINE, proposed_by="91340600MA0000002X", proposed_at=NOW,
        in_force_at=NOW if in_force else None,
    )  # fmt: skip


def ready(state: str) -> object:
    """The office's page in a state; a short one with a proposal that waits."""
    proposal = a_postponement(in_force=False, keys=True) if state == "short" else None
    return ready_view(
        a_lot(), readiness(state), [a_postponement()] if state == "ready" else [], proposal,
        is_office=True,
    )  # fmt: skip


def seat_page(**changes: object) -> SeatView:
    """The device of a seat."""
    values: dict[str, object] = {
        "at": f"http://127.0.0.1:8000/lots/{LOT}", "kid": "kid", "act": "release",
        "back": "http://127.0.0.1:8000/seats/custody", "host": "127.0.0.1:8000", "lot": str(LOT),
        "seat": "T2", "opening_keys": DIGEST, "closing": DIGEST, "count": 7, "files": 21,
        "stage": 1, "version": 2, "opens_at": DEADLINE, "now": DEADLINE + timedelta(minutes=50),
        "remarks": ("no outside time: the policy names no witness",),
    }  # fmt: skip
    return SeatView(**{**values, **changes})  # type: ignore[arg-type]


CUSTODIAN = Visitor(name="示例公证处", role="notary")
REFUSED = "member-refuses: opens at 2019-05-17 01:00:00 UTC, not before; try again then"
SAMPLES |= {
    "custody": (
        "custody/seats.html",
        lambda: custody_view(
            [seat_task("release"), seat_task("check", group="R"), seat_task("drill"),
             seat_task("waits"), seat_task("answered")],
            lambda task: f"http://127.0.0.1:8001/seat?act={task.asked}",
            [key_line("Zm9vYmFyYmF6cXV4", "http://127.0.0.1:8001/seat?act=possess")],
        ),
        CUSTODIAN,
    ),
    "custody-none": ("custody/seats.html", lambda: custody_view([], lambda _: None), CUSTODIAN),
    "ready": ("custody/ready.html", lambda: ready("ready"), AGENCY),
    "ready-short": ("custody/ready.html", lambda: ready("short"), AGENCY),
    "ready-none": ("custody/ready.html", lambda: ready("none"), AGENCY),
    "lot-postponed": (
        "tender/lot.html",
        lambda: replace(
            tender_view(a_lot(), [], NOW, LotTimes(), is_bidder=False),
            postponed=(a_postponement(), a_postponement(keys=True)),
        ),
        None,
    ),
}  # fmt: skip


# The device's own pages stand alone, without the platform's menu.
def operators_of_phone() -> OperatorsView:
    """The phone's page of operators: one with a certificate, one without."""
    company = PhoneHolder(id="91340600MA0000001X", name="示例建设甲有限公司", is_person=False)
    file = '{"person_tag": null, "kid": "q1W2e3R4t5Y6u7I8", "alg": "ES256", "pk": "BA"}'
    lines = (
        OperatorLine(name="王经办", kid="q1W2e3R4t5Y6u7I8", company=company.name, public_file=file),
        OperatorLine(name="赵经办", kid="a9S8d7F6g5H4j3K2", company=None, public_file=file),
    )
    return OperatorsView(operators=lines, companies=(company,))


# Rendered by the development authority, not by the platform.
PHONE_PAGES: dict[str, Sample] = {
    "operators": ("phone/operators.html", operators_of_phone, None),
}
SAMPLES.update(PHONE_PAGES)

SEAT_PAGES: dict[str, Callable[[], SeatView]] = {
    "release": seat_page,
    "refused": lambda: seat_page(closing=None, refusal=REFUSED),
    "drill": lambda: seat_page(act="drill", closing=None),
    "possess": lambda: seat_page(act="possess", lot="", seat="", opening_keys="", closing=None),
}
