"""Mandates (授权): what a company lets a colleague's key do, and for how long (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from bidding.sealing.bodies import Mandate
from foundation.problems import NotAllowed, NotFound
from foundation.statements.canonical import parse_time, unb64
from foundation.statements.signed import Statement, kid_of

State = Literal["future", "in-force", "ended", "revoked"]

SUBMIT: Final = "submit"
WITHDRAW: Final = "withdraw"
RELEASE: Final = "release"
# Which part of the scope an act needs (sealing.md, section 4).
SCOPE_OF: Final = {"manifest": SUBMIT, "withdraw": WITHDRAW}
LONGEST: Final = timedelta(days=732)
MOST: Final = 500


class NoMandate(NotAllowed):
    """This operator has no mandate for this act."""

    code = "E_MANDATE"


class UnknownMandate(NotFound):
    """This company gave no such mandate."""

    code = "unknown-mandate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A mandate that was accepted, and when it was revoked."""

    statement: Statement
    body: Mandate
    accepted_at: datetime
    revocation: Statement | None
    revoked_at: datetime | None
    queues: tuple[UUID, ...]

    @property
    def operator_key(self) -> bytes:
        """The operator's public key."""
        return unb64(self.body.operator.pk, 65)

    @property
    def not_before(self) -> datetime:
        """From when on the company wants it to count."""
        return parse_time(self.body.not_before)

    @property
    def not_after(self) -> datetime:
        """Until when it counts, that moment excluded."""
        return parse_time(self.body.not_after)

    def is_in_force(self, at: datetime) -> bool:
        """Say whether it was accepted and not revoked at a time, and that time is within it."""
        return self.why_not(at) is None

    def why_not(self, at: datetime) -> str | None:
        """Return why it does not count at a time, or None where it does."""
        if at < self.accepted_at:
            return f"the mandate was accepted only at {_text(self.accepted_at)}"
        # "Not revoked before": within one millisecond the act was first, as its lock shows.
        if self.revoked_at is not None and self.revoked_at < at:
            return f"the mandate was revoked at {_text(self.revoked_at)}"
        if at < self.not_before:
            return f"the mandate begins at {self.body.not_before}"
        if at >= self.not_after:
            return f"the mandate ended at {self.body.not_after}"
        return None

    def is_for(self, tender: str) -> bool:
        """Say whether it covers a tender; without a list it covers all."""
        return self.body.tenders is None or tender in self.body.tenders


def state_of(given: Given, now: datetime) -> State:
    """Return how a mandate stands."""
    if given.revoked_at is not None:
        return "revoked"
    if now < given.not_before:
        return "future"
    return "ended" if now >= given.not_after else "in-force"


def refuse_new(body: Mandate, now: datetime) -> None:
    """Refuse a mandate that could never be used: no time, wrong key, already over."""
    since, until = parse_time(body.not_before), parse_time(body.not_after)
    if not since < until <= since + LONGEST:
        raise NoMandate(
            f"expected an end after the beginning, at most {LONGEST.days} days later, got "
            f"{body.not_before} to {body.not_after}; choose other days"
        )
    if until <= now:
        raise NoMandate(f"expected a mandate that is not over, got one until {body.not_after}")
    if body.operator.kid != kid_of(unb64(body.operator.pk, 65)):
        raise NoMandate("the operator's kid is not that of its key; take both from the device")


def refuse_unfit(
    given: Given | None, *, scope: str, uscc: str, tender: str, at: datetime, sid: str
) -> Given:
    """Return the mandate of an act; refuses with the reason why it does not carry the act."""
    if given is None or given.body.uscc != uscc:
        raise NoMandate(f"the company gave no mandate {sid[:16]}…; sign with the licence itself")
    why = given.why_not(at)
    if why is None and scope not in given.body.scope:
        why = f"the mandate does not allow to {scope}"
    if why is None and not given.is_for(tender):
        why = "the mandate is for other tenders"
    if why is not None:
        raise NoMandate(f"{why}; have the company give another, or sign with its licence")
    return given


def best_for(found: Sequence[Given], tender: str | None, at: datetime) -> Given | None:
    """Return the mandate in force that lasts longest, for a tender where one is named."""
    fit = [
        given
        for given in found
        if given.is_in_force(at) and (tender is None or given.is_for(tender))
    ]
    return max(fit, key=lambda given: (given.not_after, given.statement.sid), default=None)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
