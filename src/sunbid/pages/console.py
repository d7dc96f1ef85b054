"""The host's console: the one next step, each bid's state and cause, who is there, emergencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bidding.bid.meters import Count
from bidding.opening import domain
from bidding.opening.console import ConsoleFacts, Present, Step
from bidding.opening.domain import FAULT_OF
from bidding.opening.hall import HallFacts
from bidding.tender import domain as tender
from foundation.language import moment
from foundation.problems import Refused
from foundation.statements.canonical import parse_time
from sunbid.pages.console_acts import Acts, acts_view
from sunbid.pages.elements import Sealed, Tag, Text, words
from sunbid.pages.opening import OpeningView, opening_view
from sunbid.pages.opening_bids import bid_rows, by_submission, worst_code

CLOSING: Final = "closing"
UNSOUGHT: Final = frozenset({domain.EXTENDED, domain.RESUMED, domain.SUSPENDED})
STATE_MARKS: Final = {
    "idle": ("warn", "clock"),
    "queued": ("plain", "lock"),
    "opening": ("now", "clock"),
    "opened": ("ok", "check"),
    "failed": ("bad", "cross"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The next step: what it does, and why it cannot be made yet."""

    step: str
    label: Text
    effect: Text
    waits: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleRow:
    """One bid as the host follows it: its state, who answers for it, what happens next."""

    name: Text | Sealed
    tag: Tag
    volumes: Text
    fault: Text | None
    next: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRow:
    """One custodian or remedy member."""

    label: Text
    name: str
    check: Tag
    release: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleView:
    """Everything on the console."""

    hall: OpeningView
    stage: int
    primary: Primary | None
    rows: tuple[ConsoleRow, ...]
    seats: tuple[SeatRow, ...]
    acts: Acts
    damaged: int
    damaged_until: datetime | None
    may_end: bool
    signs: bool
    is_host: bool


def console_view(facts: ConsoleFacts, *, is_host: bool, count: Count | None = None) -> ConsoleView:
    """What the host (or the supervisor, who only looks) sees now."""
    hall = facts.hall
    opening = hall.opening
    return ConsoleView(
        hall=opening_view(hall, count=count),
        stage=1 if opening is None else opening.stage,
        primary=primary(facts),
        rows=console_rows(hall),
        seats=tuple(seat_row(one) for one in facts.members),
        acts=acts_view(facts),
        damaged=facts.damaged,
        damaged_until=max(
            (one.blob_until for one in hall.listed if one.blob_until is not None), default=None
        ),
        may_end=may_end(hall),
        signs=opening is not None and opening.phase == domain.RECORD,
        is_host=is_host,
    )


def primary(facts: ConsoleFacts) -> Primary | None:
    """The one step that is next: what may be made, else what the rules wait with."""
    if facts.hall.lot.status in {tender.CLOSED, tender.CUT}:
        return Primary(
            step=CLOSING,
            label=words("console.step_closing"),
            effect=words("console.effect_closing"),
            waits=None,
        )
    opening = facts.hall.opening
    if opening is None or opening.decided in {domain.TERMINATED, domain.STOPPED}:
        return None
    ready = next((one for one in facts.steps if one.refusal is None), None)
    if ready is None and opening.suspended_at is not None and opening.decided is None:
        ready = next((one for one in facts.steps if one.name == domain.RESUMED), None)
    return chosen(ready or likely(facts.steps)) if facts.steps else None


def likely(steps: Sequence[Step]) -> Step:
    """The step that an opening waits for: not one that has nothing to be made for.

    A suspension is nobody's aim; once it is due it may be made, and is offered.
    """
    waiting = [one for one in steps if one.name not in UNSOUGHT]
    timed = [one for one in waiting if isinstance(one.refusal, domain.WindowOpen)]
    return (timed or waiting or list(steps))[0]


def chosen(step: Step) -> Primary:
    """A step as the button shows it."""
    return Primary(
        step=step.name,
        label=words(f"console.step_{step.name}"),
        effect=words(f"console.effect_{step.name}"),
        waits=None if step.refusal is None else cause_of(step.refusal),
    )


def cause_of(refusal: Refused) -> Text:
    """Why a step has to wait, in the visitor's language: the rule's own words are for programs."""
    found = refusal.extra.get("waits_for")
    if found is None:
        return words("waits.not_now")
    until = None if found["until"] is None else parse_time(found["until"])
    return words(
        f"waits.{found['cause']}",
        n=found["count"],
        at="" if until is None else moment("zh", until, "clock"),
    )


def console_rows(hall: HallFacts) -> tuple[ConsoleRow, ...]:
    """Each bid of the running stage, in the order of the list."""
    results = by_submission(hall.staged_results)
    submissions = sorted({one.submission for one in hall.staged}, key=str)
    return tuple(
        ConsoleRow(
            name=row.name,
            tag=Tag(
                label=words(f"console.state_{state}"),
                state=STATE_MARKS[state][0],  # type: ignore[arg-type]
                icon=STATE_MARKS[state][1],
            ),
            volumes=words("hall.volumes", n=row.halves, of=row.volumes),
            fault=None if code in {None, "OPENED"} else words(f"fault.{FAULT_OF[code or '']}"),
            next=row.consequence if code is not None else next_of(hall, state),
        )
        for submission, row in zip(submissions, bid_rows(hall, None), strict=True)
        for code in (worst_code(results.get(submission, ())),)
        for state in (state_of(hall, code, is_released=row.halves == row.volumes),)
    )


def state_of(hall: HallFacts, code: str | None, *, is_released: bool) -> str:
    """未操作, 排队, 解密中, 成功 or 失败, as one word of the catalogue."""
    if code is not None:
        return "opened" if code == "OPENED" else "failed"
    if hall.opening is not None and hall.opening.phase == domain.PHASE4:
        return "opening"
    return "queued" if is_released else "idle"


def next_of(hall: HallFacts, state: str) -> Text:
    """What happens next to a bid that has no outcome yet."""
    is_late = hall.opening is not None and hall.opening.phase != domain.PHASE1
    return words("console.next_remedy" if state == "idle" and is_late else f"console.next_{state}")


def seat_row(one: Present) -> SeatRow:
    """What a member has done so far."""
    complaint = Tag(label=words("console.complains", n=one.complaints), state="warn", icon="clock")
    checked = Tag(label=words("console.checked", n=one.checked), state="ok", icon="check")
    silent = Tag(label=words("console.not_yet"), icon="clock")
    return SeatRow(
        label=words(f"suspension.seat_{one.group}", i=one.i),
        name=one.name,
        check=silent if not one.checked else (complaint if one.complaints else checked),
        release=Tag(label=words("console.released"), state="ok", icon="check")
        if one.released
        else silent,
    )


def may_end(hall: HallFacts) -> bool:
    """Whether the end of the lot may be proposed: while nobody can know a price."""
    phase = None if hall.opening is None else hall.opening.phase
    early = {None, domain.CLOSED, domain.PHASE1, domain.PHASE2}
    running = {tender.PUBLISHED, tender.CLOSED, tender.CUT, tender.OPENING}
    return hall.lot.status in running and phase in early
