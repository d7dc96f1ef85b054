"""Reading files: text by page and properties; hostile and broken bytes become sentences."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest

from foundation.documents.font import choose
from foundation.statements.canonical import canonical, parse
from sunbid.demo_files.office import FileProperties, Part, docx, xlsx
from sunbid.demo_files.pages import pdf
from supervision.forensics.extraction import clean, read_file

PROPERTIES = FileProperties(
    author="clerk-07",
    software="WPS Office",
    company="示例图文快印部",
    at=datetime(2019, 5, 6, tzinfo=UTC),
    edit_session="00A1B2C3",
)
PART = Part("施工部署", ("现场按楼层分四个流水段。",))


def of(fields: object, name: str) -> str | None:
    return next((t.value for t in fields.traits if t.field == name), None)  # type: ignore[attr-defined]


def test_a_pdf_gives_pages_author_and_its_own_identifier() -> None:
    raw = pdf("标题", [PART] * 30, PROPERTIES, face=choose(), page_text="{page}", note="注")
    read = read_file("tech/x.pdf", raw)
    assert len(read.pages) > 1
    assert "流水段" in read.pages[0]
    assert of(read, "pdf:author") == "clerk-07"
    identifier = next(trait for trait in read.traits if trait.field == "pdf:id")
    assert identifier.identifier
    other = pdf("另题", [PART], PROPERTIES, face=choose(), page_text="{page}", note="注")
    assert identifier.value != of(read_file("y.pdf", other), "pdf:id")


def test_a_docx_gives_paragraphs_and_its_first_editing_session() -> None:
    read = read_file("x.docx", docx("标题", [PART], PROPERTIES))
    assert "现场按楼层分四个流水段。" in read.pages[0].splitlines()
    assert of(read, "docx:first-editing-session") == "00A1B2C3"
    assert of(read, "office:author") == "clerk-07"
    assert of(read, "office:company") == "示例图文快印部"


def test_an_xlsx_gives_rows_by_sheet() -> None:
    read = read_file("x.xlsx", xlsx("报价", [["序号", "金额"], ["1", "10.00"]], PROPERTIES))
    assert read.pages == ("序号 | 金额\n1 | 10.00",)
    assert of(read, "office:application") == "WPS Office"


def test_the_kind_is_told_by_the_bytes_not_by_the_name() -> None:
    assert read_file("x.pdf", docx("标题", [PART], PROPERTIES)).pages
    assert read_file("note.txt", "正文".encode()).pages == ("正文",)


def test_prescribed_data_is_no_prose() -> None:
    assert read_file("price/open-items.json", b'{"duration_days":65}').pages == ()


def a_zip(**parts: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"%PDF-1.7\nbroken",
        b"PK\x03\x04broken",
        b"\xff\xfe\x00binary",
        a_zip(other="<x/>"),
        a_zip(word__document="<w:document"),
        pdf("题", [PART], PROPERTIES, face=choose(), page_text="", note="")[:900],
    ],
)
def test_what_cannot_be_read_is_a_sentence(raw: bytes) -> None:
    read = read_file("x", raw)
    assert read.pages == ()
    assert read.problem is not None
    assert read.problem.startswith("x: ")


def test_entities_are_not_followed() -> None:
    bomb = (
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">'
        '<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        '<w:document xmlns:w="w"><w:p><w:t>&b;&x;start</w:t></w:p></w:document>'
    )
    read = read_file("x.docx", a_zip(word__document=bomb))
    assert "aaaa" not in "".join(read.pages)
    assert "/" not in "".join(read.pages)


def test_text_can_be_quoted_in_canonical_json_whatever_it_holds() -> None:
    hostile = "a\x00b\x07c\r\nd\ud800e\u0065\u0301\x85f"
    text = clean(hostile)
    assert parse(canonical({"t": text}), limit=1000)["t"] == text
    assert text.startswith("a b c\nd e")
    names = read_file("x\x01\u0065\u0301.txt", b"y").file
    assert canonical([names])
