"""Closing, schedule and stage as a client believes them: signed, proven, chained (8.2(2,3), 9.2).

One look for the members' seats and for a bidder's release. Nothing is taken on the platform's
word; which list, hour and files count is judged by the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bidding.sealing.bodies import Closing, Schedule, Stage
from bidding.sealing.checks import check_postponed, check_versions
from foundation.ledger.leaf import LeafOpening
from foundation.statements.canonical import time_from_ms
from foundation.statements.signed import Statement, decode_body
from sunbid.evidence import Proven, Trusted, require_licence, require_platform

Body = TypeVar("Body", Closing, Stage)


@dataclass(frozen=True, slots=True)
class Known:
    """The newest schedule that a client saw before."""

    version: int
    sid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed(Generic[Body]):
    """A statement that is signed and whose leaf is proven; for a closing with its cut's leaf."""

    statement: Statement
    body: Body
    leaf: LeafOpening


def proven_closing(
    closing: Statement, held: Trusted, proven: Proven, now: datetime
) -> Believed[Closing]:
    """A closing that the platform signed, after its cut in one ledger (rule 2)."""
    body = decode_body(closing, Closing)
    require_platform(closing, held, now)
    cut, leaf = proven.leaf("cut", body.schedule), proven.leaf("closing", closing.sid)
    if cut.to_json() != closing.body["cut"]:
        raise held.refuses("expected the cut that the closing names, got another")
    if cut.origin != leaf.origin or not cut.index < leaf.index:
        raise held.refuses("expected the cut before the closing in the ledger")
    return Believed(statement=closing, body=body, leaf=leaf)


def newest_schedule(
    shown: Sequence[Statement], held: Trusted, proven: Proven, now: datetime
) -> tuple[Statement, Schedule]:
    """The newest schedule: every version chained, signed by both, published in time (rule 3)."""
    found = [(one, decode_body(one, Schedule)) for one in shown]
    versions = sorted(found, key=lambda one: one[1].version)
    if not versions:
        raise held.refuses("expected the schedule of this lot, got none")
    check_versions(versions)
    before: Schedule | None = None
    for statement, body in versions:
        for uscc in (held.buyer_uscc, held.supervisor_uscc):
            require_licence(statement, uscc, held, now)
        leaf = proven.leaf("schedule", statement.sid)
        if before is not None:
            check_postponed(before, body, time_from_ms(_accepted_ms(leaf, held)))
        before = body
    return versions[-1]


def require_not_older(newest: Statement, plan: Schedule, known: Known, held: Trusted) -> None:
    """Refuse a schedule older than one that this client saw, and another of the same version."""
    if plan.version < known.version or (
        plan.version == known.version and known.sid not in {None, newest.sid}
    ):
        raise held.refuses(
            f"expected version {known.version} of the schedule, which was seen before, or a later "
            f"one, got version {plan.version}"
        )


def proven_stage(
    statement: Statement, held: Trusted, proven: Proven, now: datetime
) -> Believed[Stage]:
    """A later stage that the supervisor signed, in the ledger."""
    body = decode_body(statement, Stage)
    require_licence(statement, held.supervisor_uscc, held, now)
    return Believed(statement=statement, body=body, leaf=proven.leaf("stage", statement.sid))


def _accepted_ms(leaf: LeafOpening, held: Trusted) -> int:
    at = leaf.body.get("at_ms")
    if not isinstance(at, int):
        raise held.refuses("expected the leaf of a schedule with its time, got one without")
    return at
