"""The four documents for print, filled from the signed statements that they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bidding.award.documents import LetterFacts, letter_document
from bidding.bid.documents import ReceiptFacts, ReceiptLevel, ReceiptVolume, receipt_document
from bidding.opening.domain import OpenedBid, Result
from bidding.opening.hall import HallFacts
from bidding.opening.results.documents import (
    OpenedLine,
    OpeningRecordFacts,
    opening_record_document,
)
from bidding.tender.domain import Lot
from experts.panel.documents import ReportFacts, ReportLine, SeatLine, report_document
from foundation.documents.model import Document, Signatory, Words
from foundation.language import Language
from foundation.statements.canonical import parse_time
from foundation.statements.certificates import load_certificate, subject_names
from foundation.statements.signed import Signature, Statement
from foundation.statements.store import Kept
from sunbid.pages.award import Evaluated
from sunbid.pages.opening_bids import by_submission, worst_code

MARK: Final = 16
CONTRACT_WITHIN_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """In which language a document is set, and with which words."""

    language: Language
    words: Words


def tender_facts(lot: Lot) -> dict[str, Any]:
    """What every document says of its tender."""
    return {
        "issuer": lot.parties.host_name,
        "tender_number": lot.tender_number,
        "tender_name": lot.tender_title,
        "lot_name": lot.title,
    }


def signatories(statement: Statement, parts: Sequence[str]) -> tuple[Signatory, ...]:
    """Who signed a statement: the name in the certificate, or the identity of the key."""
    named = [*parts, *("",) * len(statement.sigs)]
    return tuple(
        Signatory(part=part, name=signer_name(one), mark=f"{one.alg} {one.sig.hex()[:MARK]}…")
        for part, one in zip(named, statement.sigs, strict=False)
    )


def signer_name(signature: Signature) -> str:
    """The name that stands in a signer's certificate; persons are known by their key."""
    if not signature.chain:
        return (signature.kid or "")[:MARK]
    # The platform signs too, and its certificate is no licence.
    return subject_names(load_certificate(signature.chain[0]))[1]


def receipt_print(
    setting: Setting, lot: Lot, statement: Statement, holder: tuple[str, str], level: ReceiptLevel
) -> Document:
    """The receipt with its bidder's name, for the bidder alone."""
    body = statement.body
    name, uscc = holder
    facts = ReceiptFacts(
        **tender_facts(lot),
        bidder_name=name,
        uscc=uscc,
        withdrawal=body["act_type"] == "withdraw",
        sequence=int(body["seq"]),
        level=level,
        intake_at=parse_time(body["intake"]),
        deadline_at=parse_time(body["deadline"]),
        volumes=tuple(receipt_volume(setting, one) for one in body["envelopes"]),
        receipt=str(body["receipt"]),
        receipt_sid=statement.sid,
        act_sid=str(body["act"]),
        supersedes_sid=body["supersedes"],
        origin=str(body["ledger"].get("origin", "")),
        ledger_index=int(body["ledger"]["index"]),
    )
    return receipt_document(facts, setting.words, setting.language)


def receipt_volume(setting: Setting, envelope: Mapping[str, Any]) -> ReceiptVolume:
    """One sealed volume of a receipt."""
    return ReceiptVolume(
        label=setting.words(f"volume.{envelope['volume']}"),
        tree=str(envelope["tree"]),
        size=int(envelope["size"]),
    )


def record_print(setting: Setting, facts: HallFacts, record: Kept) -> Document:
    """The opening record, as host and supervisor signed it."""
    lot, body = facts.lot, record.statement.body
    grouped = by_submission(facts.results)
    bids = {bid.submission: bid for bid in facts.bids}
    lines = [
        opened_line(setting, bids.get(submission), results, number)
        for number, (submission, results) in enumerate(grouped.items(), start=1)
    ]
    told = {kept.statement.sid: kept.statement.body for kept in facts.told}
    return opening_record_document(
        OpeningRecordFacts(
            **tender_facts(lot),
            buyer_name=lot.parties.buyer_name,
            agency_name=lot.parties.agency_name,
            opened_at=lot.deadline_at or record.accepted_at,
            recorded_at=record.accepted_at,
            ceiling_price_yuan=lot.ceiling_price_yuan,
            lines=tuple(sorted(lines, key=lambda line: line.price_yuan or Decimal("Infinity"))),
            objections=tuple(
                str(told[sid]["content"]) for sid in body["objections"] if sid in told
            ),
            signatories=signatories(
                record.statement,
                (
                    setting.words("role.trading-centre"),
                    setting.words("role.host"),
                    setting.words("role.supervisor"),
                ),
            ),
            record_sid=record.statement.sid,
            closing_sid=str(body["closing"]),
        ),
        setting.words,
        setting.language,
    )


def opened_line(
    setting: Setting, bid: OpenedBid | None, results: Sequence[Result], number: int
) -> OpenedLine:
    """One bid as it was read aloud; who could not be opened has no name and no price.

    A bid that was opened without its bidder says so.
    """
    code = worst_code(results) or ""
    is_remedied = any(result.b_from == "remedy" for result in results)
    if bid is None or code != "OPENED":
        return OpenedLine(
            bidder_name=setting.words("hall.name_unopened", n=number),
            outcome=setting.words("hall.unopened"),
            price_yuan=None,
            duration_days=None,
            project_manager=None,
            note=setting.words(f"outcome.{code}") if code and code != "OPENED" else "",
        )
    items = bid.items
    return OpenedLine(
        bidder_name=bid.name,
        outcome=setting.words("hall.opened_remedied" if is_remedied else "hall.opened"),
        price_yuan=Decimal(str(items["price_yuan"])) if "price_yuan" in items else None,
        duration_days=items.get("duration_days"),
        project_manager=items.get("project_manager"),
    )


def report_print(setting: Setting, found: Evaluated, report: Kept) -> Document:
    """The evaluation report, as every member signed it."""
    body = report.statement.body
    candidates = {str(one) for one in body["candidates"]}
    drawn = body["float"]
    return report_document(
        ReportFacts(
            **tender_facts(found.lot),
            method_name=setting.words(f"method.{found.lot.method['kind']}"),
            method_sha256=str(body["method_sha256"]),
            float_point=None if drawn is None else f"{drawn['id']} {drawn['value']}",
            price_benchmark=str(body["price_benchmark"]),
            lines=tuple(report_line(row, found.names, candidates) for row in body["results"]),
            seats=tuple(
                SeatLine(
                    seat=int(seat["seat"]),
                    part=setting.words("role.expert"),
                    scorecard_sid=str(seat["scorecard"]),
                )
                for seat in body["panel"]
            ),
            dissents=(),
            signatories=signatories(
                report.statement,
                [setting.words("seat.seat", n=int(seat["seat"])) for seat in body["panel"]],
            ),
            signed_at=report.accepted_at,
            report_sid=report.statement.sid,
        ),
        setting.words,
        setting.language,
    )


def report_line(
    row: Mapping[str, Any], names: Mapping[str, tuple[str, str]], candidates: set[str]
) -> ReportLine:
    """One bid of the report."""
    submission = str(row["submission"])
    return ReportLine(
        code=str(row["code"]),
        bidder_name=names.get(submission, ("", ""))[0],
        qualified=bool(row["qualified"]),
        reason=row["reason"],
        technical=as_decimal(row["technical"]),
        price_yuan=as_decimal(row["price_yuan"]),
        price_score=as_decimal(row["price_score"]),
        total=as_decimal(row["total"]),
        rank=row["rank"],
        candidate=submission in candidates,
    )


def as_decimal(text: str | None) -> Decimal | None:
    """A decimal of a statement, or nothing."""
    return None if text is None else Decimal(text)


def letter_print(
    setting: Setting, lot: Lot, letter: Kept, award: Statement, winner: OpenedBid | None
) -> Document:
    """The letter to one bidder: the winner's 中标通知书, or the result."""
    body, signed_at = letter.statement.body, letter.accepted_at
    items: Mapping[str, Any] = {} if winner is None else winner.items
    return letter_document(
        LetterFacts(
            kind=body["kind"],
            **tender_facts(lot),
            buyer_name=lot.parties.buyer_name,
            addressee_name=str(body["name"]),
            winner_name=str(award.body["name"]),
            price_yuan=Decimal(str(award.body["price_yuan"])),
            duration_days=items.get("duration_days"),
            project_manager=items.get("project_manager"),
            contract_within_days=CONTRACT_WITHIN_DAYS,
            text=str(body["text"]),
            signed_at=signed_at,
            signatories=signatories(letter.statement, [setting.words("role.buyer")]),
            letter_sid=letter.statement.sid,
            award_sid=award.sid,
        ),
        setting.words,
        setting.language,
    )
