"""How far a lot has come, in the public's words: its tag and the stages of its dial."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bidding.tender import domain as tender
from bidding.tender.domain import Lot
from sunbid.pages.elements import Progress, Stage, Tag, Value, share_of, words

# What the public calls the states of a lot: group, and the stage of the dial that is running.
GROUP_OF: Final[Mapping[str, str]] = {
    tender.DRAFTED: "drafted",
    tender.PUBLISHED: "bidding",
    tender.CLOSED: "opening",
    tender.CUT: "opening",
    tender.OPENING: "opening",
    tender.SUSPENDED: "opening",
    tender.RECORDED: "evaluation",
    tender.EVALUATING: "evaluation",
    tender.EVALUATED: "standstill",
    tender.STANDSTILL: "standstill",
    tender.AWARDED: "awarded",
    tender.CONTRACTED: "awarded",
    tender.NOT_OPENED: "ended",
    tender.FAILED: "ended",
    tender.TERMINATED: "ended",
}
GROUPS: Final = ("bidding", "opening", "evaluation", "standstill", "awarded", "ended")
STAGES: Final = ("notice", "bidding", "opening", "evaluation", "standstill", "award", "contract")
# In which the names and the number of bids are nobody's to know.
SEALED_IN: Final = frozenset({"drafted", "bidding"})
RUNNING: Final[Mapping[str, str]] = {
    "drafted": "notice",
    "bidding": "bidding",
    "opening": "opening",
    "evaluation": "evaluation",
    "standstill": "standstill",
    "awarded": "contract",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LotTimes:
    """When a lot passed its later stages, as far as it has; all of it public."""

    opened_at: datetime | None = None
    evaluated_at: datetime | None = None
    standstill_starts_at: datetime | None = None
    standstill_ends_at: datetime | None = None
    awarded_at: datetime | None = None


def group_of(lot: Lot) -> str:
    """The public's word for the state of a lot."""
    return GROUP_OF[lot.status]


def status_tag(lot: Lot) -> Tag:
    """The state of a lot as a tag; gamboge and the sun mean that it is running now."""
    label = words(f"status.{lot.status}")
    match group_of(lot):
        case "bidding" | "opening" | "evaluation" if lot.status != tender.SUSPENDED:
            return Tag(label=label, state="now", icon="sun")
        case "standstill":
            return Tag(label=label, state="info", icon="clock")
        case "awarded":
            return Tag(label=label, state="ok", icon="check")
        case "drafted":
            return Tag(label=label, icon="half")
        case _:
            return Tag(label=label, state="bad", icon="pause")


def lot_dial(lot: Lot, now: datetime, times: LotTimes) -> tuple[Stage, ...]:
    """The timeline of a lot from its notice to its contract."""
    running = STAGES.index(RUNNING.get(group_of(lot), ended_in(lot)))
    notes = stage_notes(lot, times)
    return tuple(
        Stage(
            label=words(f"stage.{name}"),
            progress=progress_of(i, running),
            note=notes.get(name, words(f"stage.{name}.note")),
            at=stage_share(lot, name, now, times),
            is_sealed=name == "bidding" and i == running,
        )
        for i, name in enumerate(STAGES)
    )


def progress_of(i: int, running: int) -> Progress:
    """Whether a stage is over, running or to come."""
    if i == running:
        return "now"
    return "past" if i < running else "next"


def ended_in(lot: Lot) -> str:
    """The stage in which a tender ended before its award."""
    return "evaluation" if lot.status == tender.FAILED else "opening"


def stage_notes(lot: Lot, times: LotTimes) -> dict[str, Value]:
    """The dates that are known, by stage; of bids that are over nothing is sealed any more."""
    known: dict[str, Value | None] = {
        "notice": lot.published_at,
        "bidding": words("stage.bidding.past") if group_of(lot) not in SEALED_IN else None,
        "opening": lot.deadline_at,
        "evaluation": times.evaluated_at,
        "standstill": times.standstill_starts_at,
        "award": times.awarded_at,
    }
    return {name: at for name, at in known.items() if at is not None}


def stage_share(lot: Lot, name: str, now: datetime, times: LotTimes) -> int:
    """How much of a stage is over; half, where its end is not a time."""
    stretches = {
        "bidding": (lot.published_at, lot.deadline_at),
        "standstill": (times.standstill_starts_at, times.standstill_ends_at),
    }
    begins, ends = stretches.get(name, (None, None))
    if begins is None or ends is None:
        return 50
    return share_of(now - begins, ends - begins)
