"""The receipt as a document for people: unlike the statement, it names the bidder."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foundation.documents.model import (
    Banner,
    Column,
    Document,
    Facts,
    Heading,
    Table,
    Text,
    Words,
    furniture,
)
from foundation.language import Language, byte_size, duration, moment

ReceiptLevel = Literal["accepted", "unwitnessed", "witnessed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptVolume:
    """One sealed volume that the receipt covers."""

    label: str
    tree: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """What a receipt says, with the names that its statement leaves out.

    `level` is `accepted` without a proof, `unwitnessed` with a proof under a policy that asks for
    no witness, `witnessed` with the quorum met.
    """

    issuer: str
    tender_number: str
    tender_name: str
    lot_name: str
    bidder_name: str
    uscc: str
    withdrawal: bool
    sequence: int
    level: ReceiptLevel
    intake_at: datetime
    deadline_at: datetime
    volumes: tuple[ReceiptVolume, ...]
    receipt: str
    receipt_sid: str
    act_sid: str
    supersedes_sid: str | None
    origin: str
    ledger_index: int


def receipt_document(facts: ReceiptFacts, words: Words, language: Language = "zh") -> Document:
    """The receipt, set for print; it proves nothing by itself and says so on every page."""
    kind = "withdrawal" if facts.withdrawal else "submission"
    intake = moment(language, facts.intake_at, "ms")
    early = duration(language, facts.deadline_at - facts.intake_at)
    rows = [
        (words("document.tender"), f"{facts.tender_name}\n{facts.tender_number}"),
        (words("document.lot"), facts.lot_name),
        (words("document.bidder"), f"{facts.bidder_name}\n{facts.uscc}"),
        (words("document.receipt.number"), facts.receipt),
        (words("document.receipt.version"), str(facts.sequence)),
        (words("document.receipt.intake"), intake),
        (words("document.receipt.deadline"), moment(language, facts.deadline_at, "ms")),
        (words("document.receipt.act"), facts.act_sid),
        (
            words("document.receipt.ledger"),
            words("document.receipt.ledger-at", index=facts.ledger_index, origin=facts.origin),
        ),
    ]
    if facts.supersedes_sid is not None:
        rows.append((words("document.receipt.supersedes"), facts.supersedes_sid))
    volumes = Table(
        columns=(
            Column(label=words("document.receipt.volume"), share=2),
            Column(label=words("document.receipt.size"), share=1.3, align="right"),
            Column(label=words("document.receipt.tree"), share=7),
        ),
        rows=tuple((v.label, byte_size(v.size), v.tree) for v in facts.volumes),
        empty=words("document.receipt.no-volumes"),
    )
    return Document(
        title=words(f"document.receipt.{kind}.title"),
        subtitle=facts.tender_name,
        issuer=facts.issuer,
        number=facts.receipt,
        sid=facts.receipt_sid,
        furniture=furniture(words, language),
        made_at=facts.intake_at,
        blocks=(
            Banner(
                word=words(f"document.receipt.{kind}.{facts.level}"),
                lines=(words("document.receipt.early", at=intake, span=early),),
                tone="plain" if facts.level == "accepted" else "proven",
            ),
            Facts(rows=tuple(rows)),
            Heading(text=words("document.receipt.volumes")),
            volumes,
            Text(
                paragraphs=(
                    words("document.receipt.keep"),
                    words("document.receipt.verify"),
                ),
                note=True,
            ),
        ),
    )
