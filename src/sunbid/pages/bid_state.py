"""Where a bidder stands with one lot: one line of three states, and what was handed in before.

未递交, 已递交 with the receipt's number, 有新草稿未递交; between ticket and receipt 已受理. Drafts
live in the bidder's browser: the script of the page adds what the server cannot know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bidding.bid.domain import ACCEPTED, PENDING, REFUSED, Act, DoorRefusal
from bidding.tender.domain import Lot
from sunbid.pages.elements import Action, Banner, Tag, Words, words
from sunbid.pages.lifecycle import group_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One act of the bidder: a bid, its withdrawal, or one that was refused."""

    seq: int | None
    kind: str
    intake_at: datetime
    state: str
    receipt: str | None
    refusal: str | None
    code: str | None
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Bidder:
    """The company that bids, and the mandate by which a colleague acts for it."""

    uscc: str
    name: str
    mandate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BidState:
    """The status line, and what the page's script needs to know of the acts."""

    lot_id: str
    bidder: Bidder
    banner: Banner
    is_open: bool
    next_seq: int
    prev: str | None
    # The accepted act that counts, and its receipt.
    final_seq: int | None
    final_sid: str | None
    final_at: datetime | None
    is_bid: bool
    receipt: str | None
    # An act that waits for its decision or its receipt.
    waiting: str | None


def bid_state(lot: Lot, acts: Sequence[Act], bidder: Bidder) -> BidState:
    """Where a bidder stands, from its own acts."""
    ordered = sorted(acts, key=lambda act: act.seq)
    final, waiting = final_act(ordered), waiting_act(ordered)
    return BidState(
        lot_id=str(lot.id),
        bidder=bidder,
        banner=state_banner(lot, ordered, final),
        is_open=group_of(lot) == "bidding",
        next_seq=len(ordered) + 1,
        prev=ordered[-1].sid if ordered else None,
        final_seq=None if final is None else final.seq,
        final_sid=None if final is None else final.sid,
        final_at=None if final is None else final.intake_at,
        is_bid=final is not None and final.kind == "manifest",
        receipt=None if final is None or final.receipt_id is None else str(final.receipt_id),
        waiting=None if waiting is None else waiting.sid,
    )


def final_act(acts: Sequence[Act]) -> Act | None:
    """The act that counts: the accepted one with the highest number."""
    accepted = [act for act in acts if act.state == ACCEPTED]
    return accepted[-1] if accepted else None


def waiting_act(acts: Sequence[Act]) -> Act | None:
    """An act between its ticket and its receipt."""
    last = acts[-1] if acts else None
    if last is None or last.state == REFUSED:
        return None
    return last if last.state == PENDING or last.receipt_id is None else None


def state_banner(lot: Lot, acts: Sequence[Act], final: Act | None) -> Banner:
    """The line as far as the server knows it."""
    waiting = waiting_act(acts)
    if waiting is not None:
        return Banner(
            state="unknown",
            title=words("bid.pending"),
            text=words("bid.pending_text", seq=waiting.seq, at=waiting.intake_at),
        )
    if final is None:
        return Banner(state="unsent", title=words("bid.unsent"), text=words("bid.unsent_text"))
    if final.kind == "withdraw":
        return Banner(
            state="unsent",
            title=words("bid.unsent"),
            text=words("bid.withdrawn_text", at=final.intake_at),
            actions=see_receipt(final),
        )
    return sent_banner(lot, final)


def sent_banner(lot: Lot, final: Act) -> Banner:
    """The banner of a bid that is in."""
    early = lot.deadline_at - final.intake_at if lot.deadline_at else None
    text: Words = words("bid.sent_text", seq=final.seq, at=final.intake_at)
    if early is not None:
        text = words("bid.sent_early", seq=final.seq, at=final.intake_at, early=early)
    return Banner(
        state="sent",
        title=words("bid.sent", receipt=str(final.receipt_id)),
        text=text,
        actions=see_receipt(final),
    )


def see_receipt(act: Act) -> tuple[Action, ...]:
    """The way to an act's receipt."""
    if act.receipt_id is None:
        return ()
    return (Action(label=words("bid.see_receipt"), href=f"/receipts/{act.receipt_id}"),)


def versions_of(acts: Sequence[Act], refusals: Sequence[DoorRefusal]) -> tuple[Version, ...]:
    """Everything that was handed in or refused, newest first."""
    final = final_act(sorted(acts, key=lambda act: act.seq))
    found = [version(act, final) for act in acts]
    found += [refused_at_the_door(one) for one in refusals]
    return tuple(sorted(found, key=lambda one: one.intake_at, reverse=True))


def version(act: Act, final: Act | None) -> Version:
    """One act in the list of what was handed in."""
    if act.state == REFUSED:
        tag = Tag(label=words("bid.v_refused"), state="bad", icon="cross")
    elif act.state == PENDING:
        tag = Tag(label=words("bid.v_pending"), state="info", icon="ring")
    elif final is not None and act.sid == final.sid:
        tag = Tag(label=words("bid.v_valid"), state="ok", icon="check")
    else:
        tag = Tag(label=words("bid.v_replaced"))
    return Version(
        seq=act.seq,
        kind=act.kind,
        intake_at=act.intake_at,
        state=act.state,
        receipt=str(act.receipt_id) if act.receipt_id else None,
        refusal=act.refusal,
        code=None,
        tag=tag,
    )


def refused_at_the_door(one: DoorRefusal) -> Version:
    """An act that was not taken in; its signed refusal says why."""
    return Version(
        seq=None,
        kind="refused",
        intake_at=one.decided_at,
        state=REFUSED,
        receipt=None,
        refusal=one.refusal,
        code=one.code,
        tag=Tag(label=words("bid.v_refused"), state="bad", icon="cross"),
    )
