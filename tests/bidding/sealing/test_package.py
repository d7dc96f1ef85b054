"""Packages: every limit of 16 by an archive that breaks it, and what the client packs."""

import io
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bidding.sealing import package
from bidding.sealing.package import check_package, files_of, pack, read_entry
from bidding.sealing.packing import check_items, machine_code, pack_volume
from bidding.sealing.refusals import BadPackage
from foundation.statements.canonical import BadField, parse
from sealing_world import NOW

pytestmark = pytest.mark.domain


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], stored: bool = True) -> bytes:
    """A zip of (name, content)."""
    raw = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(raw, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return raw.getvalue()


def on_disk(folder: Path, raw: bytes) -> Path:
    path = folder / "package.zip"
    path.write_bytes(raw)
    return path


DOCX = archive(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<w/>"))


def test_an_ordinary_package_passes(tmp_path: Path) -> None:
    raw = archive(
        ("资格/营业执照.pdf", b"%PDF-1.7 x"),
        ("letter.docx", DOCX),
        ("empty.txt", b""),
        ("folder/", b""),
    )
    facts = check_package(on_disk(tmp_path, raw))
    assert facts.entries == 6
    assert facts.total > 0


def link(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = 0o120777 << 16
    return made


def encrypted() -> bytes:
    raw = bytearray(archive(("a.txt", b"x")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(mark) + offset
        raw[at] |= 1
    return bytes(raw)


def overlapping() -> bytes:
    """An intact zip in which one entry's content is another entry, as the densest bombs have it."""
    inner = archive(("b.txt", bytes(1000)))
    directory_at = inner.index(b"PK\x01\x02")
    record = bytearray(inner[directory_at : inner.index(b"PK\x05\x06")])
    outer = bytearray(archive(("a.txt", b"text " + inner[:directory_at])))
    end = outer.index(b"PK\x05\x06")
    record[42:46] = struct.pack("<L", outer.index(b"PK\x03\x04", 4))
    outer[end:end] = record
    tail = end + len(record)
    size = struct.unpack_from("<L", outer, tail + 12)[0] + len(record)
    struct.pack_into("<2HL", outer, tail + 8, 2, 2, size)
    return bytes(outer)


def directory_reached() -> bytes:
    """An intact zip whose entry takes the first bytes of the directory for its own."""
    raw = bytearray(archive(("a.txt", bytes(100))))
    begin = raw.index(b"a.txt") + 5
    crc = zlib.crc32(raw[begin : begin + 110])
    for mark, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        struct.pack_into("<3L", raw, raw.index(mark) + offset, crc, 110, 110)
    return bytes(raw)


@pytest.mark.skipif(sys.version_info < (3, 11, 7), reason="older libraries read one otherwise")
def test_the_crafted_archives_are_intact() -> None:
    """The library itself reads them: what refuses them below is our check alone."""
    for raw, name in ((overlapping(), "b.txt"), (directory_reached(), "a.txt")):
        with zipfile.ZipFile(io.BytesIO(raw)) as made:
            assert made.testzip() is None
            assert made.read(name)


OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)

BAD: list[tuple[str, bytes]] = [
    ("no zip", b"%PDF-1.7"),
    ("empty", b""),
    ("cut", DOCX[:-10]),
    ("absolute", archive(("/etc/passwd", b"x"))),
    ("dot dot", archive(("a/../../b", b"x"))),
    ("dot", archive(("./a", b"x"))),
    ("double slash", archive(("a//b", b"x"))),
    ("backslash", archive(("a\\b", b"x"))),
    ("drive", archive(("C:a", b"x"))),
    ("control character", archive(("a\tb", b"x"))),
    ("duplicate", archive(("a.txt", b"x"), ("b.txt", b"y")).replace(b"b.txt", b"a.txt")),
    ("case-equal", archive(("a.txt", b"x"), ("A.TXT", b"y"))),
    ("folder and file", archive(("a/", b""), ("a", b"y"))),
    ("link", archive((link("a"), b"/etc/passwd"))),
    ("encrypted", encrypted()),
    ("overlap", overlapping()),
    ("into the directory", directory_reached()),
    ("executable by name", archive(("setup.exe", b"x"))),
    ("script by name", archive(("run.JS", b"x"))),
    ("executable by content", archive(("report.pdf", b"MZ\x90\0" + bytes(60)))),
    ("ELF by content", archive(("report.pdf", b"\x7fELF" + bytes(60)))),
    ("script by content", archive(("report.txt", b"#!/bin/sh\n"))),
    ("macro by name", archive(("letter.docm", DOCX))),
    ("macro inside", archive(("letter.docx", archive(("word/vbaProject.bin", b"x"))))),
    ("macro in old Office", archive(("letter.doc", OLE + "_VBA_PROJECT".encode("utf-16-le")))),
    ("executable inside", archive(("letter.docx", archive(("a.exe", b"x"))))),
    ("foreign archive", archive(("files.rar", b"x"))),
    (
        "archive in an archive's archive",
        archive(("a.zip", archive(("b.zip", archive(("c", b"")))))),
    ),
    ("ratio", archive(("zeros", bytes(8 << 20)), stored=False)),
    ("inner ratio", archive(("a.zip", archive(("zeros", bytes(8 << 20)), stored=False)))),
    ("changed content", archive(("a.txt", b"some content")).replace(b"content", b"CONTENT", 1)),
]


@pytest.mark.misuse(86)
@pytest.mark.parametrize(("name", "raw"), BAD, ids=[name for name, _ in BAD])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_case_86_what_breaks_a_limit_is_refused(tmp_path: Path, name: str, raw: bytes) -> None:
    with pytest.raises(BadPackage):
        check_package(on_disk(tmp_path, raw))


@pytest.mark.misuse(86)
def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MOST_ENTRIES", 5)
    inner = archive(*[(str(n), b"") for n in range(4)])
    for raw in (archive(*[(str(n), b"") for n in range(6)]), archive(("a.zip", inner), ("b", b""))):
        with pytest.raises(BadPackage):
            check_package(on_disk(tmp_path, raw))


@pytest.mark.misuse(86)
def test_the_total_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST_TOTAL", 100)
    with pytest.raises(BadPackage):
        check_package(on_disk(tmp_path, archive(("a", bytes(60)), ("b", bytes(60)))))


def test_every_cut_and_flipped_byte_is_a_refusal_or_a_package(tmp_path: Path) -> None:
    raw = archive(("a.txt", b"some content"), ("b.docx", DOCX), stored=False)
    for at in range(len(raw)):
        flipped = bytearray(raw)
        flipped[at] ^= 0xFF
        for broken in (raw[:at], bytes(flipped)):
            try:
                check_package(on_disk(tmp_path, broken))
            except BadPackage:
                continue


def test_a_folder_is_packed_and_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    (folder / "子").mkdir(parents=True)
    (folder / "子" / "a.txt").write_bytes(b"a")
    (folder / "b.txt").write_bytes(b"b")
    target = tmp_path / "made.zip"
    pack(files_of(folder), target)
    check_package(target)
    with zipfile.ZipFile(target) as made:
        assert made.namelist() == ["b.txt", "子/a.txt"]
    assert read_entry(target, "b.txt", limit=1) == b"b"
    assert read_entry(target, "c.txt", limit=1) is None
    with pytest.raises(BadPackage):
        read_entry(target, "b.txt", limit=0)


def test_what_is_compressed_already_is_stored(tmp_path: Path) -> None:
    target = tmp_path / "made.zip"
    pack([("a.PDF", bytes(5000)), ("a.txt", bytes(5000))], target)
    with zipfile.ZipFile(target) as made:
        methods = {entry.filename: entry.compress_type for entry in made.infolist()}
    assert methods == {"a.PDF": zipfile.ZIP_STORED, "a.txt": zipfile.ZIP_DEFLATED}


def test_folders_with_links_or_nothing_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "a").symlink_to("/etc/passwd")
    for folder in (empty, linked):
        with pytest.raises(BadPackage):
            files_of(folder)


def packed(tmp_path: Path, files: dict[str, str], volume: str, code: str | None = None) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    target = tmp_path / "made.zip"
    pack_volume(folder, target, volume=volume, code=code, client="cli/1.0.0", at=NOW)
    return target


def note_of(target: Path) -> dict[str, str]:
    raw = read_entry(target, "sunbid-package.json", limit=4096)
    assert raw is not None
    value: dict[str, str] = parse(raw, limit=4096)
    return value


def test_the_machine_code_is_written_and_says_no_hardware_id(tmp_path: Path) -> None:
    note = note_of(packed(tmp_path, {"a.txt": "a"}, "qual"))
    assert note == {
        "v": 1,
        "machine_code": machine_code(),
        "client": "cli/1.0.0",
        "made_at": "2026-11-21T09:00:00.000Z",
    }
    ids = tmp_path / "machine-id"
    ids.write_text("0123456789abcdef")
    assert machine_code([ids]) != machine_code([tmp_path / "missing"])
    assert "0123" not in machine_code([ids])[:4]


OWN = '{"v": 1, "machine_code": "OWN", "client": "x", "made_at": "2026-01-01T00:00:00.000Z"}'


@pytest.mark.parametrize(("code", "expected"), [(None, "OWN"), ("GIVEN", "GIVEN")])
def test_a_given_code_stands_above_the_files_own(
    tmp_path: Path, code: str | None, expected: str
) -> None:
    target = packed(tmp_path, {"sunbid-package.json": OWN}, "qual", code)
    assert note_of(target)["machine_code"] == expected


def test_an_own_note_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadField):
        packed(tmp_path, {"sunbid-package.json": '{"v": 1}'}, "qual")


def test_a_zip_is_packed_again(tmp_path: Path) -> None:
    source = on_disk(tmp_path, archive(("a.txt", b"a"), ("open-items.json", b'{"price_yuan":"1"}')))
    target = tmp_path / "made.zip"
    pack_volume(source, target, volume="price", code="M", client="cli/1.0.0", at=NOW)
    with zipfile.ZipFile(target) as made:
        assert made.namelist() == ["a.txt", "open-items.json", "sunbid-package.json"]
        assert made.read("open-items.json") == b'{"price_yuan":"1"}'


def test_a_price_volume_needs_the_line_read_aloud(tmp_path: Path) -> None:
    with pytest.raises(BadPackage, match=r"open-items\.json"):
        packed(tmp_path, {"a.txt": "a"}, "price")


@pytest.mark.parametrize("price", ["1", "12345678.90", "0.01"])
def test_prices_are_decimal_text(price: str) -> None:
    assert check_items(json.dumps({"price_yuan": price, "days": 65}).encode())["days"] == 65


PRICES: list[Callable[[], bytes]] = [
    lambda: b"",
    lambda: b"[]",
    lambda: b"{}",
    lambda: b'{"price_yuan": 12.5}',
    lambda: b'{"price_yuan": 12}',
    lambda: b'{"price_yuan": "12.345"}',
    lambda: b'{"price_yuan": "-1"}',
    lambda: b'{"price_yuan": "0"}',
    lambda: b'{"price_yuan": "NaN"}',
    lambda: b'{"price_yuan": "Infinity"}',
    lambda: b'{"price_yuan": "1,000"}',
    lambda: b'{"price_yuan": "1_000"}',
    lambda: b'{"price_yuan": "1e5"}',
    lambda: b'{"price_yuan": " 1"}',
    lambda: b'{"price_yuan": "0.00"}',
    '{"price_yuan": "１２"}'.encode,
    lambda: b'{"price_yuan": "1", "x": 1.5}',
    lambda: b'{"price_yuan": "1", "x": "' + b"x" * 70_000 + b'"}',
    lambda: b"[" * 60_000,
]


@pytest.mark.parametrize("raw", PRICES)
def test_other_lines_are_refused(raw: Callable[[], bytes]) -> None:
    with pytest.raises((BadPackage, BadField)):
        check_items(raw())
