"""The page 授权同事: which colleagues' keys may act for the company, until when, for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bidding.participant.domain import Given, state_of
from sunbid.pages.elements import State, Tag, Text, words

TAGS: Final[Mapping[str, tuple[State, str | None]]] = {
    "in-force": ("ok", "check"),
    "future": ("info", "clock"),
    "ended": ("plain", None),
    "revoked": ("bad", "cross"),
}
DAYS: Final = (30, 90, 180, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateLine:
    """One mandate."""

    sid: str
    kid: str
    scope: tuple[str, ...]
    # None: every tender.
    tenders: tuple[str, ...] | None
    since: datetime
    until: datetime
    ended_at: datetime | None
    tag: Tag
    can_revoke: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MandatesView:
    """The mandates of a company, or of an operator's own key, and the form for a new one."""

    lines: tuple[MandateLine, ...]
    is_company: bool
    # (id, title) of tenders that take bids, to choose from.
    tenders: tuple[tuple[str, str], ...] = ()
    days: tuple[int, ...] = DAYS
    scope: tuple[str, ...] = ("submit", "withdraw", "release")


def mandates_view(
    found: Sequence[Given],
    now: datetime,
    *,
    is_company: bool,
    titles: Mapping[str, str],
) -> MandatesView:
    """The page of some mandates; `titles` of the tenders that are open, by id."""
    return MandatesView(
        lines=tuple(_line(given, now, titles, is_company=is_company) for given in found),
        is_company=is_company,
        tenders=tuple(titles.items()) if is_company else (),
    )


def _line(
    given: Given, now: datetime, titles: Mapping[str, str], *, is_company: bool
) -> MandateLine:
    body, state = given.body, state_of(given, now)
    tone, icon = TAGS[state]
    label: Text = words(f"mandates.{state}")
    return MandateLine(
        sid=given.statement.sid,
        kid=body.operator.kid,
        scope=tuple(body.scope),
        tenders=None if body.tenders is None else tuple(titles.get(t, t) for t in body.tenders),
        since=given.not_before,
        until=given.not_after,
        ended_at=given.revoked_at,
        tag=Tag(label=label, state=tone, icon=icon),
        can_revoke=is_company and state in {"in-force", "future"},
    )
