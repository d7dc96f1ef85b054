"""C1-C4, C8, C9: files, signatures, identities, leaves and receipts."""

from collections.abc import Iterator
from typing import Final

from sunbid.verify.canonical import Object, milliseconds
from sunbid.verify.evidence import Act, CannotDecide, Evidence, Placed
from sunbid.verify.report import Findings, check
from sunbid.verify.shapes import AWARD_TYPES, EVALUATION_TYPES, OPTIONAL, TRANSCRIPT_TYPES
from sunbid.verify.signers import co_signers, needs_of
from sunbid.verify.statements import check_needs, unexplained

LATER: Final = frozenset({*EVALUATION_TYPES, *AWARD_TYPES})
# Section 4: what gets no leaf of its own.
# Signed by the keys of the lot's suite alone; evaluation and decisions have keys of their own.
OF_THE_SUITE: Final = frozenset(
    {"opening-keys", "schedule", "member-key", "manifest", "withdraw", "receipt", "refusal"}
    | {"closing", "not-opened", "opening-step", "release-ack", "share-check"}
    | {"release-t", "release-r"}
)
WITHOUT_LEAF: Final = frozenset({"receipt", "release-ack", "member-key"})
# field of a body → types of the statement that it may point to (3.3)
POINTERS: Final[dict[str, frozenset[str]]] = {
    "schedule": frozenset({"schedule"}),
    "opening_keys": frozenset({"opening-keys"}),
    "mandate": frozenset({"mandate"}),
    "closing": frozenset({"closing"}),
    "replaces": frozenset({"closing"}),
    "remedy_start": frozenset({"remedy-start"}),
    "release": frozenset({"release-b"}),
    "act": frozenset({"manifest", "withdraw"}),
    "supersedes": frozenset({"manifest", "withdraw", "receipt"}),
    "commit": frozenset({"seed-commit"}),
    "scorecard": frozenset({"scorecard"}),
    "report": frozenset({"evaluation-report"}),
    "award": frozenset({"award"}),
    # A stage may follow from a report on paper, whose hash an event tells (9.9).
    "evaluation": frozenset({"evaluation-report", "event"}),
}
POINTER_LISTS: Final = {
    "objections": frozenset({"objection"}),
    "reveals": frozenset({"seed-reveal"}),
    "votes": frozenset({"vote"}),
}
CHAINED: Final = {
    "opening-keys": frozenset({"opening-keys"}),
    "schedule": frozenset({"schedule"}),
    "manifest": frozenset({"manifest", "withdraw"}),
    "withdraw": frozenset({"manifest", "withdraw"}),
}


@check("C1", "Files are canonical JSON of the exact schema", "sealing.md 3.1", needs=())
def files(evidence: Evidence, findings: Findings) -> None:
    """Each file is canonical JSON of the exact schema; a wrong one is named with the place."""
    for problem in evidence.package.problems:
        findings.fail(problem.place, problem.message)
    for name in sorted(OPTIONAL - evidence.package.files.keys()):
        if name != "consistency.json" and not any(
            p.place.startswith(name) for p in evidence.package.problems
        ):
            findings.note(f"{name} is not in the package")
    if evidence.package.unread:
        findings.note(f"not read: {', '.join(evidence.package.unread[:5])}")
    _same_lot(evidence, findings)


def _same_lot(evidence: Evidence, findings: Findings) -> None:
    lot = evidence.package.files.get("package.json")
    for placed in evidence.statements if lot else []:
        for key in ("tender", "lot", "round"):
            if lot and placed.body.get(key, lot[key]) not in (lot[key], None):
                findings.fail(str(placed), f"its {key} is not the package's")
    notice = evidence.package.files.get("notice.json")
    if lot and notice and (notice["tender"], notice["lot"]) != (lot["tender"], lot["lot"]):
        findings.fail("notice.json", "it is the notice of another lot")


@check("C2", "Statements carry the required signatures", "sealing.md 3.2, 4, 5")
def signatures(evidence: Evidence, findings: Findings) -> None:
    """Each statement has the required signatures, by the right role, certificate in time."""
    # A refused act counts for nothing, and a bad signature may be why it was refused.
    refused = _refused(evidence)
    count = check_signatures(
        evidence,
        findings,
        [p for p in evidence.statements if p.type not in LATER and p.sid not in refused],
    )
    source = "the policy" if evidence.policy.anchors else "the package"
    findings.note(f"{count} statements, roots of certificates from {source}")
    unknown = sum(
        act.receipt is not None and act.receipt.body["licence_status"] == "unknown"
        for act in evidence.acts
    )
    findings.note(f"revocation as the receipts state it ({unknown} unknown)")


def check_signatures(evidence: Evidence, findings: Findings, statements: list[Placed]) -> int:
    """Check the signatures of some statements, each one once; return how many."""
    unique = {placed.sid: placed for placed in statements}
    times = _member_key_times(evidence)
    for placed in unique.values():
        at = times.get(placed.sid, evidence.accepted_ms(placed))
        needs = needs_of(evidence, placed)
        if at is None and needs:
            findings.doubt(str(placed), "no opened leaf says when it was accepted (C4)")
            continue
        wrong = check_needs(placed.statement, needs, evidence.anchors, at or 0)
        others = [need for bidder in co_signers(evidence, placed) for need in bidder]
        if others and (
            more := unexplained(placed.statement, needs + others, evidence.anchors, at or 0)
        ):
            wrong.append(f"{more} signatures of nobody who may sign it")
        for reason in wrong + _foreign(evidence, placed):
            findings.fail(str(placed), reason)
    return len(unique)


def _foreign(evidence: Evidence, placed: Placed) -> list[str]:
    """Say which signatures are by an algorithm of another suite than the lot's (2.5)."""
    if placed.type not in OF_THE_SUITE:
        return []
    used = {signature["alg"] for signature in placed.statement["sigs"]}
    suite = evidence.suite
    return [f"signed by {alg}, not of {suite.name}" for alg in sorted(used - suite.signatures)]


def _member_key_times(evidence: Evidence) -> dict[str, int]:
    """A member key is signed no later than the opening keys that contain it are accepted."""
    times: dict[str, int] = {}
    for keys in evidence.of_type("opening-keys"):
        at = evidence.accepted_ms(keys)
        for member in evidence.of_type("member-key"):
            if at is not None and _contains(keys.body, member.statement):
                times.setdefault(member.sid, at)
    return times


def _contains(keys: Object, member: Object) -> bool:
    groups = [group for group in (keys["t"], keys["r"]) if group is not None]
    return any(member in group["members"] for group in groups)


@check("C3", "Every identity named is that of the statement it points to", "sealing.md 3.3")
def identities(evidence: Evidence, findings: Findings) -> None:
    """Each sid named equals the recomputed sid of a statement of the right type."""
    count = 0
    for placed in evidence.statements:
        for name, sid, types in _pointers(placed):
            count += 1
            target = evidence.by_sid.get(sid)
            if target is None and _may_be_missing(evidence, placed, name):
                continue
            if target is None:
                findings.fail(str(placed), f"its {name} {sid[:12]} is the sid of no statement here")
            elif target.type not in types:
                findings.fail(str(placed), f"its {name} {sid[:12]} is a {target.type}")
    for entry in evidence.opening["list"]:
        count += 1
        target = evidence.by_sid.get(entry["manifest"])
        if target is None or target.type != "manifest":
            findings.fail(
                f"list entry of submission {entry['submission']}",
                f"its manifest {entry['manifest'][:12]} is the sid of no manifest here",
            )
    findings.note(f"{count} identities")


def _pointers(placed: Placed) -> Iterator[tuple[str, str, frozenset[str]]]:
    body = placed.body
    for name, types in POINTERS.items():
        if isinstance(body.get(name), str):
            yield name, body[name], types
    for name, types in POINTER_LISTS.items():
        for sid in body.get(name, []):
            yield name, sid, types
    if placed.type in CHAINED and body["prev"] is not None:
        yield "prev", body["prev"], CHAINED[placed.type]
    for seat in body.get("panel", []):
        yield "panel.scorecard", seat["scorecard"], POINTERS["scorecard"]


def _may_be_missing(evidence: Evidence, placed: Placed, name: str) -> bool:
    """A refused act need not have been kept; an omitted receipt's act is what is missing."""
    if placed.type == "refusal" and name == "act":
        return all(a.statement is None for a in evidence.acts if a.refusal == placed)
    return placed.type == "receipt" and ".omissions[" in placed.place.replace(" ", ".")


@check("C4", "Leaves agree with their statements", "sealing.md 2.9, 3.4")
def leaves(evidence: Evidence, findings: Findings) -> None:
    """Each statement that needs a leaf has one, of this lot, and the same wherever it is shown."""
    lot = evidence.lot
    # An act refused at the intake (too late, wrong seq) was never queued; its refusal was.
    refused = _refused(evidence)
    for placed in evidence.of_type(*sorted(evidence.by_type.keys() - WITHOUT_LEAF)):
        if placed.sid in refused:
            continue
        leaf = evidence.leaf(placed)
        if leaf is None:
            findings.fail(str(placed), "no opened leaf names it")
        else:
            _same_place(placed, leaf, lot, findings)
    _shown_leaves(evidence, findings)
    for index, leaf in evidence.leaves.items():
        findings.require(
            leaf["origin"] == lot["origin"], f"leaf {index}", "its origin is not the package's"
        )
    _twice(evidence, findings)
    _nothing_withheld(evidence, findings)
    findings.note(f"{len(evidence.leaves)} opened leaves")


def _shown_leaves(evidence: Evidence, findings: Findings) -> None:
    """Receipts and the closing show leaves: the same as the package, and the right ones."""
    receipts = [act.receipt for act in evidence.acts if act.receipt is not None]
    shown = [(str(receipt), receipt.body["ledger"]) for receipt in receipts]
    shown.append((str(evidence.closing), evidence.cut))
    for named, leaf in shown:
        if evidence.leaves.get(leaf["index"]) != leaf:
            findings.fail(named, f"it shows leaf {leaf['index']} otherwise than the package")
    for receipt in receipts:
        _receipt_leaf(receipt, findings)


def _nothing_withheld(evidence: Evidence, findings: Findings) -> None:
    """A leaf of the lot that names a statement of these files, which they do not show."""
    shown = {
        *(TRANSCRIPT_TYPES),
        *(EVALUATION_TYPES if "evaluation.json" in evidence.package.files else ()),
        *(AWARD_TYPES if "award.json" in evidence.package.files else ()),
        *(("event",) if "events.json" in evidence.package.files else ()),
    }
    for index, leaf in sorted(evidence.leaves.items()):
        body, lot = leaf["body"], evidence.lot
        own = (body.get("lot"), body.get("round") or lot["round"]) == (lot["lot"], lot["round"])
        if own and body["t"] in shown and body["subject"] not in evidence.by_sid:
            findings.fail(
                f"leaf {index}", f"it names a statement {body['t']} that the package withholds"
            )


def _refused(evidence: Evidence) -> set[str]:
    """Return the sids of acts that were refused."""
    return {act.sid for act in evidence.acts if act.refusal is not None}


def _same_place(placed: Placed, leaf: Object, lot: Object, findings: Findings) -> None:
    body, own = leaf["body"], placed.body
    named = f"leaf {leaf['index']}"
    for key in ("tender", "lot", "round"):
        expected = own[key] if key in own else lot[key]
        free = placed.type in ("mandate", "mandate-revoke") or (
            placed.type == "event" and key == "round"
        )
        if body[key] != expected and not (free and body[key] is None):
            findings.fail(named, f"its {key} is not that of {placed}")
    if body["at_ms"] is None:
        findings.fail(named, f"it does not say when {placed} was accepted")


def _receipt_leaf(receipt: Placed, findings: Findings) -> None:
    body = receipt.body["ledger"]["body"]
    if body.get("subject") != receipt.body["act"] or body.get("t") != receipt.body["act_type"]:
        findings.fail(str(receipt), "the leaf it shows is not that of its act")
    elif body["at_ms"] != milliseconds(receipt.body["intake"]):
        findings.fail(str(receipt), "its intake differs from the at_ms of its leaf")


def _twice(evidence: Evidence, findings: Findings) -> None:
    by_index = {leaf["index"]: leaf for leaf in evidence.opening["leaves"]}
    for leaf in evidence.package.files.get("leaves.json", []):
        other = by_index.get(leaf["index"])
        if other is not None and "body" in leaf and other != leaf:
            findings.fail(
                f"leaf {leaf['index']}", "opening.json and leaves.json open it differently"
            )


@check("C8", "Receipts: handed in before the deadline", "sealing.md 7.2")
def intakes(evidence: Evidence, findings: Findings) -> None:
    """The intake of each receipt lies before the deadline of the schedule it names."""
    receipts = [act.receipt for act in evidence.acts if act.receipt is not None]
    for receipt in receipts:
        deadline = evidence.named(receipt.body["schedule"], "schedule").body["deadline"]
        findings.require(
            receipt.body["deadline"] == deadline,
            str(receipt),
            f"it states the deadline {receipt.body['deadline']}, the schedule {deadline}",
        )
        findings.require(
            receipt.body["intake"] < deadline,
            str(receipt),
            f"its intake {receipt.body['intake']} is not before the deadline {deadline}",
        )
    for act in evidence.acts:
        if act.refusal is not None and act.refusal.body["code"] == "E_LATE":
            findings.require(
                act.refusal.body["intake"] >= act.refusal.body["deadline"],
                str(act.refusal),
                "it refuses as late what came before the deadline",
            )
    findings.note(f"{len(receipts)} receipts")


@check("C9", "Receipts of one chain follow one another", "sealing.md 6.1, 7.2")
def chains(evidence: Evidence, findings: Findings) -> None:
    """Within a bidder's acts seq rises from 1, prev names the act before, supersedes too."""
    for uscc, chain in evidence.chains.items():
        submissions = {a.receipt.body["submission"] for a in chain if a.receipt}
        findings.require(
            len(submissions) == 1, f"acts of {uscc}", "its receipts name several submissions"
        )
        before: Act | None = None
        for act in chain:
            _follows(evidence, act, before, findings)
            before = act
    findings.note(f"{len(evidence.chains)} chains")


def _follows(evidence: Evidence, act: Act, before: Act | None, findings: Findings) -> None:
    if act.statement is None or act.receipt is None:
        raise CannotDecide("a receipt without its act")
    body, receipt = act.statement.body, act.receipt.body
    named = str(act.receipt)
    same = (
        receipt["act"] == act.statement.sid
        and receipt["act_type"] == act.statement.type
        and receipt["seq"] == body["seq"]
    )
    findings.require(same, named, "it is not the receipt of the act beside it")
    own = [{key: e[key] for key in ("volume", "tree", "size")} for e in body.get("envelopes", [])]
    findings.require(receipt["envelopes"] == own, named, "its envelopes are not its act's")
    previous = _act_with_seq(evidence, body["bidder"]["uscc"], body["seq"] - 1)
    expected = previous.sid if previous else None
    if body["seq"] > 1 and previous is None:
        findings.fail(str(act.statement), f"no act with seq {body['seq'] - 1} comes before it")
    elif body["prev"] != expected:
        findings.fail(str(act.statement), "its prev is not the act before it")
    superseded = (
        [None]
        if before is None or before.receipt is None
        else [
            before.sid,
            before.receipt.sid,
        ]
    )
    findings.require(
        receipt["supersedes"] in superseded, named, "it does not supersede the act before it"
    )


def _act_with_seq(evidence: Evidence, uscc: str, seq: int) -> Act | None:
    def make() -> dict[tuple[str, int], Act]:
        found: dict[tuple[str, int], Act] = {}
        for act in evidence.acts:
            own = act.statement
            if own is not None and (act.accepted or evidence.leaf(own) is not None):
                found.setdefault((own.body["bidder"]["uscc"], own.body["seq"]), act)
        return found

    return evidence.once("act by seq", make=make).get((uscc, seq))
