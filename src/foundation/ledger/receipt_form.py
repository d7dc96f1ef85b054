"""The receipt file: a signed receipt and the proof that its entry stands in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.proof import LogProof, read_proof
from foundation.statements.canonical import BadField, Json, canonical, parse
from foundation.statements.fields import Positive, Sid, Time
from foundation.statements.signed import Statement, decode, from_json

RECEIPT_TYPE: Final = "receipt"
TICKET_TYPE: Final = "ticket"
LARGEST_RECEIPT: Final = 1024 * 1024

# Who reads a statement's body in its exact schema; schemas belong to the contexts above.
BodyReader = Callable[[Statement], object]


class Facts(msgspec.Struct, frozen=True):
    """What the checks need of a receipt's or ticket's body; its exact schema is C1's business."""

    act: Sid
    seq: Positive
    intake: Time
    deadline: Time
    schedule: Sid
    submission: str
    ledger: dict[str, Json] | None = None
    act_type: str | None = None
    supersedes: Sid | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    proof: str
    statement: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt file that reads; nothing of it is verified. A ticket has neither proof nor leaf."""

    statement: Statement
    facts: Facts
    opening: LeafOpening | None
    proof: LogProof | None
    raw: bytes

    @property
    def label(self) -> str:
        """How a check names this file."""
        return f"{self.statement.type} {self.statement.sid[:16]}"


def receipt_file(statement: Statement, proof: str) -> bytes:
    """The file a person keeps: the signed receipt and the proof to a signed checkpoint."""
    read_proof(proof)
    return canonical({"proof": proof, "statement": parse(statement.file(), limit=LARGEST_RECEIPT)})


def read_receipt(raw: bytes, read_body: BodyReader) -> Receipt:
    """Reads a receipt file or a bare ticket; refuses every other form. Verifies nothing."""
    value = parse(raw, limit=LARGEST_RECEIPT)
    if isinstance(value, dict) and value.get("type") == TICKET_TYPE:
        return _receipt(from_json(value), None, raw, read_body)
    shape = decode(value, _File)
    statement = from_json(shape.statement)
    if statement.type != RECEIPT_TYPE:
        raise BadField(f"expected a receipt or a ticket, got a {statement.type}")
    return _receipt(statement, read_proof(shape.proof), raw, read_body)


def _receipt(
    statement: Statement, proof: LogProof | None, raw: bytes, read_body: BodyReader
) -> Receipt:
    read_body(statement)
    facts = decode(statement.body, Facts)
    if proof is not None and facts.ledger is None:
        raise BadField("expected the opening of the ledger's leaf in the receipt, got none")
    opening = None if facts.ledger is None else opening_from_json(facts.ledger)
    return Receipt(statement=statement, facts=facts, opening=opening, proof=proof, raw=raw)
