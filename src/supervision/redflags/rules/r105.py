"""R105: the name of one bidder in the files of another. Page: docs/reference/red-flags/R105.md."""

from typing import Final

from supervision.redflags.domain import Evidence, Field, Finding, Flag
from supervision.redflags.rules.r101 import place_json

ARTICLE: Final = "招标投标法实施条例第四十条第五项"


def mixed_in(field: Field) -> tuple[Finding, ...]:
    """One finding for every pair in which one names the other."""
    findings = []
    for pair in sorted(field.pairs, key=lambda pair: (pair.a, pair.b)):
        if not pair.mixed_in:
            continue
        findings.append(
            Finding(
                flag="R105",
                grade="B",
                carrier="mixed-in",
                article=ARTICLE,
                bidders=tuple(sorted((pair.a, pair.b))),
                values={"mentions": str(len(pair.mixed_in)), "value": pair.mixed_in[0].value},
                base_rate=field.tally.rate("R105"),
                evidence=tuple(
                    Evidence(
                        kind="mention",
                        data={
                            "a": one.found_in,
                            "b": one.of,
                            "value": one.value,
                            "place_a": place_json(one.place),
                        },
                    )
                    for one in pair.mixed_in
                ),
                measure=str(len(pair.mixed_in)),
            )
        )
    return tuple(findings)


FLAG: Final = Flag(code="R105", article=ARTICLE, rule=mixed_in)
