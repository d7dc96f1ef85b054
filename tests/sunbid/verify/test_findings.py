"""What the verifier says of a package that breaks no rule, and of which something must be told.

One whole transcript for each finding; those for the outcome codes are played on the real platform
(`tests/bidding/opening`). What breaks a rule stands in `test_checks`.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from package_factory import Factory
from sunbid.verify.report import Check
from sunbid.verify.verifier import verify_package

Twists = dict[str, Callable[[Any], Any]]


class LateWitness(Factory):
    """A ledger whose witness came two minutes after every tick."""

    def note(self, size: int, root: bytes) -> str:
        """As it is, but cosigned later."""
        now, self.now = self.now, self.now + 120_000
        try:
            return super().note(size, root)
        finally:
            self.now = now


def said_of_first(result: str) -> Callable[[Any], None]:
    """A member says something else of the first envelope."""

    def change(body: Any) -> None:
        body["results"][0]["result"] = result

    return change


def without_first(body: Any) -> None:
    """And so releases no share of it."""
    body["shares"] = body["shares"][1:]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was unusual, and what is said of it where."""

    check: str
    says: str
    ok: bool | None = True
    twists: Twists = field(default_factory=dict)
    make: Callable[..., Factory] = Factory
    witnessed: bool = False


FINDINGS = {
    "nobody outside saw the cut": Finding(check="C15", says="no outside time"),
    "nobody outside saw the ledger": Finding(check="C7", says="no outside witness (quorum none)"),
    "the cut was seen late": Finding(
        check="C15", says="late cut", ok=None, make=LateWitness, witnessed=True
    ),
    "a custodian called a right wrap bad": Finding(
        check="C29",
        says="member T2 said unwrap_failed of a right wrap",
        twists={"check:T2": said_of_first("unwrap_failed"), "release:T2": without_first},
    ),
    "a remedy member called a right wrap bad": Finding(
        check="C29",
        says="member R1 said mismatch of a right wrap",
        twists={"check:R1": said_of_first("mismatch")},
    ),
    "what became of every act": Finding(check="C19", says="superseded"),
    "bids whose bidder stayed away": Finding(check="C35", says="stage 1: 3 remedied"),
}


@pytest.mark.misuse(77)
@pytest.mark.parametrize("finding", FINDINGS.values(), ids=FINDINGS)
def test_a_finding_is_said_where_it_belongs(finding: Finding) -> None:
    factory = finding.make(dict(finding.twists), witnessed=finding.witnessed).build()
    checks = {c.id: c for c in verify_package(io.BytesIO(factory.zip()), factory.policy())}
    assert finding.says in checks[finding.check].detail
    assert checks[finding.check].ok is finding.ok
    assert [c for c in checks.values() if c.ok is False] == []


def test_an_honest_package_blames_nobody() -> None:
    factory = Factory().build()
    checks: list[Check] = list(verify_package(io.BytesIO(factory.zip()), factory.policy()))
    assert not [c for c in checks if "of a right wrap" in c.detail or "late" in c.detail]


def test_a_wrap_that_is_wrong_clears_whoever_complained() -> None:
    """The control of the finding: the same complaint, and this time it was true."""
    holder: list[Factory] = []

    def tree() -> str:
        (entry,) = [e for e in holder[0].listed if e["submission"] == holder[0].submissions["B"]]
        return str(next(e["tree"] for e in entry["envelopes"] if e["volume"] == "tech"))

    def complains(body: Any) -> None:
        next(r for r in body["results"] if r["tree"] == tree())["result"] = "mismatch"

    def leaves_out(body: Any) -> None:
        body["shares"] = [share for share in body["shares"] if share["tree"] != tree()]

    def names(record: Any) -> None:
        next(r for r in record["results"] if r["tree"] == tree())["deal_wrong"] = [
            {"group": "T", "i": 2}
        ]

    twists: Twists = {
        "after-cut": holder.append,
        "wraps:B:tech": junk_to_second,
        "check:T2": complains,
        "release:T2": leaves_out,
        "record": names,
    }
    factory = Factory(twists).build()
    checks = {c.id: c for c in verify_package(io.BytesIO(factory.zip()), factory.policy())}
    assert [c for c in checks.values() if c.ok is False] == []
    assert "of a right wrap" not in checks["C29"].detail


def junk_to_second(wraps: Any) -> None:
    """Junk sealed to the second custodian."""
    share = wraps["t"]["shares"][1]
    share["ct"] = share["ct"][:-4] + ("A" if share["ct"][-4] != "A" else "B") + share["ct"][-3:]
