"""The windows of a stage, as outages lengthened them (6.4)."""

from typing import Final

from sunbid.verify.canonical import Malformed, milliseconds
from sunbid.verify.evidence import Evidence, Order, Placed
from sunbid.verify.opened import of_stage, phase
from sunbid.verify.report import Findings

LONGEST_PAUSE_MS: Final = 60_000
WINDOW_OF: Final = {"phase1": "w1_s", "phase2": "w2_s", "phase3": "w3_s"}


def end_of(evidence: Evidence, stage: int, step: str, before: Order | None = None) -> int:
    """Return when a phase's window ended, Unix ms, with the extensions until some moment."""
    begun = phase(evidence, stage, step)
    if begun is None:
        return 0
    ends = [
        milliseconds(placed.body["until"])
        for placed in of_stage(evidence, stage, "opening-step")
        if placed.body["until"] is not None
        and (placed.body["step"] == step or _extends(placed, step))
        and (before is None or evidence.order(placed) < before)
    ]
    return max(begun[1] + int(evidence.opening_keys.body[WINDOW_OF[step]]) * 1000, *ends, 0)


def _extends(placed: Placed, step: str) -> bool:
    """Say whether a step lengthens a phase: its reason names the phase, then the outages."""
    reason = placed.body["reason"] or ""
    return placed.body["step"] == "extended" and reason.split("\n")[0] == step


def check_extensions(evidence: Evidence, stage: int, findings: Findings) -> None:
    """An extension gives back what outages took, as the ledger or the supervisor tells them."""
    for placed in of_stage(evidence, stage, "opening-step"):
        if placed.body["step"] != "extended":
            continue
        step, *texts = (placed.body["reason"] or "").split("\n")
        begun = phase(evidence, stage, step) if step in WINDOW_OF else None
        if begun is None or placed.body["until"] is None:
            findings.fail(str(placed), "it extends no window")
            continue
        end = end_of(evidence, stage, step, evidence.order(placed))
        taken = 0
        for text in texts:
            first, last = _gap(text)
            taken += max(min(last, end) - max(first, begun[1]), 0)
            _is_an_outage(evidence, placed, (first, last), findings)
        findings.require(
            milliseconds(placed.body["until"]) == end + taken,
            str(placed),
            f"it ends at {placed.body['until']}, not {taken // 1000} s after the window",
        )


def _gap(text: str) -> tuple[int, int]:
    first, slash, last = text.partition("/")
    if not slash:
        raise Malformed("opening-step", f"{text!r} is no outage")
    return milliseconds(first), milliseconds(last)


def _is_an_outage(
    evidence: Evidence, placed: Placed, gap: tuple[int, int], findings: Findings
) -> None:
    """No tick lies inside, and it lasted more than a minute; or the supervisor declared it."""
    for decision in evidence.of_type("supervisor-decision"):
        body = decision.body
        declared = body["decision"] == "outage" and body["from"] and body["until"]
        if declared and gap == (milliseconds(body["from"]), milliseconds(body["until"])):
            return
    inside = [i for i, leaf in evidence.leaves.items() if gap[0] < leaf["time_ms"] < gap[1]]
    findings.require(
        not inside and gap[1] - gap[0] > LONGEST_PAUSE_MS,
        str(placed),
        f"the ledger has ticks in the outage of {(gap[1] - gap[0]) // 1000} s that it names",
    )
