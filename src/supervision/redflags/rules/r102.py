"""R102: bids made on the same machine. Page: docs/reference/red-flags/R102.md."""

from itertools import combinations
from typing import Final

from supervision.redflags.domain import Evidence, ExaminedBid, Field, Finding, Flag

ARTICLE: Final = "招标投标法实施条例第四十条第一项"
SHORTEST_CODE: Final = 8


def same_machine(field: Field) -> tuple[Finding, ...]:
    """One finding for every machine code that two or more bids carry."""
    by_code: dict[str, list[ExaminedBid]] = {}
    for bid in field.bids:
        code = normal_code(bid.machine_code)
        if code is not None:
            by_code.setdefault(code, []).append(bid)
    findings = []
    for code, bids in sorted(by_code.items()):
        if len(bids) < 2:
            continue
        keys = tuple(sorted(bid.key for bid in bids))
        findings.append(
            Finding(
                flag="R102",
                grade="B",
                carrier="machine",
                article=ARTICLE,
                bidders=keys,
                values={"bids": str(len(bids)), "code": code},
                base_rate=field.tally.rate("R102"),
                evidence=tuple(
                    Evidence(kind="machine", data={"a": a, "b": b, "code": code})
                    for a, b in combinations(keys, 2)
                ),
                measure=str(len(bids)),
            )
        )
    return tuple(findings)


def normal_code(code: str | None) -> str | None:
    """The code without separators; None for what stands for no machine at all."""
    plain = "".join(char for char in (code or "").upper() if char.isalnum())
    # All zeros or all F is what virtual cards and empty registers answer.
    if len(plain) < SHORTEST_CODE or len(set(plain)) == 1:
        return None
    return plain


FLAG: Final = Flag(code="R102", article=ARTICLE, rule=same_machine)
