"""C33: what became of each envelope, recomputed."""

from dataclasses import dataclass
from typing import Final

from sunbid.verify.canonical import Malformed
from sunbid.verify.evidence import Evidence, Listed
from sunbid.verify.opened import (
    STAYED_CLOSED,
    decisions,
    envelopes_of,
    half,
    phase,
    plaintext,
    record_of,
    sealed_file,
    stage_numbers,
)
from sunbid.verify.report import Findings, check

FAULTS: Final = {
    "OPENED": "none",
    "BIDDER_ABSENT": "bidder",
    "BIDDER_BAD_DEAL": "bidder",
    "SEALED_WRONG": "bidder",
    "PACKAGE_BAD": "bidder",
    "DEAL_DISPUTED": "undetermined",
    "CUSTODIANS_SHORT": "members",
    "BLOB_MISSING": "platform",
    "BLOB_CORRUPT": "platform",
    "suspended": "none",
}
SHORTEST_WINDOW_S: Final = 900
STANDS_STILL: Final = "suspended"
WHOLE: Final = frozenset({"OPENED", "PACKAGE_BAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one envelope: code, fault, and where its B came from."""

    code: str
    fault: str
    b_from: str | None


def outcome(evidence: Evidence, stage: int, listed: Listed, stated: str) -> Outcome | None:
    """Recompute an envelope's code (10); None where a file that is needed is missing."""
    code = _without_secrets(evidence, stage, listed)
    if code is None:
        envelope = sealed_file(evidence, listed)
        if envelope is None and stated in ("BLOB_MISSING", "BLOB_CORRUPT"):
            code = stated
        elif isinstance(envelope, Malformed) or (envelope and envelope.tree != listed.tree):
            code = "BLOB_CORRUPT"
        else:
            plain = plaintext(evidence, stage, listed)
            if plain is None and stated not in STAYED_CLOSED:
                return None
            # With T and B at hand it could be opened; without its file nobody can say more.
            code = "SEALED_WRONG" if plain and plain.wrong else "OPENED"
            code = "PACKAGE_BAD" if plain and plain.bad_package else code
    # What the supervisor finds later stands beside the record, which keeps its `undetermined`.
    return Outcome(code=code, fault=FAULTS[code], b_from=half(evidence, stage, listed, "R").source)


def _without_secrets(evidence: Evidence, stage: int, listed: Listed) -> str | None:
    """Return the code of an envelope that could not be combined, None if T and B are there."""
    t, b = half(evidence, stage, listed, "T"), half(evidence, stage, listed, "R")
    if b.badly_dealt or t.badly_dealt:
        return "BIDDER_BAD_DEAL"
    if decisions(evidence, stage, "terminated"):
        return "CUSTODIANS_SHORT"
    if t.value is not None and b.value is not None:
        return None
    if b.value is None:
        return "BIDDER_ABSENT"
    # Silence gives no bid a code: without a decision the opening stands still (9.5).
    return "DEAL_DISPUTED" if t.disputed else STANDS_STILL


@check("C33", "Outcomes follow from the evidence", "sealing.md 10")
def outcomes(evidence: Evidence, findings: Findings) -> None:
    """Each envelope has one result; its code, fault and source of B are recomputed."""
    counts: dict[str, int] = {}
    for stage in stage_numbers(evidence):
        record = record_of(evidence, stage)
        results = {r["tree"]: r for r in record.body["results"]}
        expected = envelopes_of(evidence, stage)
        if len(results) != len(record.body["results"]) or set(results) != {
            e.tree for e in expected
        }:
            findings.fail(str(record), "its results are not one for each envelope of the stage")
        for listed in expected:
            result = results.get(listed.tree)
            if result is None:
                continue
            counts[result["code"]] = counts.get(result["code"], 0) + 1
            findings.require(
                (result["submission"], result["volume"]) == (listed.submission, listed.volume),
                str(listed),
                "the record gives its tree to another bid or volume",
            )
            made = outcome(evidence, stage, listed, result["code"])
            if made is None:
                findings.doubt(str(listed), "its file is not in the package")
                continue
            stated = (result["code"], result["fault"], result["b_from"])
            findings.require(
                stated == (made.code, made.fault, made.b_from),
                str(listed),
                f"the record says {stated}, the evidence {(made.code, made.fault, made.b_from)}",
            )
            if made.fault == "platform":
                _loss_was_told(evidence, stage, listed, findings)
            _secrets(evidence, stage, listed, (result["T"], result["B"], result["code"]), findings)
        _found_faults(evidence, stage, {t: r["code"] for t, r in results.items()}, findings)
    findings.note(", ".join(f"{count} {code}" for code, count in sorted(counts.items())))


def _found_faults(
    evidence: Evidence, stage: int, codes: dict[str, str], findings: Findings
) -> None:
    """A finding is about a disputed envelope, once, and says whose fault it was (10)."""
    seen: set[str] = set()
    for decision in decisions(evidence, stage, "fault"):
        tree, fault = decision.body["tree"] or "", decision.body["fault"]
        findings.require(
            codes.get(tree) == "DEAL_DISPUTED" and tree not in seen,
            str(decision),
            "it is about an envelope that is not disputed, or about one a second time",
        )
        findings.require(
            fault not in (None, "undetermined"), str(decision), "it does not say whose fault it was"
        )
        seen.add(tree)
        findings.note(f"{tree[:12]}: the supervisor found the fault {fault}")


def _loss_was_told(evidence: Evidence, stage: int, listed: Listed, findings: Findings) -> None:
    """A file is lost only when its bidder could supply it again before phase 4 (9.8)."""
    phase4 = phase(evidence, stage, "phase4")
    window = max(int(evidence.opening_keys.body["w3_s"]), SHORTEST_WINDOW_S) * 1000
    told = [
        evidence.order(p)[1]
        for p in evidence.of_type("event")
        if p.body["name"] == "bidding:file:damaged" and p.body["data"].get("tree") == listed.tree
    ]
    if phase4 is None or not any(at + window <= phase4[1] for at in told):
        findings.doubt(str(listed), "its loss was not told a whole window before phase 4")


def _secrets(
    evidence: Evidence,
    stage: int,
    listed: Listed,
    stated: tuple[str | None, str | None, str],
    findings: Findings,
) -> None:
    """T and B are published where the envelope was opened, never where it stayed closed (9.7)."""
    t, b, code = stated
    if code in WHOLE:
        findings.require(
            t is not None and b is not None, str(listed), "opened, but the record lacks T or B"
        )
    elif code != "SEALED_WRONG":
        findings.require(
            t is None and b is None, str(listed), "not opened, but the record publishes T or B"
        )
