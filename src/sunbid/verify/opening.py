"""C24-C26, C31, C32, C35-C37: the ceremony in its order."""

from itertools import pairwise
from typing import Final

from sunbid.verify.canonical import milliseconds, time_text, unb64
from sunbid.verify.closing import is_void
from sunbid.verify.envelope import commitment
from sunbid.verify.evidence import Evidence, Listed, Order, Placed
from sunbid.verify.opened import (
    ENDS,
    TAGS,
    acknowledged,
    decisions,
    earlier_steps,
    envelopes_of,
    half,
    of_stage,
    phase,
    record_of,
    remedied,
    stage_numbers,
    while_suspended,
    wraps_of,
)
from sunbid.verify.report import Findings, check
from sunbid.verify.signers import is_co_signed
from sunbid.verify.suspension import owed
from sunbid.verify.windows import check_extensions, end_of

TO_OBJECT_MS: Final = 900_000
GROUP_OF: Final = {"release-t": "T", "release-r": "R"}


@check("C24", "The opening kept its order", "sealing.md 9.1")
def order(evidence: Evidence, findings: Findings) -> None:
    """Leaves in order: cut, closing, phases 1 to 4, record; a stage after its closing."""
    cut = (evidence.cut["time_ms"], evidence.cut["body"]["at_ms"] or 0)
    closing = evidence.order(evidence.closing)
    _rising([("the cut", cut), ("the closing", closing)], "closing", findings)
    for stage in stage_numbers(evidence):
        moments: list[tuple[str, Order]] = [("the closing", closing)]
        begun = of_stage(evidence, stage, "stage")
        for statement in begun:
            _stage_is_due(evidence, stage, statement, findings)
        moments += [("the stage statement", evidence.order(p)) for p in begun]
        _decisions_are_due(evidence, stage, findings)
        terminated = decisions(evidence, stage, "terminated")
        for step in ("phase1", "phase2", "phase3", "phase4"):
            at = phase(evidence, stage, step)
            if at is not None:
                moments.append((step, at))
            elif not terminated and (step != "phase2" or of_stage(evidence, stage, "remedy-start")):
                findings.fail(f"stage {stage}", f"no step {step} is in the ledger")
        moments.append(("the record", evidence.order(record_of(evidence, stage))))
        _time_to_object(evidence, stage, findings)
        _rising(moments, f"stage {stage}", findings)


def _decisions_are_due(evidence: Evidence, stage: int, findings: Findings) -> None:
    for decision in of_stage(evidence, stage, "supervisor-decision"):
        if decision.body["decision"] in ENDS and not while_suspended(evidence, stage, decision):
            findings.fail(str(decision), "it was made while the opening was not suspended")


def _time_to_object(evidence: Evidence, stage: int, findings: Findings) -> None:
    """A record waits for objections, unless every bidder co-signed it (9.1, phase 5).

    It is offered after phase 4 began, so from there at least this much passes.
    """
    record, phase4 = record_of(evidence, stage), phase(evidence, stage, "phase4")
    if phase4 is None or decisions(evidence, stage, "terminated"):
        return
    waited = evidence.order(record)[1] - phase4[1]
    findings.require(
        waited >= TO_OBJECT_MS or is_co_signed(evidence, record),
        str(record),
        f"it came {waited // 1000} s after phase 4 began; bidders have 900 s to object",
    )


def _stage_is_due(evidence: Evidence, stage: int, begun: Placed, findings: Findings) -> None:
    """A later stage follows the record before it and its hour, with files of its own (9.9)."""
    before = stage_numbers(evidence)[stage_numbers(evidence).index(stage) - 1]
    findings.require(
        evidence.order(record_of(evidence, before)) <= evidence.order(begun),
        str(begun),
        f"it comes before the record of stage {before}",
    )
    plan = evidence.named(begun.body["schedule"], "schedule").body
    volumes = {v for s in plan["stages"] if s["stage"] == stage for v in s["volumes"]}
    own = {e.tree for e in evidence.listed if e.volume in volumes}
    findings.require(
        set(begun.body["trees"]) <= own, str(begun), "it opens files that are not of its volumes"
    )
    phase1 = phase(evidence, stage, "phase1")
    hours = [s["opens_at"] for s in evidence.schedule.body["stages"] if s["stage"] == stage]
    if phase1 is None:
        return
    due = bool(hours) and hours[0] is not None and phase1[1] >= milliseconds(hours[0])
    findings.require(due, str(begun), f"stage {stage} was opened before its hour {hours}")


def _rising(moments: list[tuple[str, Order]], named: str, findings: Findings) -> None:
    for (first, a), (second, b) in pairwise(moments):
        if a > b:
            findings.fail(
                named,
                f"{second} ({time_text(b[1])}) comes before {first} ({time_text(a[1])})",
            )


@check("C25", "Checks and releases are those of the members", "sealing.md 9.4")
def members(evidence: Evidence, findings: Findings) -> None:
    """Each check and release is by a listed member, once a stage, and names this closing."""
    own = evidence.closing
    earlier = {p.sid for p in evidence.of_type("closing")}
    seen: set[tuple[str, str, int, int, str]] = set()
    for placed in evidence.of_type("share-check", "release-t", "release-r"):
        body = placed.body
        group = GROUP_OF.get(placed.type) or body["group"]
        seats = evidence.members(group)
        seat = seats[body["i"] - 1] if body["i"] <= len(seats) else None
        if seat is None or body["kid"] not in (seat["kid"], seat["sign_kid"]):
            findings.fail(str(placed), f"{group}{body['i']} with this key is no listed member")
        key = (placed.type, group, body["i"], body["stage"], body["closing"])
        findings.require(key not in seen, str(placed), f"a second one of member {group}{body['i']}")
        seen.add(key)
    for placed in evidence.of_type(
        "share-check", "release-t", "release-r", "release-b", "release-ack", "remedy-start", "cure"
    ):
        allowed = {own.sid} if placed.type == "release-t" else {own.sid, *earlier}
        findings.require(placed.body["closing"] in allowed, str(placed), "it names another closing")
    for placed in evidence.of_type("release-t"):
        findings.require(
            placed.body["list_root"] == own.body["list_root"], str(placed), "it names another list"
        )
    for stage in stage_numbers(evidence):
        for decision in (*decisions(evidence, stage, "go-on"),
                         *decisions(evidence, stage, "terminated")):  # fmt: skip
            _silent_are_named(evidence, stage, decision, findings)
    findings.note(f"{len(seen)} checks and releases")


def _silent_are_named(evidence: Evidence, stage: int, decision: Placed, findings: Findings) -> None:
    """A decision names the members who owed a share when it was made, and there were some (9.5)."""
    phase3, at = phase(evidence, stage, "phase3"), evidence.order(decision)
    is_remedy = decision.body["decision"] == "go-on" or phase3 is None or at < phase3
    group = "R" if is_remedy else "T"
    waiting, silent = owed(evidence, stage, group, at)
    findings.require(bool(waiting), str(decision), "no envelope waited for a member any more")
    named = [(m["group"], m["i"]) for m in decision.body["members"]]
    findings.require(
        named == [(group, i) for i in silent],
        str(decision),
        f"it names {named}, silent were {[f'{group}{i}' for i in silent]}",
    )


@check("C26", "Shares are right and releases complete", "sealing.md 9.4, 9.6")
def shares(evidence: Evidence, findings: Findings) -> None:
    """Every share matches its `h`; a release has all envelopes the member said `ok` to."""
    for stage in stage_numbers(evidence):
        by_tree = {listed.tree: listed for listed in envelopes_of(evidence, stage)}
        for release in of_stage(evidence, stage, "release-t", "release-r"):
            group, i = GROUP_OF[release.type], release.body["i"]
            released = {share["tree"]: share["value"] for share in release.body["shares"]}
            for tree, value in released.items():
                _share(evidence, release, by_tree.get(tree), (group, i, value), findings)
            checks = [
                p
                for p in of_stage(evidence, stage, "share-check")
                if (p.body["group"], p.body["i"]) == (group, i)
            ]
            findings.require(bool(checks), str(release), "released without a share check")
            ok = {r["tree"] for p in checks for r in p.body["results"] if r["result"] == "ok"}
            wanted = ok & remedied(evidence, stage) if group == "R" else ok
            for tree in sorted(wanted - released.keys()):
                findings.fail(
                    str(release), f"member {group}{i} said ok but released no share of {tree[:12]}"
                )


def _share(
    evidence: Evidence,
    release: Placed,
    listed: Listed | None,
    share: tuple[str, int, str],
    findings: Findings,
) -> None:
    group, i, value = share
    if listed is None:
        findings.fail(str(release), "it releases an envelope that is not of its stage")
        return
    dealt = wraps_of(evidence, listed)["t" if group == "T" else "r"]
    expected = {s["i"]: s["h"] for s in dealt["shares"]}.get(i) if dealt else None
    hh = bytes.fromhex(listed.header_hash)
    made = commitment(TAGS[group], hh, i, unb64(value), evidence.suite)
    findings.require(
        made == expected, str(release), f"share {group}{i} of {listed} does not match its h"
    )


@check("C31", "Bidders' keys and remedies came in their phases", "sealing.md 9.1, 9.2, 9.6")
def first_phases(evidence: Evidence, findings: Findings) -> None:
    """Every B before the end of w1 as extended, or a cure; remedies between phases 2 and 3."""
    for stage in stage_numbers(evidence):
        phase1, phase2 = phase(evidence, stage, "phase1"), phase(evidence, stage, "phase2")
        phase3 = phase(evidence, stage, "phase3")
        check_extensions(evidence, stage, findings)
        end = end_of(evidence, stage, "phase1")
        # Phase 2 is skipped when every bidder gave its key.
        after = min((p for p in (phase2, phase3) if p is not None), default=None)
        for placed in of_stage(evidence, stage, "release-b"):
            at = evidence.order(placed)
            if placed.body["closing"] != evidence.closing.sid:
                _in_its_own_phase1(evidence, stage, placed, findings)
                continue
            in_time = phase1 is not None and phase1 <= at and at[1] < end
            findings.require(
                in_time and (after is None or at <= after),
                str(placed),
                f"accepted at {time_text(at[1])}, outside phase 1",
            )
        for placed in of_stage(evidence, stage, "release-r"):
            at = evidence.order(placed)
            between = phase2 is not None and phase2 <= at and (phase3 is None or at <= phase3)
            findings.require(
                between, str(placed), f"accepted at {time_text(at[1])}, outside phase 2"
            )


def _in_its_own_phase1(evidence: Evidence, stage: int, placed: Placed, findings: Findings) -> None:
    """A B of a replaced closing stays if it came in phase 1 of that closing (6.2)."""
    at = evidence.order(placed)
    steps = earlier_steps(evidence, stage, placed.body["closing"])
    ends = [
        milliseconds(step.body["until"] or "")
        for step in steps
        if step.body["step"] in ("phase1", "extended") and evidence.order(step) <= at
    ]
    over = any(
        p.body["step"] in ("phase2", "phase3") and evidence.order(p) < at for p in steps
    ) or any(
        p.body["replaces"] == placed.body["closing"] and evidence.order(p) < at
        for p in evidence.of_type("closing")
    )
    findings.require(
        bool(ends) and at[1] < max(ends, default=0) and not over,
        str(placed),
        f"accepted at {time_text(at[1])}, outside phase 1 of the closing it names",
    )


@check("C32", "No custodian released too early, nothing came too late", "sealing.md 9.1, 9.6")
def last_phases(evidence: Evidence, findings: Findings) -> None:
    """No `release-t` before B or remedy is over; nothing is accepted after phase 4 began."""
    for stage in stage_numbers(evidence):
        phase3, phase4 = phase(evidence, stage, "phase3"), phase(evidence, stage, "phase4")
        if phase3 is not None:
            _phase3_was_due(evidence, stage, phase3, findings)
        for placed in of_stage(evidence, stage, "release-t"):
            at = evidence.order(placed)
            findings.require(
                phase3 is not None and phase3 <= at,
                str(placed),
                f"accepted at {time_text(at[1])}, before phase 3",
            )
        for placed in of_stage(
            evidence, stage, "share-check", "release-b", "release-r", "release-t", "cure"
        ):
            at = evidence.order(placed)
            findings.require(
                phase4 is None or at <= phase4,
                str(placed),
                f"accepted at {time_text(at[1])}, after phase 4 began",
            )
        for cure in of_stage(evidence, stage, "cure"):
            late = phase3 is not None and evidence.order(cure) > phase3
            strict = evidence.opening_keys.body["policy"] == "dual-strict"
            if cure.body["kind"] in ("B", "rshare"):
                findings.require(
                    not late and not strict, str(cure), "a cure of B after it was final"
                )
        if phase3 is not None and phase4 is not None:
            _phase4_was_due(evidence, stage, (phase3, phase4), findings)


def _phase4_was_due(
    evidence: Evidence, stage: int, phases: tuple[Order, Order], findings: Findings
) -> None:
    """Phase 4 needs every T; a disputed envelope may be cured until w3 is over (6.2, 9.6)."""
    _, phase4 = phases
    end = end_of(evidence, stage, "phase3")
    for listed in envelopes_of(evidence, stage):
        part = half(evidence, stage, listed, "T")
        if part.value is not None:
            continue
        if not part.disputed and not part.badly_dealt:
            findings.fail(str(listed), "phase 4 began without its T and nobody disputed it")
        elif phase4[1] < end:
            findings.fail(str(listed), "phase 4 began before its time to be cured was over")


def _phase3_was_due(evidence: Evidence, stage: int, phase3: Order, findings: Findings) -> None:
    """Phase 3 begins when every B is there, or after w1 and after the remedy (9.1, 9.5)."""
    end = end_of(evidence, stage, "phase1")
    missing = {e.tree for e in envelopes_of(evidence, stage)} - acknowledged(evidence, stage)
    if missing and phase3[1] < end:
        early = phase(evidence, stage, "phase2") or phase3
        if early[1] < end:
            findings.fail(f"stage {stage}", "phase 1 ended early although a B was missing")
    if remedied(evidence, stage) and not decisions(evidence, stage, "go-on"):
        for listed in envelopes_of(evidence, stage):
            part = half(evidence, stage, listed, "R")
            closed = part.value is None and not part.badly_dealt and not part.disputed
            findings.require(
                not closed, str(listed), "phase 3 began without its B and without a decision"
            )
            is_rash = part.value is None and phase3[1] < end_of(evidence, stage, "phase2")
            findings.require(
                closed or not is_rash,
                str(listed),
                "phase 3 began before its time to be cured was over",
            )


@check("C35", "The remedy concerned exactly the missing keys", "sealing.md 9.4")
def remedy(evidence: Evidence, findings: Findings) -> None:
    """`remedy-start` names M: the envelopes without an acknowledged B, recomputed."""
    for stage in stage_numbers(evidence):
        expected = sorted(remedied(evidence, stage))
        starts = of_stage(evidence, stage, "remedy-start")
        ended = decisions(evidence, stage, "terminated")
        if len(starts) > 1 or (expected and not starts and not ended):
            findings.fail(f"stage {stage}", f"{len(starts)} remedy-start for {len(expected)} keys")
        for start in starts:
            findings.require(
                start.body["trees"] == expected,
                str(start),
                f"it names {len(start.body['trees'])} envelopes, {len(expected)} lacked their B",
            )
        findings.note(f"stage {stage}: {len(expected)} remedied")


@check("C36", "Every omission that was raised is answered", "sealing.md 8.2(9)")
def omissions(evidence: Evidence, findings: Findings) -> None:
    """A receipt said to be missing is in the list, or its bidder itself superseded it."""
    listed = {entry["manifest"] for entry in evidence.opening["list"]}
    raised = evidence.of_type("omission")
    for omission in raised:
        act = omission.body["receipt"]["body"]["act"]
        if act in listed:
            continue
        later = [chain for chain in evidence.chains.values() if any(a.sid == act for a in chain)]
        answered = any(chain[-1].sid != act or is_void(evidence, chain[-1]) for chain in later)
        findings.require(
            answered, str(omission), f"act {act[:12]} is neither listed, superseded nor void"
        )
    findings.note(f"{len(raised)} omissions")


@check("C37", "Licences were judged before prices were known", "sealing.md 5.2")
def licence_status(evidence: Evidence, findings: Findings) -> None:
    """The record's `licence_status` is the receipt's, or an answer dated before phase 4."""
    receipts = {a.sid: a.receipt for a in evidence.acts if a.receipt is not None}
    for stage in stage_numbers(evidence):
        later = _later_answers(evidence, phase(evidence, stage, "phase4"))
        by_tree = {e.tree: e for e in envelopes_of(evidence, stage)}
        for result in record_of(evidence, stage).body["results"]:
            listed = by_tree.get(result["tree"])
            receipt = receipts.get(listed.manifest) if listed else None
            if listed is None or receipt is None:
                findings.doubt(f"submission {result['submission']}", "it has no receipt here")
                continue
            own = receipt.body["licence_status"]
            findings.require(
                result["licence_status"] in {own, *later.get(listed.manifest, ())},
                str(listed),
                f"the record says {result['licence_status']}, its receipt {own}, "
                "no later answer is dated before phase 4",
            )


def _later_answers(evidence: Evidence, phase4: Order | None) -> dict[str, set[str]]:
    """Return the authority's later answers by act, from events before phase 4."""
    found: dict[str, set[str]] = {}
    for event in evidence.of_type("event"):
        data = event.body["data"]
        act, status = data.get("act"), data.get("licence_status")
        if not isinstance(act, str) or not isinstance(status, str) or phase4 is None:
            continue
        if evidence.order(event) <= phase4:
            found.setdefault(act, set()).add(status)
    return found
