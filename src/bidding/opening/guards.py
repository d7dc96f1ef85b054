"""Which step of an opening may be made when (pure; sealing.md 6.2 and 9.5): one guard a step."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from bidding.opening.domain import (
    CLOSED,
    EXTENDED,
    GO_ON,
    PHASE1,
    PHASE2,
    PHASE3,
    PHASE4,
    RESUMED,
    SUSPENDED,
    CutMissing,
    MembersMissing,
    Standing,
    WindowOpen,
    WrongPhase,
    closed_without_members,
    require_not_ended,
    require_phase,
    unacknowledged,
    waiting_for,
)
from foundation.statements.canonical import time_text


def waits(cause: str, count: int = 0, until: datetime | None = None) -> dict[str, Any]:
    """What a step waits for, for programs and for pages in every language."""
    return {
        "waits_for": {
            "cause": cause,
            "count": count,
            "until": None if until is None else time_text(until),
        }
    }


def check_step(standing: Standing, step: str) -> None:
    """Refuse a step whose time has not come."""
    guard = GUARDS.get(step)
    if guard is None:
        raise WrongPhase(f"expected one of {', '.join(GUARDS)}, got {step[:20]!r}")
    opening = standing.opening
    require_not_ended(opening)
    if opening.suspended_at is not None and step != RESUMED and opening.decided != GO_ON:
        raise WrongPhase(
            "the opening is suspended: it goes on with the step resumed once the missing members "
            "released, or by the supervisor's decision",
            extra=waits("suspended"),
        )
    guard(standing)


def _phase1(standing: Standing) -> None:
    require_phase(standing.opening, CLOSED)
    if not standing.begun_signed:
        raise CutMissing(
            "what begins this stage is not in a signed checkpoint yet", extra=waits("checkpoint")
        )
    stage, opens_at = standing.opening.stage, standing.opens_at
    if opens_at is None:
        raise WrongPhase(
            f"the schedule gives stage {stage} no hour yet; have one signed", extra=waits("no_hour")
        )
    if standing.now < opens_at:
        raise WindowOpen(
            f"stage {stage} opens at {opens_at.isoformat()}", extra=waits("hour", until=opens_at)
        )


def _phase2(standing: Standing) -> None:
    """Phase 1 ends early only when nobody is missing, and then there is nothing to remedy."""
    require_phase(standing.opening, PHASE1)
    waiting = unacknowledged(standing.listed)
    if not waiting:
        raise WrongPhase("every bidder released; go on to phase3, there is nothing to remedy")
    _require_made_up_for(standing)
    until = standing.opening.phase_until
    if until is not None and standing.now < until:
        raise WindowOpen(
            f"{len(waiting)} envelopes wait for their bidders until {until.isoformat()}",
            extra=waits("bidders", len(waiting), until),
        )


def _phase3(standing: Standing) -> None:
    require_phase(standing.opening, PHASE1, PHASE2)
    if standing.opening.phase == PHASE1:
        if unacknowledged(standing.listed):
            raise WrongPhase(
                "some envelopes lack their bidder's half; phase2 comes first",
                extra=waits("remedy_first"),
            )
    elif standing.opening.decided != GO_ON:
        _members_over(standing)
        _require_time_to_cure(standing)


def _phase4(standing: Standing) -> None:
    """An envelope that its shares do not open may be cured until the window is over (6.2, 9.6)."""
    require_phase(standing.opening, PHASE3)
    _members_over(standing)
    _require_time_to_cure(standing)
    unread = [one.volume for one in standing.listed if one.blob == "unread"]
    if unread:
        raise MembersMissing(
            f"{len(unread)} sealed files are still being read back",
            extra=waits("unread", len(unread)),
        )
    windows = [one.blob_until for one in standing.listed if one.blob_until is not None]
    if windows and standing.now < max(windows):
        raise WindowOpen(
            f"{len(windows)} sealed files are damaged and may be supplied again until "
            f"{max(windows).isoformat()}",
            extra=waits("damaged", len(windows), max(windows)),
        )


def _suspended(standing: Standing) -> None:
    require_phase(standing.opening, PHASE2, PHASE3)
    _require_made_up_for(standing)
    until = standing.opening.phase_until
    if until is not None and standing.now < until:
        raise WindowOpen(
            f"members may still release until {until.isoformat()}",
            extra=waits("members_window", until=until),
        )
    if not waiting_for(standing)[2]:
        raise WrongPhase("no member is missing; go on to the next phase")


def _resumed(standing: Standing) -> None:
    if standing.opening.suspended_at is None:
        raise WrongPhase("the opening is not suspended")
    _members_over(standing)


def _extended(standing: Standing) -> None:
    if not standing.lost:
        raise WrongPhase("no outage took anything from this window; there is nothing to extend")


def _require_made_up_for(standing: Standing) -> None:
    """Refuse to take a window for over from which an outage took a part (6.4)."""
    if standing.lost:
        raise WindowOpen(
            f"an outage took {standing.lost} from this window; make the step extended first",
            extra=waits("outage"),
        )


def _require_time_to_cure(standing: Standing) -> None:
    """Refuse to go on from an envelope that its members cannot open, before its window is over."""
    stuck, until = closed_without_members(standing), standing.opening.phase_until
    if not stuck:
        return
    _require_made_up_for(standing)
    if until is not None and standing.now < until:
        raise WindowOpen(
            f"{len(stuck)} envelopes are disputed and may be cured until {until.isoformat()}",
            extra=waits("cure", len(stuck), until),
        )


def _members_over(standing: Standing) -> None:
    """Refuse to go on while the members of the phase owe what an envelope needs."""
    group, count, trees = waiting_for(standing)
    if trees:
        name = "remedy members" if group == "R" else "custodians"
        raise MembersMissing(
            f"{count} {name} must release, {len(trees)} envelopes lack that; after the window the "
            "opening is suspended until they do or the supervisor decides",
            extra=waits("remedy" if group == "R" else "custodians", len(trees)),
        )


GUARDS: Final[Mapping[str, Callable[[Standing], None]]] = {
    PHASE1: _phase1,
    PHASE2: _phase2,
    PHASE3: _phase3,
    PHASE4: _phase4,
    SUSPENDED: _suspended,
    RESUMED: _resumed,
    EXTENDED: _extended,
}
