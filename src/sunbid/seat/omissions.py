"""Rule 9: a receipt that the list does not honour stops this seat until it is answered.

Anyone may raise one, as a statement or by bringing the receipt file; what proves nothing is
ignored, or one liar could stop an opening.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import msgspec

from bidding.sealing.bodies import (
    Closing,
    ListEntry,
    Mandate,
    Manifest,
    Omission,
    Receipt,
    Withdraw,
)
from bidding.sealing.checks import check_proven
from foundation.ledger.leaf import opening_from_json
from foundation.ledger.policy import Policy
from foundation.problems import Invalid, Refused
from foundation.statements.canonical import unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
    find_signature,
    from_json,
    read,
    unsigned,
)
from sunbid.evidence import require_platform, signed_by_licence
from sunbid.seat.appointment import Held


class NoOmission(Invalid):
    """This file is neither an omission nor a receipt."""

    code = "no-omission"


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """The list against which receipts are held."""

    held: Held
    proven_by: Policy
    closing: Closing
    entries: Sequence[ListEntry]
    older_keys: frozenset[str]
    at: datetime


def read_omission(raw: bytes, closing: str = "0" * 64) -> Statement:
    """An omission out of its file, or out of the receipt file of the bid that is missing."""
    try:
        value = json.loads(raw)
        if isinstance(value, dict) and {"proof", "statement"} <= set(value):
            receipt = from_json(value["statement"]).json()
            body = {"v": 1, "closing": closing, "receipt": receipt, "proof": value["proof"]}
            made = unsigned("omission", body)
        else:
            made = read(raw)
        decode_body(made, Omission)
    except (ValueError, Refused) as error:
        said = error.message if isinstance(error, Refused) else "it is no JSON"
        raise NoOmission(f"expected an omission or a receipt file, got another: {said}") from None
    return made


def unanswered(
    listed: Omitted,
    *,
    shown: Sequence[Statement],
    answers: Mapping[str, Sequence[Statement]],
    brought: Sequence[bytes] = (),
) -> list[str]:
    """The acts of honest receipts that the list leaves out without an answer."""
    answered_for: dict[str, list[Sequence[Statement]]] = {}
    for omission in shown:
        body = decode_body(omission, Omission)
        given = answers.get(omission.sid, ())
        answered_for.setdefault(body.receipt.body.act, []).append(given)
    missing = []
    for omission in (*shown, *(read_omission(raw) for raw in brought)):
        receipt = _proven_receipt(listed, omission)
        if receipt is None or _is_honoured(listed, receipt):
            continue
        found = answered_for.get(receipt.act, [])
        if not any(_answers(listed, receipt, acts) for acts in found):
            missing.append(receipt.act)
    return sorted(set(missing))


def _proven_receipt(listed: Omitted, omission: Statement) -> Receipt | None:
    """The receipt, if the platform signed it for this lot and its act stands before the cut."""
    body = decode_body(omission, Omission)
    statement = from_json(msgspec.to_builtins(body.receipt))
    receipt = body.receipt.body
    keys, cut = listed.held.appointment.keys.body, listed.closing.cut.body.first_index
    if (receipt.tender, receipt.lot, receipt.round) != (keys.tender, keys.lot, keys.round):
        return None
    try:
        require_platform(statement, listed.held, listed.at)
        leaf = opening_from_json(statement.body["ledger"])
        check_proven(leaf, body.proof, listed.proven_by)
    except Refused:
        return None
    named = leaf.body.get("t"), leaf.body.get("subject"), leaf.body.get("lot")
    if named != (receipt.act_type, receipt.act, receipt.lot):
        return None
    return receipt if cut is not None and leaf.index < cut else None


def _is_honoured(listed: Omitted, receipt: Receipt) -> bool:
    """Whether the list says of this bid what its receipt says."""
    mine = [e for e in listed.entries if e.submission == receipt.submission]
    if receipt.act_type == "withdraw":
        return not mine
    return any(entry.manifest == receipt.act for entry in mine)


def _answers(listed: Omitted, receipt: Receipt, given: Sequence[Statement]) -> bool:
    """Whether the bidder's own later acts, chained from the receipt's act, explain the list."""
    mandates = {s.sid: s for s in given if s.type == Mandate.TYPE}
    acts = [s for s in given if s.type in {Manifest.TYPE, Withdraw.TYPE}]
    try:
        return bool(acts) and _explains(listed, receipt, acts, mandates)
    except Refused:
        return False


def _explains(
    listed: Omitted, receipt: Receipt, acts: Sequence[Statement], mandates: Mapping[str, Statement]
) -> bool:
    if acts[0].sid != receipt.act:
        return False
    bidder = _act_body(acts[0]).bidder.uscc
    if any(_act_body(act).prev != before.sid for before, act in pairwise(acts)):
        return False
    # What stands between the two was perhaps refused for its very signature; the last act's own
    # signature covers it by `prev`.
    for act in (acts[0], acts[-1]):
        body = _act_body(act)
        if body.bidder.uscc != bidder or body.lot != receipt.lot or body.round != receipt.round:
            return False
        if not _is_signed(listed, act, bidder, mandates):
            return False
    return _explained_by(listed, receipt, acts[-1])


def _act_body(act: Statement) -> Manifest | Withdraw:
    return decode_body(act, Withdraw) if act.type == Withdraw.TYPE else decode_body(act, Manifest)


def _explained_by(listed: Omitted, receipt: Receipt, last: Statement) -> bool:
    """The last act: a withdrawal of a bid not listed, a bid listed, or one for void keys."""
    if last.type == Withdraw.TYPE:
        return all(entry.submission != receipt.submission for entry in listed.entries)
    if last.body["opening_keys"] in listed.older_keys:
        return all(entry.submission != receipt.submission for entry in listed.entries)
    return any(entry.manifest == last.sid for entry in listed.entries)


def _is_signed(
    listed: Omitted, act: Statement, bidder: str, mandates: Mapping[str, Statement]
) -> bool:
    """By the bidder's licence, or by an operator whose mandate that licence signed."""
    if signed_by_licence(act, bidder, listed.held, listed.at):
        return True
    mandate = mandates.get(str(act.body.get("mandate")))
    if mandate is None or not signed_by_licence(mandate, bidder, listed.held, listed.at):
        return False
    operator = decode_body(mandate, Mandate).operator
    find_signature(act, operator.kid, unb64(operator.pk, 65))
    return True
