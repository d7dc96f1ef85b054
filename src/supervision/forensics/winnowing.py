"""Fingerprints of text: hashes of k characters, the smallest of every window kept (winnowing).

Every copy of at least k + w - 1 characters leaves a common fingerprint. What the tender document
says is taken out first, every piece of it, or else copying from it would look like collusion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from supervision.forensics.normal import NormalText

Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]
Marks = NDArray[np.bool_]

MULTIPLIER: Final = np.uint64(1_000_003)
MIX: Final = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33))
# A piece that this many bids have is taken for common knowledge, from so many bids on. Below, a
# ring of three in a field of seven would wash its own hands.
COMMON_FROM_BIDS: Final = 8
COMMON_SHARE: Final = 0.2
COMMON_LEAST: Final = 4
# A piece that one bid repeats so often is a form, not a passage.
MOST_REPEATS: Final = 200
TABLE_SIZE: Final = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """How fine the sieve is: characters to a piece, pieces to a window."""

    k: int
    w: int


EVIDENCE: Final = Grain(k=12, w=6)
SENSITIVE: Final = Grain(k=8, w=4)


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """The kept hashes of one bid, where they stand, and which characters the tender has too."""

    hashes: Hashes
    positions: Positions
    from_tender: Marks


@dataclass(frozen=True, slots=True)
class Seeds:
    """Equal pieces of two bids: positions in the one and in the other, by position in the first."""

    a: int
    b: int
    x: Positions
    y: Positions


def gram_hashes(text: NormalText, k: int) -> tuple[Hashes, Marks]:
    """The hash of the k characters from every position, and which of them may count.

    Pieces over the border of two files, and pieces that are mostly digits, do not count.
    """
    size = len(text) - k + 1
    if size <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.bool_)
    codes = text.codes.astype(np.uint64)
    hashes = np.zeros(size, np.uint64)
    for place in range(k):
        hashes = hashes * MULTIPLIER + codes[place : place + size]
    for factor in MIX[:2]:
        hashes ^= hashes >> MIX[2]
        hashes *= factor
    digits = np.concatenate(([0], np.cumsum((text.codes >= 0x30) & (text.codes <= 0x39))))
    wordy = (digits[k : k + size] - digits[:size]) * 2 <= k
    whole = text.file_of[:size] == text.file_of[k - 1 : k - 1 + size]
    return hashes, wordy & whole


def winnow(hashes: Hashes, w: int) -> Positions:
    """The positions of the smallest hash of every w neighbours, the last one among equals."""
    if len(hashes) < w:
        return np.zeros(0, np.int64) if not len(hashes) else np.array([int(hashes.argmin())])
    windows = np.lib.stride_tricks.sliding_window_view(hashes[::-1], w)
    smallest = np.arange(len(windows)) + windows.argmin(axis=1)
    kept = (len(hashes) - 1 - smallest)[::-1]
    # Neighbouring windows mostly agree, and their smallest never moves back.
    positions: Positions = kept[np.concatenate(([True], kept[1:] != kept[:-1]))]
    return positions


def tender_grams(tender: NormalText, k: int) -> Hashes:
    """Every piece of the tender document, sorted."""
    return np.unique(gram_hashes(tender, k)[0])


def fingerprints(text: NormalText, grain: Grain, tender: Hashes) -> Fingerprints:
    """What is left of a bid's pieces after winnowing and without the tender document's."""
    hashes, may_count = gram_hashes(text, grain.k)
    known = _members(hashes, tender)
    from_tender = np.zeros(len(text), np.bool_)
    for shift in range(grain.k):
        from_tender[shift : shift + len(known)] |= known
    kept = winnow(hashes, grain.w)
    kept = kept[(may_count & ~known)[kept]]
    return Fingerprints(hashes[kept], kept.astype(np.int64), from_tender)


def _members(hashes: Hashes, of: Hashes) -> Marks:
    """Which hashes occur in a sorted set; a small table settles most of them at once."""
    found = np.zeros(len(hashes), np.bool_)
    if not len(of):
        return found
    table = np.zeros(TABLE_SIZE, np.bool_)
    table[of % TABLE_SIZE] = True
    likely = np.nonzero(table[hashes % TABLE_SIZE])[0]
    places = np.minimum(np.searchsorted(of, hashes[likely]), len(of) - 1)
    found[likely] = of[places] == hashes[likely]
    return found


def shared_seeds(prints: Sequence[Fingerprints]) -> tuple[list[Seeds], int]:
    """The equal pieces of every pair that has any, and how many were set aside as common."""
    hashes = np.concatenate([one.hashes for one in prints])
    owner = np.repeat(np.arange(len(prints)), [len(one.hashes) for one in prints])
    position = np.concatenate([one.positions for one in prints])
    # Stable, so that owners and positions stay in the order in which they were put together.
    order = np.argsort(hashes, kind="stable")
    hashes, owner, position = hashes[order], owner[order], position[order]
    starts = np.concatenate(([True], hashes[1:] != hashes[:-1])) if len(hashes) else hashes == 0
    group = np.cumsum(starts) - 1
    sizes = np.bincount(group) if len(group) else np.zeros(0, np.int64)
    owners = np.bincount(group, weights=_first_of_owner(starts, owner)) if len(group) else sizes
    common = (owners > _common_limit(len(prints))) | (sizes > MOST_REPEATS)
    useful = ((owners >= 2) & ~common)[group] if len(group) else np.zeros(0, np.bool_)
    aside = int(np.count_nonzero(common & (owners >= 2)))
    return list(_by_pair(group[useful], owner[useful], position[useful])), aside


def _first_of_owner(starts: Marks, owner: Positions) -> NDArray[np.float64]:
    fresh = np.concatenate(([True], owner[1:] != owner[:-1]))
    return (starts | fresh).astype(np.float64)


def _common_limit(bids: int) -> float:
    return float("inf") if bids < COMMON_FROM_BIDS else max(COMMON_LEAST, COMMON_SHARE * bids)


def _by_pair(group: Positions, owner: Positions, position: Positions) -> Iterator[Seeds]:
    found = []
    for shift in range(1, MOST_REPEATS):
        same = group[shift:] == group[:-shift]
        if not same.any():
            break
        one, other = owner[:-shift][same], owner[shift:][same]
        apart = one != other
        x, y = position[:-shift][same][apart], position[shift:][same][apart]
        found.append((one[apart], other[apart], x, y))
    if not found:
        return
    a, b, x, y = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((y, x, b, a))
    a, b, x, y = a[order], b[order], x[order], y[order]
    borders = np.nonzero((a[1:] != a[:-1]) | (b[1:] != b[:-1]))[0] + 1
    for start, end in zip((0, *borders), (*borders, len(a)), strict=True):
        if end > start:
            yield Seeds(int(a[start]), int(b[start]), x[start:end], y[start:end])
