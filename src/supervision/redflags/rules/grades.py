"""From findings to grades: A, B, C, by what kind of trace and how many of them tie two bidders.

A: two independent carriers by which the law deems collusion, or one that the tender document
itself calls decisive. B: one such carrier, or shared text. C: price patterns and other context.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from supervision.redflags.domain import DEEMING, Advice, Finding, Grade, Suspicion
from supervision.redflags.rules.groups import tied

ADVICE: Final[dict[Grade, Advice]] = {"A": "priority", "B": "follow-up", "C": "follow-up"}


def suspicions(
    findings: Sequence[Finding], decisive: frozenset[str] = frozenset()
) -> tuple[Suspicion, ...]:
    """Groups of bidders with the grade of everything found about them, the gravest first."""
    groups = tied(pair for finding in findings for pair in combinations(finding.bidders, 2))
    found = []
    for group in groups:
        inside = [finding for finding in findings if set(finding.bidders) <= set(group)]
        grade = min(_pair_grade(pair, inside, decisive) for pair in combinations(group, 2))
        found.append(
            Suspicion(
                bidders=group,
                grade=grade,
                advice=ADVICE[grade],
                flags=tuple(sorted({finding.flag for finding in inside})),
                carriers=tuple(sorted({finding.carrier for finding in inside})),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.grade, -len(one.carriers), one.bidders)))


def _pair_grade(
    pair: tuple[str, str], findings: Sequence[Finding], decisive: frozenset[str]
) -> Grade:
    """The grade of one pair; a chain of bidders is as grave as its gravest link, not their sum."""
    carriers = {finding.carrier for finding in findings if set(pair) <= set(finding.bidders)}
    if len(carriers & DEEMING) >= 2 or carriers & decisive & DEEMING:
        return "A"
    return "B" if carriers - {"price"} else "C"
