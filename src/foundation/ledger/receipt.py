"""Receipt files: a signed receipt with the proof that its entry stands in the ledger.

Verified offline as the numbered checks C1 to C9; what a receipt is worth follows from them alone,
never from the platform's word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from foundation.ledger.note import Cosignature
from foundation.ledger.policy import Policy
from foundation.ledger.proof import check_leaf
from foundation.ledger.receipt_form import (
    LARGEST_RECEIPT,
    BodyReader,
    Facts,
    Receipt,
    read_receipt,
    receipt_file,
)
from foundation.problems import Refused
from foundation.statements.canonical import Json, parse_time, time_from_ms, time_ms, time_text
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement

__all__ = [
    "LARGEST_RECEIPT",
    "Check",
    "Level",
    "Receipt",
    "Verdict",
    "read_receipt",
    "receipt_file",
    "verdict_json",
    "verify_receipt",
]

PLATFORM_ROLE: Final = "platform"

NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "C1": ("files are canonical JSON of the exact schema", "3.1"),
    "C2": ("signatures by the right role, certificate in time", "3.2, 4, 5"),
    "C3": ("every sid named is that of the statement it points to", "3.3"),
    "C4": ("leaf recomputed; its body agrees with the statement", "2.9, 3.4"),
    "C5": ("inclusion proof", "2.9"),
    "C6": ("checkpoint signed by the origin's key", "2.9"),
    "C7": ("witness quorum of the policy met", "13"),
    "C8": ("intake before the deadline of the named schedule", "7.2"),
    "C9": ("receipts of one chain: seq, prev, supersedes", "6.1, 7.2"),
}


class Level(StrEnum):
    """What a receipt is worth once it is verified (sealing.md 13)."""

    INVALID = "invalid"
    UNKNOWN = "unknown"
    TICKET = "ticket"
    ACCEPTED = "accepted"
    UNWITNESSED = "unwitnessed"
    WITNESSED = "witnessed"

    @property
    def colour(self) -> str:
        """Green: nobody can drop it unseen. Amber: not without a provable fork. Grey: a word."""
        match self:
            case Level.WITNESSED | Level.UNWITNESSED:
                return "green"
            case Level.ACCEPTED:
                return "amber"
            case Level.INVALID:
                return "red"
            case _:
                return "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one numbered check: true, false, or None where it cannot be decided."""

    id: str
    name: str
    rule: str
    ok: bool | None
    object: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All checks of one file and what follows from them; `witnessed_at` as the witnesses say."""

    checks: tuple[Check, ...]
    level: Level
    witnessed_at: datetime | None = None

    @property
    def ok(self) -> bool | None:
        """True: all checks hold. False: one fails. None: something cannot be decided."""
        results = {check.ok for check in self.checks}
        return False if False in results else None if None in results else True

    @property
    def exit_status(self) -> int:
        """0 all true, 1 something false, 2 something undecided."""
        return {True: 0, False: 1, None: 2}[self.ok]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    ok: bool | None
    detail: str


def verify_receipt(
    raw: bytes,
    policy: Policy | None,
    read_body: BodyReader,
    *,
    statements: Sequence[Statement] = (),
    others: Sequence[Receipt] = (),
) -> Verdict:
    """The checks C1 to C9 of one file.

    `statements` are those it points to, where they are at hand; `others` further receipts of the
    same chain. Nothing is asked of the network, and whether a certificate was revoked is not seen.
    """
    try:
        receipt = read_receipt(raw, read_body)
    except Refused as refused:
        return _unreadable(refused)
    cosigned: list[Cosignature] = []
    results = {
        "C1": _Result(ok=True, detail="canonical, schema of its type"),
        "C2": _signatures(receipt, policy),
        "C3": _names(receipt, statements),
        "C4": _leaf(receipt),
        "C5": _inclusion(receipt),
        "C6": _checkpoint(receipt, policy),
        "C7": _quorum(receipt, policy, cosigned),
        "C8": _in_time(receipt, statements),
        "C9": _chain(receipt, others),
    }
    checks = tuple(_check(number, receipt.label, result) for number, result in results.items())
    times = [cosignature.time_s for cosignature in cosigned]
    return Verdict(
        checks=checks,
        level=_level(receipt, policy, {check.id: check.ok for check in checks}),
        witnessed_at=time_from_ms(min(times) * 1000) if times else None,
    )


def _check(number: str, named: str, result: _Result) -> Check:
    name, rule = NAMES[number]
    return Check(id=number, name=name, rule=rule, ok=result.ok, object=named, detail=result.detail)


def _unreadable(refused: Refused) -> Verdict:
    undecided = _Result(ok=None, detail="the file does not read")
    first = _Result(ok=False, detail=refused.message)
    return Verdict(
        checks=tuple(
            _check(number, "file", first if number == "C1" else undecided) for number in NAMES
        ),
        level=Level.INVALID,
    )


def _level(receipt: Receipt, policy: Policy | None, ok: Mapping[str, bool | None]) -> Level:
    if False in ok.values():
        return Level.INVALID
    if all(ok.values()) and policy is not None:
        return Level.WITNESSED if policy.has_witnesses else Level.UNWITNESSED
    if receipt.proof is not None and all(ok[number] for number in ("C2", "C4", "C5", "C6")):
        return Level.ACCEPTED
    return Level.TICKET if ok["C2"] else Level.UNKNOWN


def _signatures(receipt: Receipt, policy: Policy | None) -> _Result:
    """C2. The leaf's time stands for the time of signing: the platform cannot choose it alone."""
    if policy is None or not policy.anchors.get(PLATFORM_ROLE):
        return _Result(ok=None, detail="no policy with `#anchor platform` to check against")
    at = _signed_at(receipt)
    try:
        signers = certificate_signers(receipt.statement, policy.anchors[PLATFORM_ROLE], at)
    except Refused as refused:
        return _Result(ok=False, detail=refused.message)
    if len(signers) != 1 or len(receipt.statement.sigs) != 1:
        return _Result(ok=False, detail="expected exactly one signature, of the platform")
    return _Result(
        ok=True,
        detail=f"signed by {signers[0].name} ({signers[0].identifier}), certificate in time; "
        "revocation is not asked offline",
    )


def _signed_at(receipt: Receipt) -> datetime:
    if receipt.opening is not None:
        return time_from_ms(receipt.opening.time_ms)
    return parse_time(receipt.facts.intake)


def _names(receipt: Receipt, statements: Sequence[Statement]) -> _Result:
    """C3. A sid is recomputed from the statement's bytes; one given but not named is a fault."""
    facts = receipt.facts
    named = {facts.act: "act", facts.schedule: "schedule"}
    if facts.supersedes is not None:
        named[facts.supersedes] = "supersedes"
    for statement in statements:
        if statement.sid not in named:
            return _Result(
                ok=False,
                detail=f"the {statement.type} {statement.sid} is not one that the receipt names",
            )
    shown = {named[statement.sid] for statement in statements}
    missing = ", ".join(f"{what} {sid}" for sid, what in named.items() if what not in shown)
    detail = f"recomputed: {', '.join(sorted(shown)) or 'its own sid only'}"
    return _Result(
        ok=True, detail=f"{detail}; compare with yours: {missing}" if missing else detail
    )


def _leaf(receipt: Receipt) -> _Result:
    """C4. Whatever leaf body and statement both say, they say alike."""
    opening, facts = receipt.opening, receipt.facts
    if opening is None:
        return _Result(ok=None, detail="a ticket has no leaf yet")
    body = opening.body
    wanted: dict[str, Json] = {
        "t": facts.act_type,
        "subject": facts.act,
        "at_ms": time_ms(parse_time(facts.intake)),
        "first_index": None,
        **{key: value for key, value in receipt.statement.body.items() if key in body},
    }
    wrong = sorted(key for key, value in wanted.items() if body.get(key) != value)
    if wrong:
        return _Result(ok=False, detail=f"the leaf's body differs in {', '.join(wrong)}")
    return _Result(ok=True, detail=f"leaf {opening.index} of {opening.origin} is for this act")


def _inclusion(receipt: Receipt) -> _Result:
    """C5."""
    opening, proof = receipt.opening, receipt.proof
    if opening is None or proof is None:
        return _Result(ok=None, detail="a ticket has no proof yet")
    try:
        if opening.index != proof.index:
            return _Result(
                ok=False, detail=f"the proof is of leaf {proof.index}, not {opening.index}"
            )
        size = check_leaf(proof, opening.leaf_hash).size
    except Refused as refused:
        return _Result(ok=False, detail=refused.message)
    return _Result(ok=True, detail=f"leaf {proof.index} of {size}")


def _checkpoint(receipt: Receipt, policy: Policy | None) -> _Result:
    """C6."""
    if receipt.opening is None or receipt.proof is None:
        return _Result(ok=None, detail="a ticket has no checkpoint yet")
    try:
        origin = receipt.proof.checkpoint.origin
        if origin != receipt.opening.origin:
            return _Result(
                ok=False, detail=f"a checkpoint of {origin}, not of {receipt.opening.origin}"
            )
        if policy is None:
            return _Result(ok=None, detail="no policy that names the log's key (--policy)")
        size = policy.check_log(receipt.proof.note).size
    except Refused as refused:
        return _Result(ok=False, detail=refused.message)
    return _Result(ok=True, detail=f"{origin}, {size} entries")


def _quorum(receipt: Receipt, policy: Policy | None, cosigned: list[Cosignature]) -> _Result:
    """C7. A quorum of none is met, and said to be none."""
    if policy is None or receipt.proof is None:
        return _Result(ok=None, detail="no policy or no checkpoint")
    if not policy.has_witnesses:
        return _Result(ok=True, detail="quorum none: nobody outside has seen this ledger")
    try:
        cosigned.extend(policy.cosignatures(receipt.proof.note))
    except Refused as refused:
        return _Result(ok=False, detail=refused.message)
    seen = ", ".join(sorted(cosignature.key.name for cosignature in cosigned)) or "nobody"
    if policy.is_met(cosigned):
        return _Result(ok=True, detail=f"seen by {seen}")
    return _Result(ok=None, detail=f"seen by {seen}, which is not the policy's quorum yet")


def _in_time(receipt: Receipt, statements: Sequence[Statement]) -> _Result:
    """C8."""
    facts = receipt.facts
    for statement in statements:
        stated = statement.body.get("deadline")
        if statement.sid == facts.schedule and stated != facts.deadline:
            return _Result(
                ok=False, detail=f"the schedule says {stated}, the receipt {facts.deadline}"
            )
    early = parse_time(facts.deadline) - parse_time(facts.intake)
    words = f"intake {facts.intake}, deadline {facts.deadline}"
    return _Result(ok=early.total_seconds() > 0, detail=words)


def _chain(receipt: Receipt, others: Sequence[Receipt]) -> _Result:
    """C9. A first act supersedes nothing; a later one what an earlier act of the chain was."""
    facts = receipt.facts
    if facts.supersedes == facts.act or (facts.seq == 1 and facts.supersedes is not None):
        return _Result(ok=False, detail=f"act {facts.seq} cannot supersede {facts.supersedes}")
    chain = [
        other
        for other in others
        if other.facts.submission == facts.submission and other.raw != receipt.raw
    ]
    for other in chain:
        fault = _out_of_order(facts, other.facts)
        if fault is not None:
            return _Result(ok=False, detail=fault)
    return _Result(ok=True, detail=f"act {facts.seq}, {len(chain)} further receipt(s) at hand")


def _out_of_order(facts: Facts, other: Facts) -> str | None:
    if facts.act == other.act:
        # A ticket and the receipt, or two proofs, of one act.
        return None if facts.seq == other.seq else "one act has two numbers in its chain"
    if facts.seq == other.seq:
        return f"two acts of one chain have the number {facts.seq}"
    earlier, later = sorted((facts, other), key=lambda one: one.seq)
    if earlier.intake > later.intake:
        return f"act {later.seq} came in before act {earlier.seq}"
    if earlier.supersedes == later.act:
        return f"act {earlier.seq} supersedes the later act {later.seq}"
    return None


def verdict_json(verdict: Verdict) -> dict[str, Json]:
    """A verdict in the shape that scripts read."""
    at = verdict.witnessed_at
    return {
        "ok": verdict.ok is True,
        "level": str(verdict.level),
        "colour": verdict.level.colour,
        "witnessed_at": None if at is None else time_text(at),
        "checks": [msgspec.to_builtins(check) for check in verdict.checks],
    }
