"""The bidder's way from folders to a receipt: seal and upload, check, hand in, withdraw.

The pages carry what the browser's script needs; what is sealed or uploaded already is known to
that browser alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bidding.bid.domain import Act
from bidding.tender.domain import Lot
from sunbid.pages.bid_state import BidState
from sunbid.pages.elements import Crumb, Deadline, Text, words
from sunbid.pages.notices import lot_title
from sunbid.pages.tender import volume_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the script of a bidder's page is told besides the state."""

    # Where sealing and opening run, apart from these pages; None where it is not served.
    frame: str | None
    is_demo: bool
    # Whether the licence app can make an opening key for a lot.
    has_app_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLine:
    """One volume that a bid must have, and its size in the version that counts."""

    name: str
    label: Text
    tree: str | None
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealView:
    """The page of sealing and uploading, and that of checking before handing in."""

    title: str
    crumbs: tuple[Crumb, ...]
    status: BidState
    deadline: Deadline | None
    volumes: tuple[VolumeLine, ...]
    opening_keys: str
    desk: Desk

    @property
    def keys_digits(self) -> str:
        """The first 20 digits of the opening keys, to compare with the tender document (8.1)."""
        return " ".join(self.opening_keys[i : i + 4] for i in range(0, 20, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandInView:
    """The page that hands in what the phone has signed."""

    title: str
    crumbs: tuple[Crumb, ...]
    status: BidState
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawView:
    """The page that says what a withdrawal does, with its one button."""

    title: str
    crumbs: tuple[Crumb, ...]
    status: BidState
    seq: int | None


def seal_view(
    lot: Lot, state: BidState, acts: Sequence[Act], deadline: Deadline | None, desk: Desk, here: str
) -> SealView:
    """The page of sealing, or with `here` = `check` that of checking."""
    last = next((act for act in acts if act.sid == state.final_sid), None)
    held = {e["volume"]: e for e in last.envelopes} if last is not None else {}
    labels = zip(lot.volumes, volume_names(lot.volumes), strict=True)
    return SealView(
        title=lot_title(lot),
        crumbs=crumbs(lot, words(f"seal.{here}_title")),
        status=state,
        deadline=deadline,
        volumes=tuple(
            VolumeLine(
                name=name,
                label=label,
                tree=held[name]["tree"] if name in held else None,
                size=int(held[name]["size"]) if name in held else None,
            )
            for name, label in labels
        ),
        opening_keys=lot.opening_keys or "",
        desk=desk,
    )


def hand_in_view(lot: Lot, state: BidState, challenge: str) -> HandInView:
    """The page on which a signed bid goes out."""
    return HandInView(
        title=lot_title(lot),
        crumbs=crumbs(lot, words("seal.hand_in_title")),
        status=state,
        challenge=challenge,
    )


def withdraw_view(lot: Lot, state: BidState) -> WithdrawView:
    """The page before a withdrawal; without a bid that counts there is nothing to withdraw."""
    may = state.is_open and state.is_bid and state.waiting is None
    return WithdrawView(
        title=lot_title(lot),
        crumbs=crumbs(lot, words("seal.withdraw_title")),
        status=state,
        seq=state.final_seq if may else None,
    )


def crumbs(lot: Lot, here: Text) -> tuple[Crumb, ...]:
    """Where these pages stand."""
    return (
        Crumb(label=words("notices.title"), href="/tenders"),
        Crumb(label=lot.tender_number, href=f"/lots/{lot.id}"),
        Crumb(label=words("bid.title"), href=f"/lots/{lot.id}/bid"),
        Crumb(label=here),
    )
