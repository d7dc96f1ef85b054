"""What a bidder sees of its own bid: the task list with its state, and the receipt.

Only the bidder's own acts ever come in here; how many others there are is not known to the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from bidding.bid.domain import PENDING, REFUSED, Act, DoorRefusal
from bidding.tender.domain import Lot
from foundation.language import byte_size
from sunbid.pages.bid_state import (
    Bidder,
    BidState,
    Version,
    bid_state,
    final_act,
    versions_of,
    waiting_act,
)
from sunbid.pages.elements import (
    Action,
    Check,
    Crumb,
    Deadline,
    Fact,
    Tag,
    Text,
    Words,
    words,
)
from sunbid.pages.lifecycle import group_of
from sunbid.pages.notices import lot_title
from sunbid.pages.tender import bids_deadline, links, volume_names

TaskState = Literal["done", "problem", "running", "todo"]
ReceiptLevel = Literal["accepted", "unwitnessed", "witnessed"]
ICON: Final[Mapping[str, tuple[str, str]]] = {
    "done": ("done", "ok"),
    "problem": ("warn", "warn"),
    "running": ("half", "info"),
    "todo": ("ring", "plain"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do before handing in, with its state in words."""

    state: TaskState
    title: Text
    text: Text
    href: str
    link: Text

    @property
    def icon(self) -> str:
        """The shape of the state."""
        return ICON[self.state][0]

    @property
    def tone(self) -> str:
        """The colour that repeats the state."""
        return ICON[self.state][1]

    @property
    def tag(self) -> Tag:
        """The state in words."""
        states: Mapping[str, Any] = {"done": "ok", "problem": "warn", "running": "info"}
        return Tag(label=words(f"task.{self.state}"), state=states.get(self.state, "plain"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksView:
    """The bidder's preparation of a bid for one lot."""

    title: str
    lot_id: str
    crumbs: tuple[Crumb, ...]
    status: BidState
    deadline: Deadline | None
    is_closed: bool
    closes_at: datetime | None
    tasks: tuple[Task, ...]
    versions: tuple[Version, ...]
    may_withdraw: bool
    commands: tuple[str, ...]
    material: str
    links: tuple[Action, ...]

    @property
    def done(self) -> int:
        """How many tasks are done."""
        return sum(task.state == "done" for task in self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The bidder that asks, and the address of this platform, for the commands shown."""

    bidder: Bidder
    server: str


def tasks_view(
    lot: Lot,
    acts: Sequence[Act],
    documents: int,
    now: datetime,
    holder: Holder,
    refusals: Sequence[DoorRefusal] = (),
) -> TasksView:
    """The task list of a bidder for a lot, from its own acts."""
    ordered = sorted(acts, key=lambda act: act.seq)
    final = final_act(ordered)
    return TasksView(
        title=lot_title(lot),
        lot_id=str(lot.id),
        crumbs=(
            Crumb(label=words("notices.title"), href="/tenders"),
            Crumb(label=lot.tender_number, href=f"/lots/{lot.id}"),
            Crumb(label=words("bid.title")),
        ),
        status=bid_state(lot, ordered, holder.bidder),
        deadline=without_action(bids_deadline(lot, now, is_bidder=True)),
        is_closed=group_of(lot) != "bidding",
        closes_at=lot.deadline_at,
        tasks=tasks(lot, final, ordered, documents),
        versions=versions_of(ordered, refusals),
        may_withdraw=group_of(lot) == "bidding"
        and final is not None
        and final.kind == "manifest"
        and waiting_act(ordered) is None,
        commands=commands(lot, holder),
        material=f"/api/v1/lots/{lot.id}/sealing-material",
        links=links(lot),
    )


def commands(lot: Lot, holder: Holder) -> tuple[str, ...]:
    """How a bid is sealed and handed in from the bidder's own computer."""
    volumes = " ".join(f"--volume {volume}=DIR" for volume in lot.volumes)
    uscc, name = holder.bidder.uscc, holder.bidder.name
    return (
        f"sunbid login --server {holder.server} --licence {uscc} --session session.json",
        f"sunbid seal lot.json {volumes} --uscc {uscc} --name {name} --out bid",
        f"sunbid submit bid --licence {uscc} --session session.json",
        "sunbid receipt verify bid/receipt.json --policy policy",
    )


def without_action(deadline: Deadline | None) -> Deadline | None:
    """The deadline as this page shows it: what to do stands in the list beside it."""
    if deadline is None:
        return None
    return Deadline(
        title=deadline.title,
        closes_at=deadline.closes_at,
        since=deadline.since,
        now=deadline.now,
        note=deadline.note,
    )


def tasks(lot: Lot, final: Act | None, acts: Sequence[Act], documents: int) -> tuple[Task, ...]:
    """What has to be done, in its order."""
    page = f"/lots/{lot.id}"
    is_sent = final is not None and final.kind == "manifest"
    sizes = {e["volume"]: int(e["size"]) for e in final.envelopes} if final is not None else {}
    volumes = zip(lot.volumes, volume_names(lot.volumes), strict=True)
    sealed = tuple(
        volume_task(name, label, sizes, f"{page}/bid/seal#volumes", is_sent=is_sent)
        for name, label in volumes
    )
    return (
        Task(
            state="done" if documents else "todo",
            title=words("task.read"),
            text=words("task.read_text", n=documents),
            href=f"{page}#docs",
            link=words("task.look"),
        ),
        Task(
            state="done",
            title=words("task.licence"),
            text=words("task.licence_text"),
            href=page,
            link=words("task.look"),
        ),
        *sealed,
        submit_task(acts, f"{page}/bid/check", is_sent=is_sent),
    )


def volume_task(
    name: str, label: Text, sizes: Mapping[str, int], href: str, *, is_sent: bool
) -> Task:
    """One volume: prepared and sealed on the bidder's side, never here."""
    has_it = is_sent and name in sizes
    text = (
        words("task.volume_sent", size=byte_size(sizes[name]))
        if has_it
        else words("task.volume_text")
    )
    return Task(
        state="done" if has_it else "todo",
        title=label,
        text=text,
        href=href,
        link=words("task.replace") if has_it else words("task.seal"),
    )


def submit_task(acts: Sequence[Act], href: str, *, is_sent: bool) -> Task:
    """Sealing and handing in, with the last thing that happened."""
    last = acts[-1] if acts else None
    if last is not None and last.state == REFUSED:
        state: TaskState = "problem"
        text = words("task.submit_refused", seq=last.seq)
    elif last is not None and last.state == PENDING:
        state, text = "running", words("task.submit_pending", seq=last.seq)
    elif is_sent:
        state, text = "done", words("task.submit_done")
    else:
        state, text = "todo", words("task.submit_text")
    return Task(
        state=state, title=words("task.submit"), text=text, href=href, link=words("task.check")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What comes after the receipt, and when."""

    when: Text
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """One receipt as its holder sees it; the statement itself names no bidder."""

    receipt_id: str
    is_withdrawal: bool
    seq: int
    supersedes: bool
    level: ReceiptLevel
    intake_at: datetime
    early: Words
    crumbs: tuple[Crumb, ...]
    facts: tuple[Fact, ...]
    checks: tuple[Check, ...]
    next_steps: tuple[NextStep, ...]
    qr: str
    act_sid: str
    later: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPaper:
    """What a receipt's page is made of: the statement's body, and what was found in checking it."""

    body: Mapping[str, Any]
    intake_at: datetime
    deadline_at: datetime
    level: ReceiptLevel
    checks: tuple[Check, ...]
    # The holder's own name, where its session asks; anybody else is shown none.
    bidder: tuple[str, str] | None
    qr: str
    now: datetime
    # What its own bidder did later: nobody else is told.
    later: Literal["manifest", "withdraw"] | None = None


def receipt_view(lot: Lot, paper: ReceiptPaper) -> ReceiptView:
    """The page of a receipt."""
    body = paper.body
    is_withdrawal = body["act_type"] == "withdraw"
    return ReceiptView(
        receipt_id=str(UUID(body["receipt"])),
        is_withdrawal=is_withdrawal,
        seq=int(body["seq"]),
        supersedes=body["supersedes"] is not None,
        level=paper.level,
        intake_at=paper.intake_at,
        early=words("receipt.early", early=paper.deadline_at - paper.intake_at),
        crumbs=(
            Crumb(label=words("bid.title"), href=f"/lots/{lot.id}/bid"),
            Crumb(label=words("receipt.title")),
        ),
        facts=receipt_facts(lot, paper),
        checks=paper.checks,
        next_steps=next_steps(paper.deadline_at, paper.now),
        later=None if paper.later is None else words(f"receipt.later_{paper.later}"),
        qr=paper.qr,
        act_sid=str(body["act"]),
    )


def receipt_facts(lot: Lot, paper: ReceiptPaper) -> tuple[Fact, ...]:
    """The receipt's facts; the digest of the signed list stands in full."""
    body = paper.body
    envelopes = body["envelopes"]
    names = volume_names([e["volume"] for e in envelopes])
    sizes = tuple(
        words("receipt.volume", name=name, size=byte_size(int(e["size"])))
        for name, e in zip(names, envelopes, strict=True)
    )
    found = [
        Fact(label=words("receipt.lot"), value=lot_title(lot), note=lot.tender_number),
        Fact(label=words("receipt.act"), value=str(body["act"]), kind="digest", is_wide=True),
        Fact(
            label=words("receipt.envelopes"),
            value=words("receipt.list", names=sizes) if sizes else words("receipt.no_envelopes"),
        ),
        Fact(
            label=words("receipt.ledger"),
            value=words("receipt.entry", index=int(body["ledger"]["index"])),
            note=words(f"receipt.level_{paper.level}"),
        ),
    ]
    if paper.bidder is not None:
        name, uscc = paper.bidder
        found.insert(1, Fact(label=words("role.bidder"), value=name, note=uscc))
    else:
        found.append(found.pop(1))
    return tuple(found)


def next_steps(deadline_at: datetime, now: datetime) -> tuple[NextStep, ...]:
    """What happens after handing in; what is over is no next step."""
    replace = NextStep(
        when=words("receipt.before", at=deadline_at), text=words("receipt.may_replace")
    )
    return (
        *((replace,) if now < deadline_at else ()),
        NextStep(when=words("receipt.at", at=deadline_at), text=words("receipt.closing")),
        NextStep(when=words("receipt.then"), text=words("receipt.release")),
        NextStep(when=words("receipt.last"), text=words("receipt.check_price")),
    )
