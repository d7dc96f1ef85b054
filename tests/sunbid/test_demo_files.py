"""The demonstration's files: real formats, seeded, the technical volume blind."""

import json
import zipfile
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import docx
import openpyxl
import pikepdf
import pypdfium2
import pytest

from bidding.licence.uscc import check_uscc
from foundation.documents.font import choose
from foundation.statements.canonical import parse
from sunbid.demo_files.bids import (
    VOLUMES,
    cast,
    machine_code,
    write_bid,
    write_tender_documents,
)

LARGEST_FILE = 300_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("bids")
    face = choose()
    for bidder in cast():
        write_bid(top / bidder.persona, bidder, seed=7, face=face)
    return top


def everything_said(path: Path) -> str:
    """The text and the properties of one file."""
    raw = path.read_bytes()
    match path.suffix:
        case ".pdf":
            opened = pypdfium2.PdfDocument(raw)
            said = [page.get_textpage().get_text_range() for page in opened]
            with pikepdf.open(BytesIO(raw)) as pdf:
                said += [str(value) for value in pdf.docinfo.values()]
            return "\n".join(said)
        case ".docx":
            document = docx.Document(BytesIO(raw))
            core = document.core_properties
            said = [paragraph.text for paragraph in document.paragraphs]
            return "\n".join([*said, core.author, core.last_modified_by or "", every_part(raw)])
        case ".xlsx":
            book = openpyxl.load_workbook(BytesIO(raw))
            rows = book.worksheets[0].iter_rows(values_only=True)
            said = [str(value) for row in rows for value in row]
            return "\n".join([*said, str(book.properties.creator), every_part(raw)])
        case _:
            return raw.decode()


def every_part(raw: bytes) -> str:
    """All that an office file holds, properties no library shows included."""
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


def test_the_cast_is_nine_with_valid_codes_and_each_role() -> None:
    roles = [bidder.role for bidder in cast()]
    assert len(cast()) == 9
    assert {role: roles.count(role) for role in roles} == {
        "replaces": 1,
        "plain": 2,
        "ring": 3,
        "withdraws": 1,
        "late": 1,
        "absent": 1,
    }
    for bidder in cast():
        check_uscc(bidder.uscc)
    assert len({bidder.uscc for bidder in cast()}) == 9


def test_the_rings_prices_go_in_equal_steps_and_nobody_elses_do() -> None:
    ring = sorted(bidder.price_yuan for bidder in cast() if bidder.role == "ring")
    assert ring[1] - ring[0] == ring[2] - ring[1] == Decimal("47735.00")
    assert all(bidder.price_yuan < 8_000_000 for bidder in cast())


def test_every_volume_holds_pdf_and_office_files_that_open(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.stat().st_size <= LARGEST_FILE
            assert everything_said(path)
    kinds = {path.suffix for path in (folder / "bidder-a").rglob("*") if path.is_file()}
    assert kinds == {".pdf", ".docx", ".xlsx", ".json"}


def test_the_open_items_are_canonical_and_what_the_breakdown_adds_up_to(folder: Path) -> None:
    for bidder in cast():
        price = folder / bidder.persona / "price"
        items = parse((price / "open-items.json").read_bytes(), limit=1000)
        assert items == {
            "duration_days": 65,
            "price_yuan": f"{bidder.price_yuan:.2f}",
            "project_manager": bidder.manager,
        }
        sheet = openpyxl.load_workbook(price / "breakdown.xlsx").worksheets[0]
        amounts = [Decimal(str(row[2])) for row in sheet.iter_rows(min_row=2, values_only=True)]
        assert sum(amounts[:-1]) == amounts[-1] == bidder.price_yuan


def test_the_technical_volume_tells_nothing_of_the_bidder(folder: Path) -> None:
    for bidder in cast():
        for path in (folder / bidder.persona / "tech").iterdir():
            said = everything_said(path)
            for mark in (bidder.name, bidder.name[2:5], bidder.manager, bidder.uscc, bidder.phone):
                assert mark not in said, (path, mark)
            assert f"user-{bidder.uscc[-3:].lower()}" not in said


def test_the_ring_shares_a_machine_and_the_others_do_not(folder: Path) -> None:
    codes = {
        bidder.persona: json.loads(
            (folder / bidder.persona / "price" / "sunbid-package.json").read_text()
        )["machine_code"]
        for bidder in cast()
    }
    ring = {codes[bidder.persona] for bidder in cast() if bidder.role == "ring"}
    assert len(ring) == 1
    assert len(set(codes.values())) == 7
    assert machine_code(cast()[0], 7) != machine_code(cast()[0], 8)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    bidder = cast()[0]
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        write_bid(tmp_path / name, bidder, seed=seed)
    for volume in VOLUMES:
        for path in (tmp_path / "first" / volume).iterdir():
            again = tmp_path / "again" / volume / path.name
            assert path.read_bytes() == again.read_bytes()
    other = tmp_path / "other" / "tech" / "technical.pdf"
    assert other.read_bytes() != (tmp_path / "first" / "tech" / "technical.pdf").read_bytes()


def test_a_replacement_says_a_lower_price_and_nothing_else_new(tmp_path: Path) -> None:
    bidder = cast()[0]
    write_bid(tmp_path / "v1", bidder, seed=7)
    write_bid(tmp_path / "v2", bidder, seed=7, version=2)
    first, second = (
        json.loads((tmp_path / name / "price" / "open-items.json").read_text())
        for name in ("v1", "v2")
    )
    assert Decimal(first["price_yuan"]) - Decimal(second["price_yuan"]) == 20_000
    tech = "tech/technical.pdf"
    assert (tmp_path / "v1" / tech).read_bytes() == (tmp_path / "v2" / tech).read_bytes()


def test_the_tender_document_has_several_pages_and_says_that_it_is_invented(tmp_path: Path) -> None:
    paths = write_tender_documents(tmp_path)
    opened = pypdfium2.PdfDocument(paths[0].read_bytes())
    assert len(opened) >= 3
    assert all("虚构" in page.get_textpage().get_text_range() for page in opened)
