"""What a check is and what it says: numbered, named, with its clause and the object it names."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from sunbid.verify.canonical import Malformed
from sunbid.verify.evidence import CannotDecide, Evidence

SHOWN: Final = 5
NEEDED: Final = ("package.json", "opening.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one numbered check: true, false, or null for "cannot decide"."""

    id: str
    name: str
    rule: str
    ok: bool | None
    object: str
    detail: str


@dataclass(slots=True)
class Findings:
    """What one check has found so far."""

    failures: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fail(self, named: str, detail: str) -> None:
        """Say that a rule is broken, and by which object."""
        self.failures.append((named, detail))

    def require(self, holds: bool, named: str, detail: str) -> None:
        """Say that a rule is broken unless it holds."""
        if not holds:
            self.failures.append((named, detail))

    def doubt(self, named: str, detail: str) -> None:
        """Say that something cannot be decided, and why."""
        self.doubts.append((named, detail))

    def note(self, text: str) -> None:
        """Add a sentence to the detail, whatever the result."""
        self.notes.append(text)


Body = Callable[[Evidence, Findings], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One numbered check of the specification and the function that makes it."""

    id: str
    name: str
    rule: str
    needs: tuple[str, ...]
    body: Body


RULES: Final[list[Rule]] = []


def check(
    number: str, name: str, rule: str, *, needs: tuple[str, ...] = NEEDED
) -> Callable[[Body], Body]:
    """Register a function as check `number` of clause `rule`; without its files it is null."""

    def register(body: Body) -> Body:
        RULES.append(Rule(id=number, name=name, rule=rule, needs=needs, body=body))
        return body

    return register


def run(rule: Rule, evidence: Evidence) -> Check:
    """Make one check; what it needs and lacks becomes "cannot decide", never an exception."""
    findings = Findings()
    try:
        for name in rule.needs:
            evidence.file(name)
        rule.body(evidence, findings)
    except CannotDecide as problem:
        findings.doubt("", str(problem))
    except Malformed as problem:
        findings.fail(problem.place, problem.message)
    # The last net: a verifier owes an answer on every input. The fuzz test asserts that
    # nothing ever falls into it.
    except Exception as problem:
        findings.doubt("", f"internal: {type(problem).__name__}: {problem}")
    return _result(rule, findings)


def _result(rule: Rule, findings: Findings) -> Check:
    told = findings.failures or findings.doubts
    ok = False if findings.failures else (None if findings.doubts else True)
    sentences = [detail for _, detail in told[:1]]
    sentences += [f"{named}: {detail}" for named, detail in told[1:SHOWN]]
    if len(told) > SHOWN:
        sentences.append(f"and {len(told) - SHOWN} more")
    return Check(
        id=rule.id,
        name=rule.name,
        rule=rule.rule,
        ok=ok,
        object=told[0][0] if told else "",
        detail="; ".join(sentences + findings.notes),
    )


def status(checks: list[Check]) -> int:
    """Return the exit status: 0 all true, 1 something false, 2 something undecided."""
    results = {check.ok for check in checks}
    return 1 if False in results else 2 if None in results else 0


def as_json(checks: list[Check]) -> str:
    """Write the results in the shape of commands.md."""
    value = {"ok": status(checks) == 0, "checks": [asdict(check) for check in checks]}
    return json.dumps(value, ensure_ascii=False, indent=1)


def as_text(checks: list[Check]) -> str:
    """Write the results for a person: one line a check, what is wrong below it."""
    sign = {True: "ok  ", False: "FAIL", None: "?   "}
    lines: list[str] = []
    for item in checks:
        lines.append(f"{sign[item.ok]} {item.id:<4} {item.name} ({item.rule})")
        if item.ok is not True or item.detail:
            lines.append(f"          {': '.join(t for t in (item.object, item.detail) if t)}")
    counts = [sum(c.ok is value for c in checks) for value in (True, False, None)]
    lines.append(f"{counts[0]} hold, {counts[1]} fail, {counts[2]} cannot be decided")
    return "\n".join(lines)
