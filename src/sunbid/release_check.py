"""Before a half is released: the bidder's own look at the closing (9.2: no early release).

The sealing frame does the same in a browser. Signatures, leaves, the list and the hour are checked
by what was kept when the bid was sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from bidding.sealing.bodies import Closing, ListedEnvelope, ListEntry, Schedule
from bidding.sealing.checks import CheckedLot, Material
from bidding.sealing.envelope import Head, check_for_lot
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import OpeningUnproven, TooEarly
from foundation.ledger.policy import read_policy
from foundation.ledger.tree import check_inclusion, hash_leaf
from foundation.statements.canonical import Json, b64, canonical, parse, parse_time, time_ms, unb64
from foundation.statements.fields import Hex, Int, Sid
from foundation.statements.signed import Statement, decode, from_json
from sunbid.closings import (
    Known,
    newest_schedule,
    proven_closing,
    proven_stage,
    require_not_older,
)
from sunbid.evidence import Proven, Trusted

LARGEST_TRUST: Final = 1024 * 1024


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `sunbid seal` keeps of whom it trusted: the platform may show others later."""

    v: int
    policy_text: str
    buyer_uscc: str
    supervisor_uscc: str
    anchors: list[str]
    schedule: Sid
    schedule_version: Int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform shows of the closing to the bidder of one manifest."""

    closing: dict[str, Any]
    stage: dict[str, Any] | None
    leaves: list[dict[str, Any]]
    proofs: dict[str, str]
    entry: dict[str, Any]
    place: Int
    path: list[Hex]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The release that is about to be made, and what is shown for it."""

    material: Material
    shown: Shown
    stage: int
    manifest: str
    heads: Mapping[str, Head]


def trust_bytes(
    material: Material, lot: CheckedLot, policy_text: str, anchors: Sequence[bytes]
) -> bytes:
    """Whom the sealing trusted about a lot, as a file beside the sealed ones."""
    kept = _Kept(
        v=1,
        policy_text=policy_text,
        buyer_uscc=material.pinned.buyer_uscc,
        supervisor_uscc=material.pinned.supervisor_uscc,
        anchors=[b64(anchor) for anchor in anchors],
        schedule=lot.schedule_sid,
        schedule_version=lot.schedule.version,
    )
    return canonical(msgspec.to_builtins(kept))


def read_trust(raw: bytes, keys: LotKeys) -> tuple[Trusted, Known]:
    """Whom the sealing trusted, and the newest schedule that it saw."""
    kept = decode(parse(raw, limit=LARGEST_TRUST), _Kept)
    trusted = Trusted(
        keys=keys,
        policy=read_policy(kept.policy_text),
        buyer_uscc=kept.buyer_uscc,
        supervisor_uscc=kept.supervisor_uscc,
        licence_anchors=tuple(unb64(anchor) for anchor in kept.anchors),
    )
    return trusted, Known(kept.schedule_version, kept.schedule)


def read_shown(value: Json) -> Shown:
    """The platform's answer as its shape; refuses another."""
    try:
        return msgspec.convert(value, Shown)
    except msgspec.ValidationError as error:
        raise OpeningUnproven(f"expected the closing with its proofs, got: {error}") from None


def check_opening(asked: Asked, trusted: Trusted, known: Known, now: datetime) -> Statement:
    """Refuse unless these envelopes are to be opened now by a closing of the platform; it."""
    for head in asked.heads.values():
        check_for_lot(head, trusted.keys)
    shown = asked.shown
    proven = Proven(
        trusted,
        [*asked.material.leaves, *shown.leaves],
        {**asked.material.proofs, **shown.proofs},
    )
    schedules = [from_json(value) for value in asked.material.schedules]
    newest, plan = newest_schedule(schedules, trusted, proven, now)
    require_not_older(newest, plan, known, trusted)
    closing = proven_closing(from_json(shown.closing), trusted, proven, now)
    _check_place(closing.body, plan, trusted)
    _check_cut(closing.statement, schedules)
    named = closing.body.schedule
    if asked.stage > 1:
        named = _stage_schedule(asked, closing.statement, trusted, proven, now)
    if named != newest.sid:
        raise OpeningUnproven("expected the newest schedule in the closing (stage), got another")
    _check_hour(plan, asked.stage, now)
    _check_listed(asked, closing.body, plan)
    return closing.statement


def _check_place(closing: Closing, plan: Schedule, trusted: Trusted) -> None:
    keys = trusted.keys.body
    place = (keys.tender, keys.lot, keys.round)
    for body in (closing, plan):
        if (body.tender, body.lot, body.round) != place:
            raise OpeningUnproven("expected the closing of this lot and round, got another's")
    if closing.opening_keys != trusted.keys.sid:
        raise OpeningUnproven("expected a closing for the opening keys of the sealed bid")


def _check_cut(closing: Statement, schedules: Sequence[Statement]) -> None:
    """The cut came after the deadline of the schedule that the closing names."""
    plan = next((one for one in schedules if one.sid == closing.body["schedule"]), None)
    at = closing.body["cut"]["body"].get("at_ms")
    deadline = None if plan is None else parse_time(plan.body["deadline"])
    if deadline is None or not isinstance(at, int) or at < time_ms(deadline):
        raise OpeningUnproven("expected a cut after the deadline, got an earlier one")


def _stage_schedule(
    asked: Asked, closing: Statement, trusted: Trusted, proven: Proven, now: datetime
) -> str:
    """The schedule that the statement of a later stage names; refuses other stages and files."""
    if asked.shown.stage is None:
        raise OpeningUnproven(f"expected the supervisor's statement of stage {asked.stage}")
    found = proven_stage(from_json(asked.shown.stage), trusted, proven, now).body
    if (found.closing, found.stage) != (closing.sid, asked.stage):
        raise OpeningUnproven("expected the stage of this closing, got another")
    if not set(asked.heads) <= set(found.trees):
        raise OpeningUnproven("expected envelopes that this stage opens, got others")
    return found.schedule


def _check_hour(plan: Schedule, stage: int, now: datetime) -> None:
    opens_at = next((one.opens_at for one in plan.stages if one.stage == stage), None)
    if opens_at is None:
        raise OpeningUnproven(f"expected an hour of stage {stage} in the schedule, got none")
    if now < parse_time(opens_at):
        raise TooEarly(f"opens at {opens_at}, not before; nothing is released")


def _check_listed(asked: Asked, closing: Closing, plan: Schedule) -> None:
    """Each envelope stands in the bid's own entry, and that in the closing's list."""
    shown = asked.shown
    entry = decode(shown.entry, ListEntry)
    if entry.manifest != asked.manifest:
        raise OpeningUnproven("expected the entry of this bid, got another's; release that folder")
    path = [bytes.fromhex(one) for one in shown.path]
    root = bytes.fromhex(closing.list_root)
    check_inclusion(hash_leaf(canonical(shown.entry)), shown.place, closing.count, path, root)
    volumes = {v for one in plan.stages if one.stage == asked.stage for v in one.volumes}
    listed = {one.tree: one for one in entry.envelopes if one.volume in volumes}
    for tree, head in asked.heads.items():
        if tree not in listed or not _fits(listed[tree], head):
            raise OpeningUnproven(f"expected the listed header and wraps of {tree[:16]}…")


def _fits(listed: ListedEnvelope, head: Head) -> bool:
    return (listed.volume, listed.header_hash, listed.wraps_hash) == (
        head.header.volume,
        head.header_hash.hex(),
        head.wraps_hash.hex(),
    )
