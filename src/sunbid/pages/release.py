"""A bidder's part in an opening: what it has to release, by which key, until when."""

from dataclasses import dataclass
from datetime import datetime

from bidding.opening.releases.own import OwnEnvelopes
from sunbid.pages.elements import Text
from sunbid.pages.sealing import Desk
from sunbid.pages.tender import volume_names


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLine:
    """One envelope of the bidder and whether its half is here."""

    label: Text
    tree: str
    released_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """The bidder's part of the hall."""

    lot_id: str
    uscc: str
    closing: str
    stage: int
    is_open: bool
    is_done: bool
    until: datetime | None
    lines: tuple[ReleaseLine, ...]
    has_app_key: bool
    desk: Desk


def release_view(lot_id: str, uscc: str, own: OwnEnvelopes, desk: Desk) -> ReleaseView:
    """What a bidder releases, and how."""
    listed = sorted(own.listed, key=lambda one: one.volume)
    names = volume_names([one.volume for one in listed])
    return ReleaseView(
        lot_id=lot_id,
        uscc=uscc,
        closing=own.closing,
        stage=own.stage,
        is_open=own.is_open,
        is_done=not own.waiting,
        until=own.until,
        lines=tuple(
            ReleaseLine(label=name, tree=one.tree, released_at=one.b_at)
            for name, one in zip(names, listed, strict=True)
        ),
        has_app_key=desk.has_app_key,
        desk=desk,
    )
