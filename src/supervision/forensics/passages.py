"""From equal pieces to passages: pieces along one diagonal are chained, measured, shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from supervision.forensics.domain import Passage
from supervision.forensics.normal import NormalText
from supervision.forensics.winnowing import Fingerprints, Grain, Seeds

# Letters may be put in or left out between two pieces; more than this is another diagonal.
BAND: Final = 6
# A passage may be edited over this length before it counts as two.
GAP: Final = 120
SHORTEST_EVIDENCE: Final = 40
SHORTEST_SENSITIVE: Final = 60
LEAST_DENSITY: Final = 0.25
# Shorter runs of equal characters happen between any two texts.
SHORTEST_RUN: Final = 4
LEAST_LIKENESS: Final = 0.6
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
    shortest = SHORTEST_SENSITIVE if sensitive else SHORTEST_EVIDENCE
    found: list[tuple[Chain, int, float]] = []
    for chain in chains(seeds, grain.k, a, b):
        _stretch(chain, a, b)
        length = min(chain.x1 - chain.x0, chain.y1 - chain.y0)
        if length < shortest or (sensitive and chain.covered < LEAST_DENSITY * length):
            continue
        equal, likeness = _likeness(chain, a, b)
        known = int(prints[seeds.a].from_tender[chain.x0 : chain.x1].sum())
        if likeness >= LEAST_LIKENESS and equal - known >= shortest:
            found.append((chain, equal - known, likeness))
    found.sort(key=lambda one: (-one[1], one[0].x0))
    return [
        Passage(
            a=a.place(chain.x0, chain.x1),
            b=b.place(chain.y0, chain.y1),
            text_a=a.original(chain.x0, chain.x1),
            text_b=b.original(chain.y0, chain.y1),
            chars=chars,
            likeness=round(likeness, 4),
            sensitive=sensitive,
        )
        for chain, chars, likeness in _apart(found)
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


def _likeness(chain: Chain, a: NormalText, b: NormalText) -> tuple[int, float]:
    """Characters in common runs, in order, and their share of the shorter span."""
    left, right = a.text(chain.x0, chain.x1), b.text(chain.y0, chain.y1)
    equal = sum(
        step.src_end - step.src_start
        for step in Indel.opcodes(left, right)
        if step.tag == "equal" and step.src_end - step.src_start >= SHORTEST_RUN
    )
    return equal, equal / min(len(left), len(right))


def _apart(found: list[tuple[Chain, int, float]]) -> Iterator[tuple[Chain, int, float]]:
    """Leave out what lies mostly inside a longer passage of either bid."""
    taken: list[Chain] = []
    for one in found[:MOST_PASSAGES]:
        chain = one[0]
        inside = any(
            2 * _overlap(chain.x0, chain.x1, other.x0, other.x1) > chain.x1 - chain.x0
            or 2 * _overlap(chain.y0, chain.y1, other.y0, other.y1) > chain.y1 - chain.y0
            for other in taken
        )
        if not inside:
            taken.append(chain)
            yield one


def _overlap(start: int, end: int, other_start: int, other_end: int) -> int:
    return max(0, min(end, other_end) - max(start, other_start))


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of two aligned texts: `equal` or not."""

    equal: bool
    a: str
    b: str


def aligned(text_a: str, text_b: str) -> tuple[Run, ...]:
    """Two passages side by side, cut where they differ."""
    runs: list[Run] = []
    for step in Indel.opcodes(text_a, text_b):
        same = step.tag == "equal"
        left = text_a[step.src_start : step.src_end]
        right = text_b[step.dest_start : step.dest_end]
        if runs and runs[-1].equal == same:
            last = runs.pop()
            left, right = last.a + left, last.b + right
        runs.append(Run(same, left, right))
    return tuple(runs)
