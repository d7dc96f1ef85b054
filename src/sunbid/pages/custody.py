"""A member's page: what is asked of its seats; and an office's: readiness and postponement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bidding.opening.releases.custody import SeatTask
from bidding.sealing.opening_keys import short_sid
from bidding.tender.domain import PUBLISHED, Lot
from bidding.tender.drill import Readiness
from bidding.tender.postponement_store import Postponement
from foundation.language import BEIJING
from sunbid.pages.elements import Action, Crumb, Fact, Tag, Text, words
from sunbid.pages.notices import lot_title

ASKED: Final = {
    "drill": Tag(label=words("custody.asked.drill"), state="warn", icon="half"),
    "check": Tag(label=words("custody.asked.check"), state="warn", icon="half"),
    "release": Tag(label=words("custody.asked.release"), state="warn", icon="half"),
    "waits": Tag(label=words("custody.asked.waits"), icon="clock"),
    "answered": Tag(label=words("custody.asked.answered"), state="ok", icon="done"),
}
LIGHT: Final = {
    "none": Tag(label=words("custody.light.none"), icon="clock"),
    "asked": Tag(label=words("custody.light.asked"), state="info", icon="ring"),
    "ready": Tag(label=words("custody.light.ready"), state="ok", icon="done"),
    "short": Tag(label=words("custody.light.short"), state="bad", icon="cross"),
}
# What a form offers as the new deadline: as many days later.
OFFERED: Final = timedelta(days=3)
DeviceOf = Callable[[SeatTask], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLine:
    """One seat: where it stands, what is asked, what the device will do and refuse."""

    title: str
    number: str
    href: str
    tag: Tag
    facts: tuple[Fact, ...]
    does: Text
    refuses: Text
    action: Action | None
    command: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """A key of the organisation that is asked to show that it is held."""

    kid: str
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyView:
    """All seats of an organisation, those that are asked first; and keys that are asked."""

    seats: tuple[SeatLine, ...]
    keys: tuple[KeyLine, ...]


def key_line(kid: str, address: str | None) -> KeyLine:
    """One key and the way to the device that holds it."""
    action = None
    if address is not None:
        label = words("custody.send.possess")
        action = Action(label=label, href=address, kind="primary", icon="lock")
    return KeyLine(kid=kid, action=action)


def custody_view(
    tasks: Sequence[SeatTask], device: DeviceOf, keys: Sequence[KeyLine] = ()
) -> CustodyView:
    """The page of a member; `device` gives the address of its device where there is one."""
    rank = {"release": 0, "check": 1, "drill": 2, "waits": 3, "answered": 4}
    ordered = sorted(tasks, key=lambda task: (rank[task.asked], str(task.lot.deadline_at)))
    seats = tuple(seat_line(task, device(task)) for task in ordered)
    return CustodyView(seats=seats, keys=tuple(keys))


def seat_line(task: SeatTask, address: str | None) -> SeatLine:
    """One seat of one lot."""
    is_asked = task.asked in {"drill", "check", "release"}
    remedy = " --remedy" if task.group == "R" else ""
    command = {"drill": "ready"}.get(task.asked, task.asked)
    return SeatLine(
        title=lot_title(task.lot),
        number=task.lot.tender_number,
        href=f"/lots/{task.lot.id}",
        tag=ASKED[task.asked],
        facts=seat_facts(task),
        does=words(f"custody.does.{task.asked}"),
        refuses=words("custody.refuses"),
        action=Action(
            label=words(f"custody.send.{task.asked}"), href=address, kind="primary", icon="lock"
        )
        if is_asked and address is not None
        else None,
        command=f"sunbid custodian {command} {task.lot.id}{remedy} --home DIR"
        if is_asked
        else None,
    )


def seat_facts(task: SeatTask) -> tuple[Fact, ...]:
    """Where a seat stands: group, threshold, dates, the digits of the opening keys."""
    group = words(f"custody.group.{task.group}")
    found = [
        Fact(
            label=words("custody.seat"),
            value=words("custody.seat_n", group=group, i=task.i),
            note=words("custody.needed", needed=task.needed, of=task.members),
        ),
        Fact(label=words("custody.keys"), value=short_sid(task.opening_keys), kind="text"),
    ]
    if task.lot.deadline_at is not None:
        found.insert(1, Fact(label=words("custody.opens_at"), value=task.lot.deadline_at))
    if task.phase is not None:
        found.append(
            Fact(
                label=words("custody.phase"),
                value=words(f"custody.phase_of.{task.phase}"),
                note=None if task.until is None else words("custody.until", at=task.until),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLight:
    """One seat in the newest drill."""

    name: str
    seat: Text
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class PostponedLine:
    """One postponement: from when to when, and why."""

    old: datetime
    new: datetime
    reason: str
    at: datetime | None
    new_keys: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyView:
    """Readiness of a lot's members, and its postponement."""

    lot_id: str
    title: str
    crumbs: tuple[Crumb, ...]
    light: Tag
    text: Text
    asked_at: datetime | None
    seats: tuple[SeatLight, ...]
    postponed: tuple[PostponedLine, ...]
    proposal: PostponedLine | None
    may_ask: bool
    may_propose: bool
    offered: str
    deadline: datetime | None


def ready_view(
    lot: Lot,
    found: Readiness,
    postponed: Sequence[Postponement],
    proposal: Postponement | None,
    *,
    is_office: bool,
) -> ReadyView:
    """The page of a lot's offices; nothing on it depends on what was handed in."""
    is_open = lot.status == PUBLISHED
    later = None if lot.deadline_at is None else (lot.deadline_at + OFFERED).astimezone(BEIJING)
    return ReadyView(
        lot_id=str(lot.id),
        title=lot_title(lot),
        crumbs=(
            Crumb(label=words("notices.title"), href="/tenders"),
            Crumb(label=lot.tender_number, href=f"/lots/{lot.id}"),
            Crumb(label=words("custody.ready_title")),
        ),
        light=LIGHT[found.state],
        text=words(f"custody.light_text.{found.state}"),
        asked_at=found.asked_at,
        seats=tuple(
            SeatLight(
                name=seat.name,
                seat=words("custody.seat_n", group=words(f"custody.group.{seat.group}"), i=seat.i),
                tag=seat_tag(seat.passed, asked=found.asked_at is not None),
            )
            for seat in found.seats
        ),
        postponed=tuple(postponed_line(one) for one in postponed),
        proposal=None if proposal is None else postponed_line(proposal),
        may_ask=is_office and is_open,
        may_propose=is_office and is_open,
        offered="" if later is None else f"{later:%Y-%m-%dT%H:%M}",
        deadline=lot.deadline_at,
    )


def seat_tag(passed: bool | None, *, asked: bool) -> Tag:
    """How one seat did."""
    if passed is None:
        key = "waiting" if asked else "not_asked"
        return Tag(label=words(f"custody.answer.{key}"), icon="clock")
    if passed:
        return Tag(label=words("custody.answer.passed"), state="ok", icon="done")
    return Tag(label=words("custody.answer.wrong"), state="bad", icon="cross")


def postponed_line(one: Postponement) -> PostponedLine:
    """A postponement as pages show it."""
    return PostponedLine(
        old=one.old_deadline,
        new=one.new_deadline,
        reason=one.reason,
        at=one.in_force_at,
        new_keys=one.opening_keys is not None,
    )
