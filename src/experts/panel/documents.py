"""The evaluation report as a document for people."""

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
from foundation.language import Language, number, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One bid in the report; a rejected one has a reason and no scores."""

    code: str
    bidder_name: str
    qualified: bool
    reason: str | None
    technical: Decimal | None
    price_yuan: Decimal | None
    price_score: Decimal | None
    total: Decimal | None
    rank: int | None
    candidate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLine:
    """One seat of the panel; the report names its sheet, not its holder."""

    seat: int
    part: str
    scorecard_sid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What the evaluation report says."""

    issuer: str
    tender_number: str
    tender_name: str
    lot_name: str
    method_name: str
    method_sha256: str
    float_point: str | None
    price_benchmark: str
    lines: tuple[ReportLine, ...]
    seats: tuple[SeatLine, ...]
    dissents: tuple[str, ...]
    signatories: tuple[Signatory, ...]
    signed_at: datetime
    report_sid: str


def report_document(facts: ReportFacts, words: Words, language: Language = "zh") -> Document:
    """The evaluation report: method, results by rank, candidates, seats, dissent, signatures."""
    dash = words("document.none")
    rows = (
        (words("document.tender"), f"{facts.tender_name}\n{facts.tender_number}"),
        (words("document.lot"), facts.lot_name),
        (words("document.report.method"), facts.method_name),
        (words("document.report.method-hash"), facts.method_sha256),
        (words("document.report.float"), facts.float_point or dash),
        (words("document.report.benchmark"), facts.price_benchmark),
        (words("document.report.candidates"), _candidates(facts.lines) or dash),
    )
    return Document(
        title=words("document.report.title"),
        subtitle=facts.tender_name,
        issuer=facts.issuer,
        number=facts.tender_number,
        sid=facts.report_sid,
        furniture=furniture(words, language),
        made_at=facts.signed_at,
        blocks=(
            Facts(rows=rows),
            Heading(text=words("document.report.results")),
            _results(facts.lines, words, dash),
            *_rejections(facts.lines, words),
            Heading(text=words("document.report.seats")),
            _seats(facts.seats, words),
            Heading(text=words("document.report.dissent")),
            Text(paragraphs=facts.dissents or (words("document.report.no-dissent"),)),
            Heading(text=words("document.signed-by")),
            Signatories(people=facts.signatories),
        ),
    )


def _candidates(lines: tuple[ReportLine, ...]) -> str:
    return "\n".join(line.bidder_name for line in lines if line.candidate)


def _results(lines: tuple[ReportLine, ...], words: Words, dash: str) -> Table:
    # The rejected stand last, in the order given.
    ordered = sorted(lines, key=lambda line: (line.rank is None, line.rank or 0))
    columns = ("rank", "code", "name", "technical", "price", "price-score", "total")
    shares = (0.8, 1.1, 4, 1.4, 2.2, 1.4, 1.4)
    return Table(
        columns=tuple(
            Column(
                label=words(f"document.report.column.{name}"),
                share=share,
                align="left" if name in {"code", "name"} else "right",
            )
            for name, share in zip(columns, shares, strict=True)
        ),
        rows=tuple(
            (
                dash if line.rank is None else str(line.rank),
                line.code,
                line.bidder_name,
                dash if line.technical is None else plain(line.technical),
                dash if line.price_yuan is None else number(line.price_yuan, 2),
                dash if line.price_score is None else plain(line.price_score),
                dash if line.total is None else plain(line.total),
            )
            for line in ordered
        ),
    )


def _rejections(lines: tuple[ReportLine, ...], words: Words) -> tuple[Heading | Table, ...]:
    rejected = tuple(line for line in lines if not line.qualified)
    if not rejected:
        return ()
    return (
        Heading(text=words("document.report.rejected")),
        Table(
            columns=(
                Column(label=words("document.bidder"), share=2),
                Column(label=words("document.report.reason"), share=4),
            ),
            rows=tuple((line.bidder_name, line.reason or "") for line in rejected),
        ),
    )


def _seats(seats: tuple[SeatLine, ...], words: Words) -> Table:
    return Table(
        columns=(
            Column(label=words("document.report.seat"), share=1),
            Column(label=words("document.report.part"), share=1.5),
            Column(label=words("document.report.sheet"), share=6),
        ),
        rows=tuple((str(seat.seat), seat.part, seat.scorecard_sid) for seat in seats),
    )
