"""The four documents for people, in both languages, out of the catalogue's words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pypdfium2
import pytest

import sunbid
from bidding.award.documents import LetterFacts, letter_document
from bidding.bid.documents import ReceiptFacts, ReceiptVolume, receipt_document
from bidding.opening.results.documents import (
    OpenedLine,
    OpeningRecordFacts,
    opening_record_document,
)
from experts.panel.documents import ReportFacts, ReportLine, SeatLine, report_document
from foundation.documents.font import choose
from foundation.documents.layout import render
from foundation.documents.model import Document, Signatory
from foundation.language import LANGUAGES, Catalogue, Language

AT = datetime(2019, 5, 16, 1, 51, 3, 418000, tzinfo=UTC)
CATALOGUE = Catalogue.load(Path(sunbid.__file__).parent / "locale")
HOST = Signatory(part="开标主持人", name="林范例", mark="ES256 44a1…09fe")
TENDER = {
    "issuer": "示例市公共资源交易中心",
    "tender_number": "A3406-2019-0001",
    "tender_name": "相山区政务服务大厅 EPC",
    "lot_name": "第 1 标段",
}


def a_receipt(*, withdrawal: bool = False) -> ReceiptFacts:
    return ReceiptFacts(
        **TENDER,
        bidder_name="示例建设甲有限公司",
        uscc="91110000MA01234567",
        withdrawal=withdrawal,
        sequence=2,
        level="unwitnessed",
        intake_at=AT,
        deadline_at=AT + timedelta(minutes=9),
        volumes=()
        if withdrawal
        else (ReceiptVolume(label="资格册", tree="8e" * 32, size=120_345),),
        receipt="1f0a7c1e-0d7a-4a54-8a0e-5f9e7b7f7a11",
        receipt_sid="5c" * 32,
        act_sid="6d" * 32,
        supersedes_sid="7e" * 32,
        origin="localhost/sunbid",
        ledger_index=48213,
    )


def a_record() -> OpeningRecordFacts:
    read = OpenedLine(
        bidder_name="示例建设甲有限公司",
        outcome="已解密",
        price_yuan=Decimal("7650000.00"),
        duration_days=65,
        project_manager="周范例",
    )
    absent = OpenedLine(
        bidder_name="示例建设乙有限公司",
        outcome="投标人原因未解密",
        price_yuan=None,
        duration_days=None,
        project_manager=None,
        note="视为撤销其投标文件",
    )
    return OpeningRecordFacts(
        **TENDER,
        buyer_name="示例区数据资源局",
        agency_name="示例招标代理有限公司",
        opened_at=AT,
        recorded_at=AT,
        ceiling_price_yuan=Decimal("8000000"),
        lines=(read, absent),
        objections=(),
        signatories=(HOST,),
        record_sid="5c" * 32,
        closing_sid="6d" * 32,
    )


def a_report() -> ReportFacts:
    line = ReportLine(
        code="T-03",
        bidder_name="示例建设甲有限公司",
        qualified=True,
        reason=None,
        technical=Decimal("34.20"),
        price_yuan=Decimal("7650000"),
        price_score=Decimal("59.80"),
        total=Decimal("94.00"),
        rank=1,
        candidate=True,
    )
    rejected = ReportLine(
        code="T-07",
        bidder_name="示例建设丁有限公司",
        qualified=False,
        reason="未按招标文件要求提供资质证书, 招标投标法实施条例第五十一条",
        technical=None,
        price_yuan=None,
        price_score=None,
        total=None,
        rank=None,
        candidate=False,
    )
    return ReportFacts(
        **TENDER,
        method_name="综合评估法",
        method_sha256="9a" * 32,
        float_point="C 1.00 %",
        price_benchmark="7,500,000.00",
        lines=(rejected, line),
        seats=(SeatLine(seat=1, part="经济", scorecard_sid="ab" * 32),),
        dissents=(),
        signatories=(HOST, HOST),
        signed_at=AT,
        report_sid="5c" * 32,
    )


def a_letter(kind: str = "winner") -> LetterFacts:
    return LetterFacts(
        kind="winner" if kind == "winner" else "result",
        **TENDER,
        buyer_name="示例区数据资源局",
        addressee_name="示例建设甲有限公司",
        winner_name="示例建设甲有限公司",
        price_yuan=Decimal("7650000.00"),
        duration_days=65,
        project_manager="周范例",
        contract_within_days=30,
        text="经评标委员会推荐和定标委员会票决, 贵方为本标段中标人。",
        signed_at=AT,
        signatories=(HOST,),
        letter_sid="5c" * 32,
        award_sid="6d" * 32,
    )


def all_documents(language: Language) -> list[Document]:
    words = partial(CATALOGUE.text, language)
    return [
        receipt_document(a_receipt(), words, language),
        receipt_document(a_receipt(withdrawal=True), words, language),
        opening_record_document(a_record(), words, language),
        report_document(a_report(), words, language),
        letter_document(a_letter(), words, language),
        letter_document(a_letter("result"), words, language),
    ]


def text_of(document: Document) -> str:
    pdf = pypdfium2.PdfDocument(render(document, choose()))
    text = "".join(page.get_textpage().get_text_range() for page in pdf)
    return text.replace("\r\n", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_document_can_be_set_in_both_languages(language: Language) -> None:
    for document in all_documents(language):
        text = text_of(document)
        assert document.sid in text
        assert document.title in text
        assert "{" not in text


def test_the_receipt_names_the_bidder_the_time_and_the_levels_words() -> None:
    text = text_of(receipt_document(a_receipt(), partial(CATALOGUE.text, "zh")))
    level = CATALOGUE.text("zh", "document.receipt.submission.unwitnessed")
    for part in ("示例建设甲有限公司", "2019年5月16日 09:51:03.418", level, "8e" * 32):
        assert part in text


def test_the_opening_record_says_of_an_unopened_bid_why_and_gives_no_price() -> None:
    document = opening_record_document(a_record(), partial(CATALOGUE.text, "zh"))
    text = text_of(document)
    assert "7,650,000.00" in text
    assert "视为撤销其投标文件" in text


def test_the_report_lists_by_rank_and_gives_the_reason_of_a_rejection() -> None:
    text = text_of(report_document(a_report(), partial(CATALOGUE.text, "zh")))
    assert text.index("T-03") < text.index("T-07")
    assert "第五十一条" in text


def test_the_letter_writes_the_price_in_capitals_too() -> None:
    text = text_of(letter_document(a_letter(), partial(CATALOGUE.text, "zh")))
    assert "柒佰陆拾伍万元整" in text
    assert "第四十六条" in text
