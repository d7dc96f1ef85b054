"""The two papers that fix how a lot is opened: bodies of opening keys, and what both share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bidding.regime.catalogue import rule
from bidding.regime.clocks import beijing_date
from bidding.sealing.bodies import OpeningKeys
from bidding.sealing.opening_keys import check_independence, check_suite
from bidding.sealing.refusals import NotIndependent
from bidding.tender import member_key_store
from bidding.tender.domain import Lot, UnknownMember
from foundation.database import Connection
from foundation.statements.canonical import Json, time_text
from foundation.statements.signed import Statement, decode_body, read, unsigned
from foundation.statements.store import Required, ledger_body, papers_of_scope

OPENING_KEYS_LAST: Final = timedelta(days=180)
WINDOWS: Final = {"w1_s": 1800, "w2_s": 900, "w3_s": 900}


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The members of the opening groups, by the sids of their member keys, and how many open."""

    custodians: tuple[str, ...]
    custodians_needed: int
    remedy: tuple[str, ...]
    remedy_needed: int
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Which version of a paper this is, and which it follows."""

    number: int = 1
    prev: str | None = None


FIRST: Final = Version()
LARGE_LOT: Final = "custody.large_lot_yuan"
LARGE_SEATS: Final = 5
LARGE_NEEDED: Final = 3


async def opening_keys_paper(
    connection: Connection, held: Lot, groups: Groups, now: datetime, version: Version = FIRST
) -> Statement:
    """Return new opening keys, not yet signed; refuses groups that are not independent (1.5)."""
    _require_enough(held, groups, now)
    custodians = [await _member(connection, sid) for sid in groups.custodians]
    remedy = [await _member(connection, sid) for sid in groups.remedy]
    keys = unsigned(
        "opening-keys",
        {
            "v": 1,
            **place(held),
            "version": version.number,
            "prev": version.prev,
            "suite": held.suite,
            "policy": "dual+remedy",
            "t": {"k": groups.custodians_needed, "members": [m.json() for m in custodians]},
            "r": {"k": groups.remedy_needed, "members": [m.json() for m in remedy]},
            **WINDOWS,
            "clock": groups.clock,
            "not_after": time_text(now + OPENING_KEYS_LAST),
        },
    )
    check_suite(decode_body(keys, OpeningKeys))
    check_independence(
        decode_body(keys, OpeningKeys),
        same_organisation=[[held.parties.buyer_uscc, held.parties.agency_uscc]],
        platform_uscc=held.parties.host_uscc,
    )
    return keys


def _require_enough(held: Lot, groups: Groups, now: datetime) -> None:
    """Large lots are kept by more: three of at least five custodians (1.5)."""
    large = rule(held.regime, LARGE_LOT, beijing_date(now))
    is_large = held.ceiling_price_yuan >= large.whole
    if is_large and (
        len(groups.custodians) < LARGE_SEATS or groups.custodians_needed < LARGE_NEEDED
    ):
        raise NotIndependent(
            f"expected at least {LARGE_NEEDED} of {LARGE_SEATS} custodians for a lot from "
            f"{large.whole} yuan on, got {groups.custodians_needed} of {len(groups.custodians)}",
            article=large.article,
        )


def signers(held: Lot) -> Sequence[Required]:
    """Buyer and supervisor, whom the notice names: two persons for every such paper."""
    return (
        Required(role="buyer", subject=held.parties.buyer_uscc),
        Required(role="supervisor", subject=held.parties.supervisor_uscc),
    )


async def newest_offered(connection: Connection, lot_id: UUID, type_: str) -> str | None:
    """The sid of the paper of a type that was offered last: those before it are void."""
    papers = await papers_of_scope(connection, lot_id, type_)
    return papers[-1].statement.sid if papers else None


def place(held: Lot) -> dict[str, Json]:
    """Tender, lot and round as bodies name them."""
    return {"tender": str(held.tender), "lot": str(held.id), "round": held.round}


def lot_ledger_body(held: Lot, kind: str, subject: str, at: datetime) -> dict[str, Json]:
    """Return the ledger body of a statement about a lot."""
    return ledger_body(
        kind, group=held.tender, scope=held.id, turn=held.round, subject=subject, at=at
    )


async def _member(connection: Connection, sid: str) -> Statement:
    raw = await member_key_store.member_key(connection, sid)
    if raw is None:
        raise UnknownMember(
            f"no member key {sid[:16]}… is registered; its holder runs `sunbid custodian keygen`"
        )
    return read(raw)
