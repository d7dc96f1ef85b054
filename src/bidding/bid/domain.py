"""Handing in a bid: uploads, acts and their refusals (pure)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bidding.tender.domain import Lot
from foundation.problems import Conflict, Invalid, NotAllowed, NotFound, TooMany

ACTS_A_DAY: Final = 20
ACTS_KEPT: Final = 5
DAY: Final = timedelta(hours=24)
KEPT_FOR_THE_LAST: Final = timedelta(minutes=10)
UPLOAD_LIMIT: Final = 8 * 1024**3 + 1024**2
SESSION_LIMIT: Final = 32 * 1024**3
UPLOAD_LASTS: Final = timedelta(days=60)

PENDING: Final = "pending"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"


class Late(Conflict):
    """Bids have closed."""

    code = "E_LATE"


class StillPending(Conflict):
    """Your previous bid for this lot is still being checked."""

    code = "E_PENDING"


class WrongSequence(Conflict):
    """Another bid or withdrawal of yours came in between."""

    code = "E_SEQ"


class WrongRequestKey(Invalid):
    """This request key was used for something else."""

    code = "E_IDEMPOTENCY"


class TooManyActs(TooMany):
    """Too many attempts today."""

    code = "E_QUOTA"


class UploadIncomplete(Conflict):
    """Not all files have arrived. Nothing has been handed in yet (未递交)."""

    code = "E_UPLOAD"


class UnknownUpload(NotFound):
    """There is no such upload."""

    code = "unknown-upload"


class UnknownAct(NotFound):
    """There is no such act."""

    code = "unknown-act"


class WrongBidder(NotAllowed):
    """The signature belongs to another company than the bid names."""

    code = "E_BIDDER"


class BadToken(NotAllowed):
    """The token for handing in bids for this lot is missing, old or not yours."""

    code = "bad-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A sealed file on its way, or complete."""

    id: UUID
    secret_sha256: bytes
    size: int
    tree: bytes
    parts: tuple[bytes, ...]
    stored: tuple[bool, ...]
    complete: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of a bidder as its row holds it; who it is stays sealed until the closing."""

    sid: str
    lot: UUID
    round: int
    kind: str
    bidder_key: bytes
    submission: UUID
    seq: int
    prev: str | None
    intake_at: datetime
    state: str
    opening_keys: str | None
    envelopes: tuple[dict[str, Any], ...]
    sealed_row: bytes
    queue: UUID
    ticket: bytes
    receipt: bytes | None
    receipt_id: UUID | None
    licence_status: str | None
    refusal: str | None
    statement: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRefusal:
    """An act that was refused before the intake, and the signed refusal that says so."""

    act: str
    code: str
    refusal: str
    lot: UUID
    round: int
    bidder_key: bytes
    decided_at: datetime


def check_in_time(lot: Lot, intake: datetime) -> None:
    """Refuse an act that is not strictly before the deadline of an open lot."""
    deadline = lot.deadline_at
    if deadline is None or lot.published_at is None:
        raise Late(f"lot {lot.id} does not take bids: it is {lot.status}")
    if intake >= deadline or lot.closed_at is not None or lot.status != "published":
        raise Late(
            f"bids closed at {deadline.isoformat(timespec='milliseconds')}; "
            f"this arrived at {intake.isoformat(timespec='milliseconds')}",
            article="招标投标法第二十八条",
        )


def check_quota(acts_today: int, intake: datetime, deadline: datetime) -> None:
    """Refuse more acts a day than allowed; some are kept for the last ten minutes."""
    last_minutes = deadline - intake <= KEPT_FOR_THE_LAST
    allowed = ACTS_A_DAY if last_minutes else ACTS_A_DAY - ACTS_KEPT
    if acts_today >= allowed:
        left = max(ACTS_A_DAY - acts_today, 0)
        raise TooManyActs(
            f"{acts_today} attempts in 24 hours; {left} are kept for the last ten minutes"
        )


def check_sequence(seq: int, prev: str | None, earlier: list[Act]) -> None:
    """Refuse an act that does not follow the bidder's last one."""
    last = earlier[-1] if earlier else None
    if last is not None and last.state == PENDING:
        raise StillPending("your previous act is still being checked; try again in a moment")
    wanted_prev = None if last is None else last.sid
    if seq != len(earlier) + 1 or prev != wanted_prev:
        raise WrongSequence(
            f"expected act number {len(earlier) + 1} after {(wanted_prev or 'none')[:16]}, got "
            f"number {seq} after {(prev or 'none')[:16]}; look at your acts, then sign again"
        )


def final_acts(acts: list[Act], opening_keys: str) -> dict[UUID, Act]:
    """Return each bidder's final act that is a bid under the opening keys in force.

    Final = the accepted act with the highest seq (sealing.md 6.1); a withdrawal leaves no bid, a
    bid sealed for older opening keys is void.
    """
    latest: dict[UUID, Act] = {}
    for act in sorted(acts, key=lambda a: a.seq):
        if act.state == ACCEPTED:
            latest[act.submission] = act
    return {
        submission: act
        for submission, act in latest.items()
        if act.kind == "manifest" and act.opening_keys == opening_keys
    }
