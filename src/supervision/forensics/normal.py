"""Text reduced to what counts when passages are compared, with the way back to every character."""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from supervision.forensics.domain import FileText, Place

Codes = NDArray[np.uint32]
Indexes = NDArray[np.int32]

# A line is a running head or foot where it stands on more than this share of a file's pages.
RUNNING_SHARE: Final = 0.5
EDGE_LINES: Final = 2
LONGEST_EDGE: Final = 200
DIGITS: Final = re.compile(r"\d")
# What every code point is folded to, filled in when one is first met.
_UNKNOWN: Final = 0xFFFFFFFF
_TABLE: Final = np.full(sys.maxunicode + 1, _UNKNOWN, np.uint32)


@dataclass(frozen=True, slots=True)
class NormalText:
    """Letters and digits of some files in a row, each with its file, page and place there."""

    files: tuple[FileText, ...]
    codes: Codes
    file_of: Indexes
    page_of: Indexes
    offset_of: Indexes

    def __len__(self) -> int:
        return len(self.codes)

    def text(self, start: int, end: int) -> str:
        """The reduced text of a span."""
        return self.codes[start:end].astype("<u4").tobytes().decode("utf-32-le", "replace")

    def place(self, start: int, end: int) -> Place:
        """Where a span stands in its file; it must not reach over the end of the file."""
        return Place(
            file=self.files[int(self.file_of[start])].file,
            page=int(self.page_of[start]) + 1,
            start=int(self.offset_of[start]),
            end_page=int(self.page_of[end - 1]) + 1,
            end=int(self.offset_of[end - 1]) + 1,
        )

    def original(self, start: int, end: int) -> str:
        """The text of a span as it stands in the file, without running heads between pages."""
        pages = self.files[int(self.file_of[start])].pages
        turns = np.nonzero(np.diff(self.page_of[start:end]))[0] + start + 1
        pieces = []
        for first, last in pairwise((start, *turns.tolist(), end)):
            page = pages[int(self.page_of[first])]
            stop = int(self.offset_of[last - 1]) + 1
            if last < end:
                # The rest of a page's last line: a full stop is no letter.
                stop = len(page) if (line := page.find("\n", stop)) < 0 else line
            pieces.append(page[int(self.offset_of[first]) : stop])
        return "\n".join(pieces)


def normalise(files: Sequence[FileText]) -> NormalText:
    """Letters and digits only, width and case folded (NFKC), running heads and feet left out."""
    codes: list[Codes] = []
    places: list[tuple[int, int, Indexes]] = []
    for file_number, file in enumerate(files):
        running = _running_lines(file.pages)
        for page_number, page in enumerate(file.pages):
            reduced, offsets = _reduced(page, running)
            codes.append(reduced)
            places.append((file_number, page_number, offsets))
    if not codes:
        empty = np.zeros(0, np.int32)
        return NormalText(tuple(files), np.zeros(0, np.uint32), empty, empty, empty)
    return NormalText(
        files=tuple(files),
        codes=np.concatenate(codes),
        file_of=np.concatenate([np.full(len(o), f, np.int32) for f, _, o in places]),
        page_of=np.concatenate([np.full(len(o), p, np.int32) for _, p, o in places]),
        offset_of=np.concatenate([o for _, _, o in places]),
    )


def _reduced(page: str, running: frozenset[str]) -> tuple[Codes, Indexes]:
    points = np.frombuffer(page.encode("utf-32-le", "replace"), dtype="<u4")
    if not len(points):
        return np.zeros(0, np.uint32), np.zeros(0, np.int32)
    folded = _TABLE[points]
    if (folded == _UNKNOWN).any():
        for point in set(points[folded == _UNKNOWN].tolist()):
            _TABLE[point] = _folded(point)
        folded = _TABLE[points]
    for start, end in _running_spans(page, running):
        folded[start:end] = 0
    offsets = np.nonzero(folded)[0]
    return folded[offsets], offsets.astype(np.int32)


def _folded(point: int) -> int:
    """The code point that stands for this one; 0 for blanks, punctuation and signs."""
    plain = unicodedata.normalize("NFKC", chr(point)).lower()
    return ord(plain[0]) if plain and plain[0].isalnum() else 0


def _edge_lines(page: str) -> Iterator[tuple[int, int, str]]:
    """The first and last lines of a page with their spans, digits made alike."""
    spans = []
    start = 0
    for line in page.splitlines(keepends=True):
        if line.strip():
            spans.append((start, start + len(line), line))
        start += len(line)
    if len(spans) > 2 * EDGE_LINES:
        spans = spans[:EDGE_LINES] + spans[-EDGE_LINES:]
    for begin, end, line in spans:
        if len(line) <= LONGEST_EDGE:
            yield begin, end, DIGITS.sub("#", "".join(line.split()))


def _running_lines(pages: Sequence[str]) -> frozenset[str]:
    if len(pages) < 2:
        return frozenset()
    counted = Counter(mark for page in pages for mark in {m for _, _, m in _edge_lines(page)})
    return frozenset(mark for mark, n in counted.items() if n > max(1, RUNNING_SHARE * len(pages)))


def _running_spans(page: str, running: frozenset[str]) -> Iterator[tuple[int, int]]:
    if running:
        yield from ((start, end) for start, end, mark in _edge_lines(page) if mark in running)
