"""The seat's appointment: the opening keys that name it, which it holds itself (8.2(1))."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from bidding.licence.profile import LICENCE_USAGE, licence_names
from bidding.sealing.bodies import Group
from bidding.sealing.checks import (
    SHORTEST_SID,
    Trust,
    check_expected,
    check_pinned_statement,
    check_proven,
)
from bidding.sealing.member import Appointment
from bidding.sealing.opening_keys import LotKeys, check_independence, lot_keys
from bidding.sealing.refusals import MemberRefuses
from foundation.ledger.leaf import opening_from_json
from foundation.ledger.policy import read_policy
from foundation.problems import Refused
from foundation.statements.canonical import unb64
from foundation.statements.keyfile import LoadedKey
from foundation.statements.signed import Statement, from_json
from sunbid.evidence import Trusted
from sunbid.seat.home import LotFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Trusted):
    """What the seat's folder holds of its appointment."""

    group: Group
    i: int
    refuses: ClassVar[type[Refused]] = MemberRefuses

    @property
    def appointment(self) -> Appointment:
        """Opening keys and seat, as the pure rules take them."""
        return Appointment(keys=self.keys, group=self.group, i=self.i)


def appoint(
    folder: LotFolder,
    material: Mapping[str, Any],
    keys: LoadedKey,
    now: datetime,
    *,
    expected: str | None = None,
    policy_text: str | None = None,
) -> Held:
    """Check a lot's opening keys and keep them as this seat's appointment.

    `expected` are the digits of the sid that the organisation was given; `policy_text` its own
    policy, else the one that is shown. Refuses opening keys that do not name this seat's keys,
    that buyer and supervisor did not sign, or that replace an appointment already acted on.
    """
    statement = from_json(material["opening_keys"])
    opening_keys = lot_keys(statement)
    group, i = seat_in(opening_keys, keys)
    value = {
        "opening_keys": statement.json(),
        "group": group,
        "i": i,
        "policy_text": policy_text or material["policy_text"],
        "pinned": dict(material["pinned"]),
        "anchors": list(material["anchors"]),
    }
    held = held_of(value)
    if opening_keys.body.lot != folder.lot:
        raise MemberRefuses("expected the opening keys of this lot, got another's")
    if expected is not None:
        check_expected(opening_keys.sid, expected)
    trust = Trust(anchors=held.licence_anchors, usage=LICENCE_USAGE, subject=licence_names)
    check_pinned_statement(statement, [held.buyer_uscc, held.supervisor_uscc], trust, now)
    check_independence(opening_keys.body)
    _check_leaf(held, statement, material)
    _check_before(folder, held, expected)
    folder.keep_appointment(value)
    return held


def load_held(folder: LotFolder, keys: LoadedKey) -> Held:
    """The appointment that this seat keeps; refuses keys that are not the seat's."""
    value = folder.appointment()
    if value is None:
        raise MemberRefuses(
            f"this seat holds no appointment for {folder.lot}; run `sunbid custodian ready` first"
        )
    held = held_of(value)
    member = held.appointment.member
    if (member.kid, member.sign_kid) != (keys.exchange.kid, keys.signer.kid):
        raise MemberRefuses("expected the keys that stand in the appointment, got others")
    return held


def held_of(value: Mapping[str, Any]) -> Held:
    """An appointment as its file holds it."""
    return Held(
        keys=lot_keys(from_json(value["opening_keys"])),
        group=value["group"],
        i=value["i"],
        policy=read_policy(value["policy_text"]),
        buyer_uscc=value["pinned"]["buyer_uscc"],
        supervisor_uscc=value["pinned"]["supervisor_uscc"],
        licence_anchors=tuple(unb64(anchor) for anchor in value["anchors"]),
    )


def seat_in(opening_keys: LotKeys, keys: LoadedKey) -> tuple[Group, int]:
    """Group and number of the seat that these keys have; refuses opening keys without one."""
    groups: tuple[Group, ...] = ("T", "R")
    for group in groups:
        members = opening_keys.members(group)
        for i, member in enumerate(members.members if members else (), 1):
            if (member.body.kid, member.body.sign_kid) == (keys.exchange.kid, keys.signer.kid):
                return group, i
    raise MemberRefuses(
        f"expected a seat for key {keys.exchange.kid} in the opening keys of "
        f"{opening_keys.body.lot}, got none"
    )


def _check_leaf(held: Held, statement: Statement, material: Mapping[str, Any]) -> None:
    """The opening keys are published: their leaf is proven by the policy."""
    for value in material["leaves"]:
        leaf = opening_from_json(value)
        if (leaf.body.get("t"), leaf.body.get("subject")) == (statement.type, statement.sid):
            check_proven(leaf, material["proofs"].get(str(leaf.index)), held.policy)
            return
    raise MemberRefuses("expected the opening keys in the ledger, got no leaf; wait for a tick")


def _check_before(folder: LotFolder, held: Held, expected: str | None) -> None:
    """An appointment is replaced by a person's word alone, and never once it was acted on."""
    value = folder.appointment()
    if value is None:
        return
    before = held_of(value).appointment.keys
    after = held.appointment.keys
    if before.sid == after.sid:
        return
    if folder.has_answered(before.body.round):
        raise MemberRefuses("this seat has answered under its appointment; it is not replaced")
    if expected is None:
        raise MemberRefuses(
            f"the opening keys were replaced by version {after.body.version}; compare the first "
            f"{SHORTEST_SID} digits {after.sid[:SHORTEST_SID]} with the tender document and give "
            "them with --opening-keys"
        )
