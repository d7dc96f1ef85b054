"""A tender and its lots: status, guards and refusals (pure).

The lifecycle is one literal table; the database holds the same table and refuses other moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NewType
from uuid import UUID

from foundation.problems import Conflict, Invalid, NotFound, TooMany

TenderId = NewType("TenderId", UUID)
LotId = NewType("LotId", UUID)

DRAFTED: Final = "drafted"
PUBLISHED: Final = "published"
CLOSED: Final = "closed"
CUT: Final = "cut"
OPENING: Final = "opening"
NOT_OPENED: Final = "not_opened"
SUSPENDED: Final = "suspended"
RECORDED: Final = "recorded"
EVALUATING: Final = "evaluating"
EVALUATED: Final = "evaluated"
STANDSTILL: Final = "standstill"
AWARDED: Final = "awarded"
CONTRACTED: Final = "contracted"
FAILED: Final = "failed"
TERMINATED: Final = "terminated"

TRANSITIONS: Final[Mapping[tuple[str, str], str]] = {
    (DRAFTED, "publish"): PUBLISHED,
    (DRAFTED, "terminate"): TERMINATED,
    (PUBLISHED, "close"): CLOSED,
    (PUBLISHED, "terminate"): TERMINATED,
    (CLOSED, "cut"): CUT,
    (CLOSED, "terminate"): TERMINATED,
    (CUT, "open"): OPENING,
    (CUT, "not_open"): NOT_OPENED,
    (CUT, "terminate"): TERMINATED,
    (OPENING, "record"): RECORDED,
    (OPENING, "suspend"): SUSPENDED,
    (OPENING, "terminate"): TERMINATED,
    (SUSPENDED, "resume"): OPENING,
    (SUSPENDED, "terminate"): TERMINATED,
    (RECORDED, "evaluate"): EVALUATING,
    (RECORDED, "fail"): FAILED,
    (EVALUATING, "report"): EVALUATED,
    (EVALUATING, "fail"): FAILED,
    (EVALUATED, "announce"): STANDSTILL,
    (STANDSTILL, "award"): AWARDED,
    (STANDSTILL, "fail"): FAILED,
    (AWARDED, "contract"): CONTRACTED,
}
TERMINAL: Final = frozenset({NOT_OPENED, FAILED, TERMINATED, CONTRACTED})


class WrongStatus(Conflict):
    """The lot is not in a state in which this can be done."""

    code = "wrong-status"


class UnknownLot(NotFound):
    """There is no such lot."""

    code = "unknown-lot"


class UnknownTender(NotFound):
    """There is no such tender."""

    code = "unknown-tender"


class BidsStillOpen(Conflict):
    """Bids are still open for this lot."""

    code = "bids-still-open"


class PapersMissing(Conflict):
    """A signed paper is missing before this can be done."""

    code = "papers-missing"


class UnknownMember(Invalid):
    """A member of the opening keys has no registered key."""

    code = "unknown-member"


class DocumentMissing(Conflict):
    """The tender document has not been added yet."""

    code = "document-missing"


class DocumentNameTaken(Conflict):
    """A document of this name was already added to the lot."""

    code = "document-name-taken"


class TenderNumberTaken(Conflict):
    """A tender with this number was already drafted."""

    code = "tender-number-taken"


class MemberKeyTaken(Conflict):
    """This key was already registered in another statement."""

    code = "member-key-taken"


class TooManyMemberKeys(TooMany):
    """This organisation has registered too many member keys."""

    code = "too-many-member-keys"


class NotHeld(Conflict):
    """This does not show that the key is held."""

    code = "not-held"


class PossessionMissing(Conflict):
    """A member has not shown that it holds its key."""

    code = "possession-missing"


class NoticeRefused(Invalid):
    """The notice breaks a rule of its regime."""

    code = "notice-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """The organisations of a tender, each pinned by its USCC in the notice."""

    buyer_uscc: str
    buyer_name: str
    agency_uscc: str
    agency_name: str
    supervisor_uscc: str
    supervisor_name: str
    host_uscc: str
    host_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotDraft:
    """A lot as the agency drafts it; `method` validates against the scoring method's schema."""

    title: str
    ceiling_price_yuan: Decimal
    duration_days: int
    facts: Mapping[str, str]
    method: Mapping[str, Any]
    volumes: tuple[str, ...]
    minimum_bidders: int
    standstill_days: int
    award_separated: bool
    # In which the bids are sealed; fixed by the opening keys from the notice on.
    suite: str = "INTL-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenderDraft:
    """A tender as the agency drafts it."""

    number: str
    plan: UUID | None
    title: str
    regime: str
    region: str
    category: str
    summary: str
    parties: Parties
    lots: tuple[LotDraft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A lot with the facts of its tender, as the services of all features read it."""

    id: LotId
    tender: TenderId
    tender_number: str
    tender_title: str
    regime: str
    region: str
    category: str
    summary: str
    parties: Parties
    number: int
    title: str
    round: int
    lock_key: int
    status: str
    ceiling_price_yuan: Decimal
    duration_days: int
    facts: Mapping[str, str]
    method: Mapping[str, Any]
    method_sha256: str
    volumes: tuple[str, ...]
    minimum_bidders: int
    standstill_days: int
    award_separated: bool
    suite: str
    issued_on: date | None
    deadline_at: datetime | None
    opening_keys: str | None
    schedule: str | None
    access_key: bytes | None
    published_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of the tender document (招标文件)."""

    id: UUID
    lot: LotId
    name: str
    sha256: str
    size: int
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A drill's question to one seat (sealing.md 8.3), with the answer to expect."""

    opening_keys: str
    group: str
    i: int
    nonce: bytes
    expected: str
    wrap: bytes
    passed: bool | None = None


def next_status(status: str, event: str) -> str:
    """Return the status after an event; a missing pair is refused."""
    after = TRANSITIONS.get((status, event))
    if after is None:
        raise WrongStatus(f"a lot that is {status} cannot {event.replace('_', ' ')}")
    return after
