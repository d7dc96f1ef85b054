"""Documents as pages: extractable Chinese, sid and number on every page, the same bytes again."""

from dataclasses import replace
from datetime import UTC, datetime

import pypdfium2
import pytest

from foundation.documents import font
from foundation.documents.layout import render
from foundation.documents.model import (
    Banner,
    Column,
    Document,
    Facts,
    Furniture,
    Heading,
    Signatories,
    Signatory,
    Table,
    Text,
)

SID = "5c" * 32


@pytest.fixture(scope="module")
def face() -> font.Typeface:
    return font.choose()


def a_document(rows: int = 90) -> Document:
    return Document(
        title="测试文件",
        subtitle="相山区政务服务大厅",
        issuer="示例中心",
        number="A4403-2026-0001",
        sid=SID,
        furniture=Furniture(
            sid_label="语句编号", stamp="供人阅读", page_text="第 {page} 页，共 {pages} 页"
        ),
        made_at=datetime(2019, 5, 17, 1, 2, 3, tzinfo=UTC),
        blocks=(
            Banner(word="已递交", lines=("2019年5月16日",), tone="proven"),
            Facts(rows=(("项目", "甲 & 乙 <公司>"),)),
            Heading(text="一览表"),
            Table(
                columns=(Column(label="名称栏", share=3), Column(label="报价栏", align="right")),
                rows=tuple((f"第{n}家", f"{n}.00") for n in range(rows)),
            ),
            Table(columns=(Column(label="空栏"),), rows=(), empty="没有内容"),
            Text(paragraphs=("说明文字。",), note=True),
            Signatories(people=(Signatory(part="主持人", name="林范例", mark="ES256"),)),
        ),
    )


def page_texts(pdf: bytes) -> list[str]:
    opened = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in opened]


def test_every_page_has_sid_number_and_table_head(face: font.Typeface) -> None:
    texts = page_texts(render(a_document(), face))
    assert len(texts) > 2
    for number, text in enumerate(texts, start=1):
        assert SID in text
        assert f"第 {number} 页，共 {len(texts)} 页" in text
    with_rows = [text for text in texts if "家" in text]
    assert len(with_rows) > 1
    assert all("名称栏" in text for text in with_rows)


def test_the_text_can_be_taken_out_again(face: font.Typeface) -> None:
    text = "".join(page_texts(render(a_document(), face)))
    for part in ("已递交", "第89家", "没有内容", "甲 & 乙 <公司>", "林范例"):
        assert part in text


def test_a_character_that_the_font_lacks_is_named_not_dropped(face: font.Typeface) -> None:
    document = replace(a_document(3), title="\U00020bb7野家")
    assert "〓[U+20BB7]" in "".join(page_texts(render(document, face)))


def test_the_same_document_gives_the_same_bytes(face: font.Typeface) -> None:
    assert render(a_document(), face) == render(a_document(), face)


def test_metadata_tells_the_documents_own_time_and_language(face: font.Typeface) -> None:
    pdf = render(a_document(3), face)
    opened = pypdfium2.PdfDocument(pdf)
    assert opened.get_metadata_dict()["CreationDate"] == "D:20190517010203Z"
    assert b"/Lang (zh-CN)" in pdf
