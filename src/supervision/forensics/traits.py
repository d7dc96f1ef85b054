"""Properties of files in common, weighed by how rare their values are."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from supervision.forensics.domain import Archive, BidText, SharedTrait, Trait

# Everybody's defaults tell nothing, however equal they are.
EMPTY_VALUES: Final = frozenset(
    {
        "administrator",
        "admin",
        "user",
        "users",
        "owner",
        "author",
        "pc",
        "microsoft",
        "microsoft office user",
        "windows user",
        "微软用户",
        "微软中国",
        "用户",
        "投标人",
        "normal",
        "normal.dotm",
        "unknown",
        "anonymous",
    }
)
# How common a program is can only be told from an archive, not from the bids of one tender.
SOFTWARE_FIELDS: Final = frozenset(
    {"pdf:creator", "pdf:producer", "office:application", "office:template"}
)
# An identifier is a random number of its file: the fields differ in how long it is.
IDENTIFIER_BITS: Final = {"docx:first-editing-session": 32.0}
LONG_IDENTIFIER_BITS: Final = 64.0


def archive_of(bids: Iterable[BidText]) -> Archive:
    """How often each value occurs, counted once a bid."""
    counted: Counter[tuple[str, str]] = Counter()
    number = 0
    for bid in bids:
        number += 1
        counted.update({(trait.field, trait.value) for trait in _traits(bid)})
    return Archive(number, dict(counted))


def _traits(bid: BidText) -> list[Trait]:
    return [trait for file in bid.files for trait in file.traits]


def shared_traits(
    a: BidText, b: BidText, *, others: Archive, earlier: bool, tender: Sequence[Trait]
) -> tuple[SharedTrait, ...]:
    """The values that both bids carry, the rarest first; the tender document's own say nothing.

    `others` counts earlier tenders' bids where `earlier`, else the other bids of this tender.
    """
    left, right = _by_value(a), _by_value(b)
    known = {(trait.field, trait.value) for trait in tender}
    shared = [
        SharedTrait(
            field=key[0],
            value=key[1],
            bits=0.0 if key in known else _bits(key, left[key], others, earlier=earlier),
            identifier=left[key][0].identifier,
            files_a=tuple(trait.file for trait in left[key]),
            files_b=tuple(trait.file for trait in right[key]),
        )
        for key in left.keys() & right.keys()
    ]
    return tuple(sorted(shared, key=lambda trait: (-trait.bits, trait.field, trait.value)))


def _by_value(bid: BidText) -> Mapping[tuple[str, str], list[Trait]]:
    found: dict[tuple[str, str], list[Trait]] = {}
    for trait in _traits(bid):
        found.setdefault((trait.field, trait.value), []).append(trait)
    return found


def _bits(
    key: tuple[str, str], carried: Sequence[Trait], others: Archive, *, earlier: bool
) -> float:
    """Rarity of a value: of an identifier its length, else how seldom others carry it."""
    field, value = key
    if value.casefold() in EMPTY_VALUES:
        return 0.0
    seen = others.seen.get(key, 0)
    if carried[0].identifier and not (earlier and seen):
        # A third bid of the same tender with it makes the finding no weaker.
        return IDENTIFIER_BITS.get(field, LONG_IDENTIFIER_BITS)
    if field in SOFTWARE_FIELDS and not earlier:
        return 0.0
    return round(-math.log2((seen + 1) / (others.documents + 2)), 2)
