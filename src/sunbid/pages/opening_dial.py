"""The dial of an opening: which step runs, what is known of each, and the window that is open."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bidding.opening import domain
from bidding.opening.hall import HallFacts
from foundation.language import moment
from sunbid.pages.elements import (
    Deadline,
    Progress,
    Stage,
    Value,
    share_of,
    words,
)

STEPS: Final = ("close", "list", "bidders", "remedy", "custodians", "unseal", "record", "done")


STEP_OF_PHASE: Final[Mapping[str, int]] = {
    domain.CLOSED: 1,
    domain.PHASE1: 2,
    domain.PHASE2: 3,
    domain.PHASE3: 4,
    domain.PHASE4: 5,
    domain.RECORD: 6,
    domain.DONE: 8,
}


WINDOW_OF_STEP: Final = {2: "bidders", 3: "remedy", 4: "custodians", 6: "record"}


def opening_dial(facts: HallFacts) -> tuple[Stage, ...]:
    """The steps of the opening, lit as far as they have come."""
    running = running_step(facts)
    notes = step_notes(facts)
    return tuple(
        Stage(
            label=words(f"hall.step_{name}"),
            progress=step_progress(i, running),
            note=notes.get(name, words(f"hall.step_{name}_note")),
            at=window_share(facts) if i == running else 50,
            gnomon=moment("zh", facts.now, "clock") if i == running else None,
            is_sealed=i == running and running < STEPS.index("unseal"),
        )
        for i, name in enumerate(STEPS)
    )


def running_step(facts: HallFacts) -> int:
    """The step that is running now."""
    return 0 if facts.opening is None else STEP_OF_PHASE.get(facts.opening.phase, 1)


def step_progress(i: int, running: int) -> Progress:
    """Whether a step is over, running or to come."""
    if i == running:
        return "now"
    return "past" if i < running else "next"


def step_notes(facts: HallFacts) -> dict[str, Value]:
    """What is known of each step, by its name."""
    notes: dict[str, Value] = {}
    opening = facts.opening
    if facts.lot.deadline_at is not None:
        notes["close"] = facts.lot.deadline_at
    if opening is None or not facts.listed:
        return notes
    count = len({one.submission for one in facts.listed})
    staged = facts.staged
    halves = sum(one.b_value is not None and one.b_from == "bidder" for one in staged)
    notes["list"] = words("hall.bids_n", n=count)
    notes["bidders"] = words("hall.halves", n=halves, of=len(staged))
    trees = {one.tree for one in staged}
    given = {(s.group, s.i) for s in facts.shares if s.tree in trees and not s.is_cure}
    remedied = sum(group == "R" for group, _ in given)
    seats = sum(group == "T" for group, _ in given)
    if facts.needed is not None:
        needed = facts.needed
        notes["remedy"] = words("hall.seats", n=remedied, needed=needed.remedy_needed)
        notes["custodians"] = words("hall.seats", n=seats, needed=needed.custodians_needed)
    if opening.recorded_at is not None:
        notes["done"] = opening.recorded_at
    return notes


def window_share(facts: HallFacts) -> int:
    """How much of the running window is over."""
    opening = facts.opening
    if opening is None or opening.phase_at is None or opening.phase_until is None:
        return 50
    return share_of(facts.now - opening.phase_at, opening.phase_until - opening.phase_at)


def until_stage(facts: HallFacts, opening: domain.Opening, opens_at: datetime) -> Deadline | None:
    """The hour of a later stage, while it is to come."""
    if facts.now >= opens_at:
        return None
    stage = opening.stage + (opening.phase == domain.DONE)
    return Deadline(
        title=words("hall.window_stage", n=stage),
        closes_at=opens_at,
        since=opening.phase_at or opening.closed_at,
        now=facts.now,
        note=words("hall.window_stage_note"),
    )


def window(facts: HallFacts) -> Deadline | None:
    """The window that is running, or the deadline that the hall waits for."""
    opening, lot = facts.opening, facts.lot
    if opening is None:
        if lot.deadline_at is None or lot.published_at is None or facts.now >= lot.deadline_at:
            return None
        return Deadline(
            title=words("tender.until_deadline"),
            closes_at=lot.deadline_at,
            since=lot.published_at,
            now=facts.now,
            note=words("hall.before_note"),
        )
    if facts.opens_at is not None:
        return until_stage(facts, opening, facts.opens_at)
    name = WINDOW_OF_STEP.get(running_step(facts))
    if name is None or opening.phase_until is None or opening.phase_at is None:
        return None
    if opening.suspended_at is not None or opening.decided == domain.TERMINATED:
        return None
    return Deadline(
        title=words(f"hall.window_{name}"),
        closes_at=opening.phase_until,
        since=opening.phase_at,
        now=facts.now,
        note=words("hall.window_record_note" if name == "record" else "hall.window_note"),
    )
