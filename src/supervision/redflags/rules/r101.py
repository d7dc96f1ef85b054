"""R101: passages that bids share beyond the tender document. Page: docs/reference/red-flags."""

from typing import Final

from supervision.forensics.domain import PairComparison, Passage, Place
from supervision.redflags.domain import BaseRate, Evidence, Field, Finding, Flag
from supervision.redflags.rules.groups import tied

ARTICLE: Final = "招标投标法实施条例第四十条第四项"
LEAST_CHARS: Final = 300
# Measured on 50 bids of public text with ten copying pairs: none of the 1,215 honest pairs had
# more than 300 characters in common.
MEASURED: Final = BaseRate(hits=0, of=1215, source="redflag.base.benchmark")
MOST_PASSAGES: Final = 40


def shared_passages(field: Field) -> tuple[Finding, ...]:
    """One finding for every group of bids tied by more than 300 shared characters."""
    fired = [pair for pair in field.pairs if pair.all_chars > LEAST_CHARS]
    others = tuple(str(pair.all_chars) for pair in field.pairs)
    findings = []
    for group in tied((pair.a, pair.b) for pair in fired):
        inside = [pair for pair in fired if pair.a in group]
        longest = max(inside, key=lambda pair: pair.all_chars)
        findings.append(
            Finding(
                flag="R101",
                grade="B",
                carrier="text",
                article=ARTICLE,
                bidders=group,
                values={
                    "chars": str(longest.all_chars),
                    "passages": str(len(longest.passages)),
                    "pairs": str(len(inside)),
                },
                base_rate=MEASURED,
                evidence=tuple(
                    _evidence(pair, passage)
                    for pair in inside
                    for passage in pair.passages[:MOST_PASSAGES]
                ),
                measure=str(longest.all_chars),
                others=others,
            )
        )
    return tuple(findings)


def _evidence(pair: PairComparison, passage: Passage) -> Evidence:
    return Evidence(
        kind="passage",
        data={
            "a": pair.a,
            "b": pair.b,
            "place_a": place_json(passage.a),
            "place_b": place_json(passage.b),
            "text_a": passage.text_a,
            "text_b": passage.text_b,
            "chars": passage.chars,
            "likeness": f"{passage.likeness:.4f}",
            "sensitive": passage.sensitive,
        },
    )


def place_json(place: Place) -> dict[str, str | int]:
    """Where a passage stands, in the words of `sunbid compare`."""
    return {
        "file": place.file,
        "page": place.page,
        "start": place.start,
        "end_page": place.end_page,
        "end": place.end,
    }


FLAG: Final = Flag(code="R101", article=ARTICLE, rule=shared_passages)
