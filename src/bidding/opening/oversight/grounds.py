"""What a decision of the supervisor is asked for, and where the lot stands then (pure)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bidding.opening.domain import Opening
from bidding.tender.domain import Lot

OUTAGE: Final = "outage"
CONFIRMED: Final = "confirmed"
FAULT: Final = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A decision and why; `span` of an outage, `tree` and `fault` of a finding."""

    decision: str
    cause: str
    span: tuple[datetime, datetime] | None = None
    tree: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The lot that is decided on, read under its lock."""

    lot: Lot
    opening: Opening | None
    now: datetime

    @property
    def is_suspended(self) -> bool:
        """Whether the opening stands still for want of members."""
        return self.opening is not None and self.opening.suspended_at is not None
