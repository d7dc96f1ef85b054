"""The evidence package: which files it has, and each of them read or refused once."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Final

from sunbid.verify.archive import open_archive, read_member, reading
from sunbid.verify.canonical import Malformed, parse
from sunbid.verify.shapes import FILES, OPTIONAL, check_file

MAX_JSON: Final = 256 * 2**20
MAX_ANCHOR: Final = 64 * 1024
BID: Final = re.compile(r"^bids/([0-9a-f]{64})\.tbe$", re.ASCII)
ANCHOR: Final = re.compile(
    r"^anchors/(licence|platform|timestamp)-[A-Za-z0-9._-]{1,80}\.der$", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was read: its JSON files, its anchors and where the sealed bids lie."""

    archive: zipfile.ZipFile | None
    files: dict[str, Any] = field(default_factory=dict)
    anchors: dict[str, list[bytes]] = field(default_factory=dict)
    bids: dict[str, str] = field(default_factory=dict)
    problems: list[Malformed] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @contextmanager
    def bid(self, tree: str) -> Iterator[IO[bytes]]:
        """Open the sealed file of a tree as a stream."""
        if self.archive is None:
            raise Malformed(self.bids[tree], "cannot be read")
        with reading(self.archive, self.bids[tree]) as stream:
            yield stream


def read_package(source: IO[bytes]) -> Package:
    """Read a package; what cannot be read is listed in `problems`, nothing is raised."""
    try:
        archive = open_archive(source, "package")
    except Malformed as problem:
        return Package(archive=None, problems=[problem])
    package = Package(archive=archive)
    for name in archive.namelist():
        try:
            _read(package, archive, name)
        except Malformed as problem:
            package.problems.append(problem)
    present = set(archive.namelist())
    for name in sorted(FILES.keys() - OPTIONAL - present):
        package.problems.append(Malformed(name, "is not in the package"))
    return package


def _read(package: Package, archive: zipfile.ZipFile, name: str) -> None:
    if name in FILES:
        value = parse(read_member(archive, name, MAX_JSON), name)
        check_file(name, value)
        package.files[name] = value
    elif match := BID.match(name):
        package.bids[match[1]] = name
    elif match := ANCHOR.match(name):
        raw = read_member(archive, name, MAX_ANCHOR)
        package.anchors.setdefault(match[1], []).append(raw)
    elif not name.endswith("/"):
        package.unread.append(name)
