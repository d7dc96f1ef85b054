"""All pairs of a tender's bids compared: passages, properties, names of others."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from supervision.forensics.domain import (
    Archive,
    BidText,
    Comparison,
    FileText,
    MixedIn,
    PairComparison,
    Passage,
    Place,
)
from supervision.forensics.normal import NormalText, normalise
from supervision.forensics.passages import passages
from supervision.forensics.traits import archive_of, shared_traits
from supervision.forensics.winnowing import (
    EVIDENCE,
    SENSITIVE,
    Grain,
    fingerprints,
    shared_seeds,
    tender_grams,
)

# The sensitive pass may only add where a pair has more than this in common altogether.
SENSITIVE_TOTAL: Final = 300
# Shorter names occur by chance.
SHORTEST_NAME: Final = 5
MOST_MENTIONS: Final = 20


def compare(
    bids: Sequence[BidText], tender: Sequence[FileText], archive: Archive | None = None
) -> Comparison:
    """Compare every pair of bids, the tender document's own text and properties set aside.

    Without an archive of earlier bids, rarity is counted among the other bids of this tender.
    """
    texts = [normalise(bid.files) for bid in bids]
    document = normalise(tender)
    strict, common = _passages(texts, document, EVIDENCE, sensitive=False)
    loose, _ = _passages(texts, document, SENSITIVE, sensitive=True)
    wholes = [text.text(0, len(text)) for text in texts]
    announced = document.text(0, len(document))
    tender_traits = [trait for file in tender for trait in file.traits]
    pairs = []
    for a, b in combinations(range(len(bids)), 2):
        others = archive or archive_of(bids[n] for n in range(len(bids)) if n not in {a, b})
        pairs.append(
            PairComparison(
                a=bids[a].name,
                b=bids[b].name,
                passages=_both(strict.get((a, b), []), loose.get((a, b), [])),
                traits=shared_traits(
                    bids[a],
                    bids[b],
                    others=others,
                    earlier=archive is not None,
                    tender=tender_traits,
                ),
                mixed_in=(
                    *_mentions(texts[a], wholes[a], (bids[a], bids[b]), announced),
                    *_mentions(texts[b], wholes[b], (bids[b], bids[a]), announced),
                ),
            )
        )
    pairs.sort(key=lambda pair: (-pair.shared_chars, -pair.bits, pair.a, pair.b))
    problems = [file.problem for bid in bids for file in bid.files if file.problem is not None]
    return Comparison(pairs=tuple(pairs), common_grams=common, problems=tuple(problems))


def _passages(
    texts: Sequence[NormalText], document: NormalText, grain: Grain, *, sensitive: bool
) -> tuple[dict[tuple[int, int], list[Passage]], int]:
    tender = tender_grams(document, grain.k)
    prints = [fingerprints(text, grain, tender) for text in texts]
    seeds, common = shared_seeds(prints) if prints else ([], 0)
    found = {
        (pair.a, pair.b): passages(pair, texts, prints, grain, sensitive=sensitive)
        for pair in seeds
    }
    return found, common


def _both(strict: list[Passage], loose: list[Passage]) -> tuple[Passage, ...]:
    """The strict pass's passages, and those only the sensitive one saw where the total is large."""
    more = [one for one in loose if not any(_meets(one.a, other.a) for other in strict)]
    total = sum(one.chars for one in (*strict, *more))
    return (*strict, *more) if total > SENSITIVE_TOTAL else tuple(strict)


def _meets(one: Place, other: Place) -> bool:
    return (
        one.file == other.file
        and (one.page, one.start) < (other.end_page, other.end)
        and (other.page, other.start) < (one.end_page, one.end)
    )


def _mentions(
    text: NormalText, whole: str, owner_and_other: tuple[BidText, BidText], announced: str
) -> Iterator[MixedIn]:
    """The other bidder's names in this one's files; names the tender document has do not count."""
    owner, other = owner_and_other
    own = [_plain(name) for name in (owner.name, *owner.codes)]
    for name in (other.name, *other.codes):
        plain = _plain(name)
        if len(plain) < SHORTEST_NAME or plain in announced:
            continue
        if any(plain in one for one in own):
            continue
        start = whole.find(plain)
        found = 0
        while start >= 0 and found < MOST_MENTIONS:
            place = text.place(start, start + len(plain))
            yield MixedIn(found_in=owner.name, of=other.name, value=name, place=place)
            found += 1
            start = whole.find(plain, start + len(plain))


def _plain(name: str) -> str:
    reduced = normalise((FileText(file="", pages=(name,)),))
    return reduced.text(0, len(reduced))
