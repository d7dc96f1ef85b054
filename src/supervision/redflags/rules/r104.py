"""R104: files of one origin, told by their properties. Page: docs/reference/red-flags/R104.md."""

from typing import Final

from supervision.forensics.domain import PairComparison, SharedTrait
from supervision.redflags.domain import Evidence, Field, Finding, Flag
from supervision.redflags.rules.groups import tied

ARTICLE: Final = "招标投标法实施条例第四十条第一项"
LEAST_BITS: Final = 20.0


def same_origin(field: Field) -> tuple[Finding, ...]:
    """One finding for every group of bids whose files share properties worth 20 bits or more."""
    fired = [pair for pair in field.pairs if pair.bits >= LEAST_BITS]
    others = tuple(f"{pair.bits:.1f}" for pair in field.pairs)
    findings = []
    for group in tied((pair.a, pair.b) for pair in fired):
        inside = [pair for pair in fired if pair.a in group]
        best = max(inside, key=lambda pair: pair.bits)
        findings.append(
            Finding(
                flag="R104",
                grade="B",
                carrier="file-origin",
                article=ARTICLE,
                bidders=group,
                values={
                    "bits": f"{best.bits:.1f}",
                    "fields": str(sum(1 for trait in best.traits if trait.bits > 0)),
                },
                base_rate=field.tally.rate("R104"),
                evidence=tuple(
                    _evidence(pair, trait)
                    for pair in inside
                    for trait in pair.traits
                    if trait.bits > 0
                ),
                measure=f"{best.bits:.1f}",
                others=others,
            )
        )
    return tuple(findings)


def _evidence(pair: PairComparison, trait: SharedTrait) -> Evidence:
    return Evidence(
        kind="property",
        data={
            "a": pair.a,
            "b": pair.b,
            "field": trait.field,
            "value": trait.value,
            "bits": f"{trait.bits:.2f}",
            "identifier": trait.identifier,
            "files_a": list(trait.files_a),
            "files_b": list(trait.files_b),
        },
    )


FLAG: Final = Flag(code="R104", article=ARTICLE, rule=same_origin)
