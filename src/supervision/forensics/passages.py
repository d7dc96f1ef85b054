"""From equal pieces to passages: pieces along one diagonal are chained, aligned, cut, measured.

Equal pieces alone are not evidence: between two honest bids they are labels and a form's words
with each bidder's own text in between. A passage is what stays close after that is cut away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from supervision.forensics.domain import Passage
from supervision.forensics.normal import NormalText
from supervision.forensics.winnowing import Fingerprints, Grain, Marks, Seeds

# Letters may be put in or left out between two pieces; more than this is another diagonal.
BAND: Final = 6
# How far apart two pieces of one chain may lie; edits and the tender document's words have none.
GAP: Final = 120
# After the alignment: unequal text of this length, in either bid, is no edit. Two passages.
BREAK: Final = 30
SHORTEST_EVIDENCE: Final = 40
SHORTEST_SENSITIVE: Final = 60
LEAST_DENSITY: Final = 0.25
# Shorter runs of equal characters happen between any two texts.
SHORTEST_RUN: Final = 4
LEAST_LIKENESS: Final = 0.75
MOST_PASSAGES: Final = 400
# How far a chain is followed beyond its pieces: text of the tender document has none.
STRETCH: Final = 2_000


@dataclass(slots=True)
class Chain:
    """Pieces along one diagonal: from and to in both texts, and characters that they cover."""

    x0: int
    x1: int
    y0: int
    y1: int
    covered: int

    @property
    def diagonal(self) -> int:
        """By how much the end of the second text's span lies further than the first's."""
        return self.y1 - self.x1


@dataclass(frozen=True, slots=True)
class Span:
    """From and to in both texts."""

    x0: int
    x1: int
    y0: int
    y1: int


def chains(seeds: Seeds, k: int, a: NormalText, b: NormalText) -> list[Chain]:
    """Chain pieces whose diagonals are neighbours; stray pieces elsewhere do not break a chain.

    No chain reaches over the border of a file.
    """
    open_: dict[tuple[int, int, int], Chain] = {}
    done: list[Chain] = []
    files_a, files_b = a.file_of[seeds.x].tolist(), b.file_of[seeds.y].tolist()
    for x, y, file_a, file_b in zip(
        seeds.x.tolist(), seeds.y.tolist(), files_a, files_b, strict=True
    ):
        bucket = (y - x) // BAND
        near = (open_.get((file_a, file_b, one)) for one in (bucket, bucket - 1, bucket + 1))
        chain = next((one for one in near if one is not None and _continues(one, x, y)), None)
        if chain is None:
            chain = Chain(x, x + k, y, y + k, k)
            done.append(chain)
        else:
            chain.covered += min(k, max(0, x + k - chain.x1))
            chain.x1, chain.y1 = max(chain.x1, x + k), max(chain.y1, y + k)
        open_[file_a, file_b, bucket] = chain
    return done


def _continues(chain: Chain, x: int, y: int) -> bool:
    return abs((y - x) - chain.diagonal) <= BAND and x - chain.x1 <= GAP and y >= chain.y0


def passages(
    seeds: Seeds,
    texts: Sequence[NormalText],
    prints: Sequence[Fingerprints],
    grain: Grain,
    *,
    sensitive: bool,
) -> list[Passage]:
    """The passages of a pair that are long and alike enough, the longest first, none twice."""
    a, b = texts[seeds.a], texts[seeds.b]
    own_a, own_b = ~prints[seeds.a].from_tender, ~prints[seeds.b].from_tender
    shortest = SHORTEST_SENSITIVE if sensitive else SHORTEST_EVIDENCE
    found: list[tuple[Span, int, float]] = []
    for chain in chains(seeds, grain.k, a, b):
        _stretch(chain, a, b)
        length = min(chain.x1 - chain.x0, chain.y1 - chain.y0)
        if length < shortest or (sensitive and chain.covered < LEAST_DENSITY * length):
            continue
        for runs in _cut(_common_runs(chain, a, b), own_a):
            span, equal, likeness = _measured(runs, own_a, own_b)
            if equal >= shortest and likeness >= LEAST_LIKENESS:
                found.append((span, equal, likeness))
    found.sort(key=lambda one: (-one[1], one[0].x0))
    return [
        Passage(
            a=a.place(span.x0, span.x1),
            b=b.place(span.y0, span.y1),
            text_a=a.original(span.x0, span.x1),
            text_b=b.original(span.y0, span.y1),
            chars=chars,
            likeness=round(likeness, 4),
            sensitive=sensitive,
        )
        for span, chars, likeness in _apart(found)
    ]


def _stretch(chain: Chain, a: NormalText, b: NormalText) -> None:
    """Take in the equal characters just before and after, inside the same files."""
    before = min(STRETCH, chain.x0, chain.y0)
    left = slice(chain.x0 - before, chain.x0), slice(chain.y0 - before, chain.y0)
    more = _equal(a, b, left, (chain.x0, chain.y0))[::-1]
    back = _run(more)
    after = min(STRETCH, len(a) - chain.x1, len(b) - chain.y1)
    right = slice(chain.x1, chain.x1 + after), slice(chain.y1, chain.y1 + after)
    ahead = _run(_equal(a, b, right, (chain.x0, chain.y0)))
    chain.x0, chain.y0 = chain.x0 - back, chain.y0 - back
    chain.x1, chain.y1 = chain.x1 + ahead, chain.y1 + ahead
    chain.covered += back + ahead


def _equal(
    a: NormalText, b: NormalText, spans: tuple[slice, slice], inside: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where two spans have the same character and still lie in the files of the chain."""
    x, y = spans
    same: NDArray[np.bool_] = a.codes[x] == b.codes[y]
    same &= a.file_of[x] == a.file_of[inside[0]]
    same &= b.file_of[y] == b.file_of[inside[1]]
    return same


def _run(same: NDArray[np.bool_]) -> int:
    """How many are true from the beginning on."""
    return len(same) if same.all() else int(same.argmin())


def _common_runs(chain: Chain, a: NormalText, b: NormalText) -> list[Span]:
    """The runs of equal characters of a chain in order, the shortest left out."""
    left, right = a.text(chain.x0, chain.x1), b.text(chain.y0, chain.y1)
    return [
        Span(
            chain.x0 + step.src_start,
            chain.x0 + step.src_end,
            chain.y0 + step.dest_start,
            chain.y0 + step.dest_end,
        )
        for step in Indel.opcodes(left, right)
        if step.tag == "equal" and step.src_end - step.src_start >= SHORTEST_RUN
    ]


def _cut(runs: Sequence[Span], own: Marks) -> Iterator[list[Span]]:
    """Runs that are close to one another; no end of them is the tender document's text."""
    together: list[Span] = []
    for run in runs:
        trimmed = _trimmed(run, own)
        if together and _is_far(together[-1], run):
            yield from _ended(together, own)
            together = []
        if together:
            together.append(run)
        elif trimmed is not None:
            together = [Span(trimmed.x0, run.x1, trimmed.y0, run.y1)]
    yield from _ended(together, own)


def _ended(runs: list[Span], own: Marks) -> Iterator[list[Span]]:
    while runs:
        trimmed = _trimmed(runs[-1], own)
        if trimmed is not None:
            yield [*runs[:-1], Span(runs[-1].x0, trimmed.x1, runs[-1].y0, trimmed.y1)]
            return
        runs = runs[:-1]


def _trimmed(run: Span, own: Marks) -> Span | None:
    """A run from its first to its last character that the tender document has not."""
    (places,) = np.nonzero(own[run.x0 : run.x1])
    if not len(places):
        return None
    first, end = int(places[0]), int(places[-1]) + 1
    return Span(run.x0 + first, run.x0 + end, run.y0 + first, run.y0 + end)


def _is_far(one: Span, other: Span) -> bool:
    return max(other.x0 - one.x1, other.y0 - one.y1) > BREAK


def _measured(runs: Sequence[Span], own_a: Marks, own_b: Marks) -> tuple[Span, int, float]:
    """Where the runs lie, their characters, and how alike the text around them is.

    The tender document's words count neither as common nor as text.
    """
    span = Span(runs[0].x0, runs[-1].x1, runs[0].y0, runs[-1].y1)
    equal = sum(int(own_a[run.x0 : run.x1].sum()) for run in runs)
    length = min(int(own_a[span.x0 : span.x1].sum()), int(own_b[span.y0 : span.y1].sum()))
    return span, equal, min(1.0, equal / max(1, length))


def _apart(found: list[tuple[Span, int, float]]) -> Iterator[tuple[Span, int, float]]:
    """Leave out what lies mostly inside a longer passage of either bid."""
    taken: list[Span] = []
    for one in found[:MOST_PASSAGES]:
        span = one[0]
        inside = any(
            2 * _overlap(span.x0, span.x1, other.x0, other.x1) > span.x1 - span.x0
            or 2 * _overlap(span.y0, span.y1, other.y0, other.y1) > span.y1 - span.y0
            for other in taken
        )
        if not inside:
            taken.append(span)
            yield one


def _overlap(start: int, end: int, other_start: int, other_end: int) -> int:
    return max(0, min(end, other_end) - max(start, other_start))
