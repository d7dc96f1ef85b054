"""The package: the plaintext zip of one volume, and the limits under which it is accepted.

Nothing is extracted: the directory is read, entries are inflated into nothing and counted, so that
a bomb costs a bounded amount of work. Executables and macros are refused by name and by content.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final, Literal

from bidding.sealing.bodies import Part
from bidding.sealing.refusals import BadPackage
from foundation.statements.fields import Text120, Time

LARGEST_RATIO: Final = 100
LARGEST_TOTAL: Final = 20 * 1024**3
MOST_ENTRIES: Final = 10_000
DEEPEST_ARCHIVE: Final = 1
# A small file of one repeated byte may pass the ratio honestly: below this it is not asked.
RATIO_FROM: Final = 1024 * 1024

EXECUTABLE_NAMES: Final = frozenset(
    {
        "apk",
        "app",
        "bat",
        "bin",
        "class",
        "cmd",
        "com",
        "cpl",
        "dll",
        "dmg",
        "elf",
        "exe",
        "gadget",
        "hta",
        "jar",
        "js",
        "jse",
        "lnk",
        "msc",
        "msi",
        "msp",
        "ocx",
        "pif",
        "ps1",
        "psm1",
        "py",
        "rb",
        "reg",
        "scr",
        "sh",
        "so",
        "sys",
        "url",
        "vb",
        "vbe",
        "vbs",
        "vxd",
        "ws",
        "wsc",
        "wsf",
        "wsh",
    }
)
MACRO_NAMES: Final = frozenset(
    {"docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "pptm", "potm", "ppam", "ppsm", "sldm"}
)
FOREIGN_ARCHIVES: Final = frozenset(
    {"7z", "rar", "tar", "gz", "bz2", "xz", "zst", "cab", "iso", "img", "vhd", "vhdx"}
)

COMPRESSED_NAMES: Final = frozenset(
    {"pdf", "docx", "xlsx", "pptx", "ofd", "zip", "jpg", "jpeg", "png", "mp4"}
)

_EXECUTABLE_STARTS: Final = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"#!",
    b"L\0\0\0\x01\x14\x02\0",
)
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_OLE_MACROS: Final = ("_VBA_PROJECT".encode("utf-16-le"), "VBA\0\0".encode("utf-16-le"))
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_MACRO_ENTRIES: Final = ("vbaproject.bin", "vbadata.xml")
_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
_BLOCK: Final = 1024 * 1024
_IN_MEMORY: Final = 16 * 1024 * 1024
_ENCRYPTED: Final = 0x1


Content = Path | bytes | Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What the check found: number of entries and their size when unpacked."""

    entries: int
    total: int


class MachineNote(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`sunbid-package.json`: where and with what a package was made."""

    v: Literal[1]
    machine_code: Text120
    client: Text120
    made_at: Time


def check_package(path: Path) -> PackageFacts:
    """Check a package against all limits; refuses with `BadPackage`, reads only."""
    try:
        with path.open("rb") as file:
            return _check_archive(file, path.stat().st_size, depth=0)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,
        EOFError,
        ValueError,
        UnicodeError,
        RuntimeError,
        OverflowError,
    ):
        # zipfile raises all of these for hostile archives.
        raise BadPackage("expected an intact zip, got a damaged or unknown one") from None


def _check_archive(file: IO[bytes], size: int, *, depth: int) -> PackageFacts:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise BadPackage(f"expected at most {MOST_ENTRIES} entries, got {len(entries)}")
        _check_names(entries)
        _check_overlap(file, entries, archive.start_dir)
        total = count = 0
        for entry in entries:
            inner = _check_entry(archive, entry, depth=depth, room=LARGEST_TOTAL - total)
            total += inner.total
            count += inner.entries
            if total > LARGEST_TOTAL or count > MOST_ENTRIES:
                raise BadPackage(f"expected at most {LARGEST_TOTAL} bytes and {MOST_ENTRIES} files")
    # The sum is asked as well: many small entries can be a bomb that none of them is.
    if total > RATIO_FROM and total > LARGEST_RATIO * size:
        raise BadPackage(f"expected at most {LARGEST_RATIO} times the packed size, got more")
    return PackageFacts(entries=count, total=total)


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        segments = name.rstrip("/").split("/")
        if (
            not name
            or name.startswith("/")
            or "\\" in name
            or ":" in name
            or any(s in {"", ".", ".."} for s in segments)
            or any(ord(c) < 0x20 or c == "\x7f" for c in name)
        ):
            raise BadPackage(f"expected relative names without `..`, got {name[:80]!r}")
        folded = name.rstrip("/").casefold()
        if folded in seen:
            raise BadPackage(f"expected each name once (also when case is ignored): {name[:80]!r}")
        seen.add(folded)
        _check_kind(entry, segments[-1].casefold())


def _check_kind(entry: zipfile.ZipInfo, name: str) -> None:
    # The upper half holds the Unix mode; 0 where the maker knew none.
    unix_type = entry.external_attr >> 16 & 0o170000
    if unix_type not in {0, 0o100000, 0o040000}:
        raise BadPackage(
            f"expected files and folders, got a link or device: {entry.filename[:80]!r}"
        )
    if entry.flag_bits & _ENCRYPTED:
        raise BadPackage(f"expected no encrypted entry, got {entry.filename[:80]!r}")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadPackage(f"expected deflate, got another compression: {entry.filename[:80]!r}")
    ending = name.rpartition(".")[2] if "." in name else ""
    if ending in EXECUTABLE_NAMES:
        raise BadPackage(f"expected no executable, got {entry.filename[:80]!r}")
    if ending in MACRO_NAMES or name in _MACRO_ENTRIES:
        raise BadPackage(f"expected no macro, got {entry.filename[:80]!r}; save it without macros")
    if ending in FOREIGN_ARCHIVES:
        raise BadPackage(f"expected files or zip, got another archive: {entry.filename[:80]!r}")


def _check_overlap(file: IO[bytes], entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse entries that share bytes (the densest bombs) or reach into the directory."""
    spans = []
    for entry in entries:
        if not 0 <= entry.header_offset < end:
            raise BadPackage("expected entries inside the file, got one outside")
        file.seek(entry.header_offset)
        local = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        begin = entry.header_offset + _LOCAL_HEADER.size + local[9] + local[10]
        spans.append((entry.header_offset, begin + entry.compress_size))
    spans.sort()
    ends = [end for _, end in spans]
    if any(begin < before for (begin, _), before in zip(spans[1:], ends, strict=False)):
        raise BadPackage("expected entries one after another, got overlapping ones")
    if ends and ends[-1] > end:
        raise BadPackage("expected entries before the directory, got one that reaches into it")


def _check_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, depth: int, room: int
) -> PackageFacts:
    if entry.is_dir():
        return PackageFacts(entries=1, total=0)
    limit = min(room, max(RATIO_FROM, LARGEST_RATIO * entry.compress_size))
    with archive.open(entry) as content, SpooledTemporaryFile(_IN_MEMORY) as inner:
        total, is_archive = _check_content(content, entry.filename[:80], limit, inner)
        if not is_archive:
            return PackageFacts(entries=1, total=total)
        if depth >= DEEPEST_ARCHIVE:
            raise BadPackage(
                f"expected no archive in an archive's archive: {entry.filename[:80]!r}"
            )
        found = _check_archive(inner, total, depth=depth + 1)
    return PackageFacts(entries=1 + found.entries, total=total + found.total)


def _check_content(content: IO[bytes], name: str, limit: int, copy: IO[bytes]) -> tuple[int, bool]:
    """(size, is it an archive) of an entry; an archive is copied, to be looked into.

    A copy, because going back in a deflated stream inflates it again from its beginning.
    """
    start = content.read(_BLOCK)
    if start.startswith(_EXECUTABLE_STARTS):
        raise BadPackage(f"expected no executable, got {name!r}")
    is_archive = start.startswith(_ZIP_STARTS)
    is_ole = start.startswith(_OLE)
    total, block, tail = 0, start, b""
    while block:
        total += len(block)
        if total > limit:
            raise BadPackage(
                f"expected at most {LARGEST_RATIO} times the packed size, got more in {name!r}"
            )
        if is_archive:
            copy.write(block)
        if is_ole and any(mark in tail + block for mark in _OLE_MACROS):
            # Names of storages in the directory of an old Office file.
            raise BadPackage(f"expected no macro, got {name!r}; save it without macros")
        tail = block[-64:]
        block = content.read(_BLOCK)
    return total, is_archive


def pack(files: Iterable[tuple[str, Content]], target: Path) -> None:
    """Write a package from (name, content) in the order given; times are not kept."""
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = _method(name)
            info.external_attr = 0o100644 << 16
            with archive.open(info, "w", force_zip64=True) as entry:
                _copy(content, entry)


def _method(name: str) -> int:
    """Kinds that are compressed already are stored: deflate would be the slowest step by far."""
    ending = name.rpartition(".")[2].casefold()
    return zipfile.ZIP_STORED if ending in COMPRESSED_NAMES else zipfile.ZIP_DEFLATED


def entries_of(archive: zipfile.ZipFile) -> list[tuple[str, Content]]:
    """The files of an open zip, to be packed again; folders are left out."""
    return [
        (entry.filename, partial(archive.open, entry))
        for entry in archive.infolist()
        if not entry.is_dir()
    ]


def files_of(folder: Path) -> list[tuple[str, Content]]:
    """The regular files of a folder by their names in a package, sorted; refuses links."""
    found: list[tuple[str, Content]] = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise BadPackage(f"expected files, got the link {path.name}; replace it by the file")
        if path.is_file():
            found.append((path.relative_to(folder).as_posix(), path))
        elif not path.is_dir():
            raise BadPackage(f"expected files and folders, got {path.name}")
    if not found:
        raise BadPackage(f"expected a folder with files, got an empty one: {folder.name}")
    return found


def read_entry(path: Path, name: str, *, limit: int) -> bytes | None:
    """The content of one entry of a checked package, None when there is none of that name."""
    with zipfile.ZipFile(path) as archive:
        try:
            entry = archive.getinfo(name)
        except KeyError:
            return None
        with archive.open(entry) as content:
            raw = content.read(limit + 1)
    if len(raw) > limit:
        raise BadPackage(f"expected at most {limit} bytes in {name}, got more")
    return raw


def _copy(content: Content, entry: IO[bytes]) -> None:
    if isinstance(content, bytes):
        entry.write(content)
        return
    with content.open("rb") if isinstance(content, Path) else content() as source:
        while block := source.read(_BLOCK):
            entry.write(block)
