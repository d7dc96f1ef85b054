"""The opening record as a document for people."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from foundation.documents.model import (
    Column,
    Document,
    Facts,
    Heading,
    Signatories,
    Signatory,
    Table,
    Text,
    Words,
    furniture,
)
from foundation.language import Language, moment, number


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLine:
    """One bid as it was read aloud; a bid that was not opened has an outcome and no price."""

    bidder_name: str
    outcome: str
    price_yuan: Decimal | None
    duration_days: int | None
    project_manager: str | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRecordFacts:
    """What the opening record of one stage says."""

    issuer: str
    tender_number: str
    tender_name: str
    lot_name: str
    buyer_name: str
    agency_name: str
    opened_at: datetime
    recorded_at: datetime
    ceiling_price_yuan: Decimal | None
    lines: tuple[OpenedLine, ...]
    objections: tuple[str, ...]
    signatories: tuple[Signatory, ...]
    record_sid: str
    closing_sid: str


def opening_record_document(
    facts: OpeningRecordFacts, words: Words, language: Language = "zh"
) -> Document:
    """The opening record, one line a bid in the order given."""
    dash = words("document.none")
    ceiling = facts.ceiling_price_yuan
    rows = (
        (words("document.tender"), f"{facts.tender_name}\n{facts.tender_number}"),
        (words("document.lot"), facts.lot_name),
        (words("document.buyer"), facts.buyer_name),
        (words("document.agency"), facts.agency_name),
        (words("document.opening.at"), moment(language, facts.opened_at, "second")),
        (words("document.opening.ceiling"), dash if ceiling is None else number(ceiling, 2)),
        (words("document.opening.count"), words("document.opening.bids", n=len(facts.lines))),
        (words("document.opening.closing"), facts.closing_sid),
    )
    objections = facts.objections or (words("document.opening.no-objections"),)
    return Document(
        title=words("document.opening.title"),
        subtitle=facts.tender_name,
        issuer=facts.issuer,
        number=facts.tender_number,
        sid=facts.record_sid,
        furniture=furniture(words, language),
        made_at=facts.recorded_at,
        blocks=(
            Facts(rows=rows),
            Heading(text=words("document.opening.read-aloud")),
            _lines(facts.lines, words, dash),
            Heading(text=words("document.opening.objections")),
            Text(paragraphs=objections),
            Heading(text=words("document.signed-by")),
            Signatories(people=facts.signatories),
        ),
    )


def _lines(lines: tuple[OpenedLine, ...], words: Words, dash: str) -> Table:
    return Table(
        columns=(
            Column(label=words("document.opening.line"), share=0.7, align="right"),
            Column(label=words("document.bidder"), share=4),
            Column(label=words("document.opening.price"), share=2.2, align="right"),
            Column(label=words("document.opening.duration"), share=1.2, align="right"),
            Column(label=words("document.opening.manager"), share=1.5),
            Column(label=words("document.opening.outcome"), share=2),
        ),
        rows=tuple(
            (
                str(place),
                line.bidder_name,
                dash if line.price_yuan is None else number(line.price_yuan, 2),
                dash if line.duration_days is None else str(line.duration_days),
                line.project_manager or dash,
                line.outcome if not line.note else f"{line.outcome}\n{line.note}",
            )
            for place, line in enumerate(lines, start=1)
        ),
    )
