"""Every red flag, in one literal; each has a page in docs/reference/red-flags."""

from typing import Final

from supervision.redflags.domain import Field, Finding, Flag
from supervision.redflags.rules import r101, r102, r103, r104, r105

FLAGS: Final[tuple[Flag, ...]] = (r101.FLAG, r102.FLAG, r103.FLAG, r104.FLAG, r105.FLAG)
# Changes with every change of a rule or threshold; findings name the version that made them.
RULES_VERSION: Final = "2026-11-1"


def findings(field: Field) -> tuple[Finding, ...]:
    """What every rule finds, in the order of the flags; the order of the bids changes nothing."""
    return tuple(finding for flag in FLAGS for finding in flag.rule(field))
