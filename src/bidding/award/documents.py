"""The letter of award, and the letter that tells everybody else the result."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from foundation.documents.model import (
    Document,
    Facts,
    Signatories,
    Signatory,
    Text,
    Words,
    furniture,
)
from foundation.language import Language, capitals, moment, number

LetterKind = Literal["winner", "result"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """What a letter says: to the winner it is the 中标通知书, to the others the result."""

    kind: LetterKind
    issuer: str
    buyer_name: str
    tender_number: str
    tender_name: str
    lot_name: str
    addressee_name: str
    winner_name: str
    price_yuan: Decimal
    duration_days: int | None
    project_manager: str | None
    contract_within_days: int
    text: str
    signed_at: datetime
    signatories: tuple[Signatory, ...]
    letter_sid: str
    award_sid: str


def letter_document(facts: LetterFacts, words: Words, language: Language = "zh") -> Document:
    """The letter to one bidder; the text of the signed statement stands in it word for word."""
    key = f"document.letter.{facts.kind}"
    rows = [
        (words("document.tender"), f"{facts.tender_name}\n{facts.tender_number}"),
        (words("document.lot"), facts.lot_name),
        (words("document.letter.winner-name"), facts.winner_name),
        (words("document.letter.price"), _price(facts.price_yuan, words, language)),
    ]
    if facts.duration_days is not None:
        rows.append(
            (
                words("document.letter.duration"),
                words("document.letter.days", n=facts.duration_days),
            )
        )
    if facts.project_manager is not None:
        rows.append((words("document.letter.manager"), facts.project_manager))
    rows.append((words("document.letter.award"), facts.award_sid))
    closing = words(f"{key}.closing", days=facts.contract_within_days)
    return Document(
        title=words(f"{key}.title"),
        subtitle=facts.tender_name,
        issuer=facts.issuer,
        number=facts.tender_number,
        sid=facts.letter_sid,
        furniture=furniture(words, language),
        made_at=facts.signed_at,
        blocks=(
            Text(
                paragraphs=(
                    words("document.letter.to", name=facts.addressee_name),
                    facts.text,
                )
            ),
            Facts(rows=tuple(rows)),
            Text(paragraphs=(closing,)),
            Text(
                paragraphs=(
                    facts.buyer_name,
                    moment(language, facts.signed_at, "day"),
                )
            ),
            Signatories(people=facts.signatories),
        ),
    )


def _price(price: Decimal, words: Words, language: Language) -> str:
    figures = words("document.yuan", amount=number(price, 2))
    return f"{figures}\n{capitals(price)}" if language == "zh" else figures
