"""What stands around every page: the clock, the demonstration's line, who is here, the menu."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.language import BEIJING

# Menu entries are (key of the text, address); the key is also what a page names as its section.
Menu = tuple[tuple[str, str], ...]

PUBLIC_MENU: Final[Menu] = (
    ("plans", "/plans"),
    ("notices", "/tenders"),
    ("openings", "/openings"),
    ("awards", "/awards"),
    ("verify", "/verify"),
    ("ledger", "/ledger"),
)
MENUS: Final[dict[str, Menu]] = {
    "bidder": (
        ("notices", "/tenders"),
        ("bids", "/bids"),
        ("openings", "/openings"),
        ("papers", "/papers"),
        ("mandates", "/mandates"),
        ("verify", "/verify"),
    ),
    "operator": (
        ("notices", "/tenders"),
        ("bids", "/bids"),
        ("openings", "/openings"),
        ("mandates", "/mandates"),
        ("verify", "/verify"),
    ),
    "expert": (("seats", "/seats"), ("papers", "/papers"), ("notices", "/tenders")),
    "supervisor": (
        ("clues", "/clues"),
        ("papers", "/papers"),
        ("custody", "/seats/custody"),
        ("openings", "/openings"),
        ("notices", "/tenders"),
        ("verify", "/verify"),
    ),
}
OFFICE_MENU: Final[Menu] = (
    ("papers", "/papers"),
    ("custody", "/seats/custody"),
    ("notices", "/tenders"),
    ("openings", "/openings"),
    ("awards", "/awards"),
    ("verify", "/verify"),
)
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who is logged in, as the masthead shows it."""

    name: str
    role: str
    # Where a role hides the person (an expert's seat), the note says so.
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMove:
    """One forward move of a demonstration's clock."""

    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFrame:
    """The surroundings of a page at the moment it was made."""

    now: datetime
    factor: float = 1.0
    is_demo: bool = False
    # Newest first.
    moves: tuple[ClockMove, ...] = ()
    visitor: Visitor | None = None
    csrf: str = ""
    ledger_root: str | None = None
    papers_waiting: int = 0

    @property
    def menu(self) -> Menu:
        """The menu of the visitor's role."""
        if self.visitor is None:
            return PUBLIC_MENU
        return MENUS.get(self.visitor.role, OFFICE_MENU)

    @property
    def day_share(self) -> int:
        """How much of today is over in Beijing, in percent, for the ruler under the masthead."""
        local = self.now.astimezone(BEIJING)
        return round((local.hour * 3600 + local.minute * 60 + local.second) * 100 / DAY_S)
