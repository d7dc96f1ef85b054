"""A suspended opening recomputed: when it stood still, and who owed what (6.2, 9.5)."""

from sunbid.verify.evidence import Evidence, Order
from sunbid.verify.opened import envelopes_of, of_stage, remedied


def owed(evidence: Evidence, stage: int, group: str, at: Order) -> tuple[set[str], list[int]]:
    """Return the envelopes that waited for a group at a moment, and the seats that owed a share.

    A share that somebody else supplied counts for the envelope, not for its owner (9.6).
    """
    k, n = evidence.threshold(group), len(evidence.members(group))
    own, others, said = _told_until(evidence, stage, group, at)
    trees = {e.tree for e in envelopes_of(evidence, stage)}
    if group == "R":
        trees &= remedied(evidence, stage)
    waiting = {
        tree
        for tree in trees
        if (0, tree) not in others
        and len({i for i, t in own | others if t == tree and i}) < k
        and sum(t == tree and said[i, t] != "ok" for i, t in said) < n - k + 1
    }
    begun = [p for p in of_stage(evidence, stage, "remedy-start") if evidence.order(p) <= at]
    if group == "R" and not begun:
        return waiting, []
    silent = [
        i
        for i in range(1, n + 1)
        if any((i, t) not in own and said.get((i, t), "ok") == "ok" for t in waiting)
    ]
    return waiting, silent


def _told_until(
    evidence: Evidence, stage: int, group: str, at: Order
) -> tuple[set[tuple[int, str]], set[tuple[int, str]], dict[tuple[int, str], str]]:
    """Return by (seat, envelope) what members released, what others supplied, what members said.

    A whole half that somebody supplied stands under seat 0.
    """
    release, whole, share = ("release-t", "T", "tshare") if group == "T" else (
        "release-r", "B", "rshare")  # fmt: skip
    own: set[tuple[int, str]] = set()
    others: set[tuple[int, str]] = set()
    said: dict[tuple[int, str], str] = {}
    for placed in of_stage(evidence, stage, release, "cure", "share-check"):
        body = placed.body
        if evidence.order(placed) > at:
            continue
        if placed.type == release:
            own |= {(body["i"], s["tree"]) for s in body["shares"]}
        elif placed.type == "cure" and body["kind"] in (whole, share):
            others.add((body["i"] or 0, body["tree"]))
        elif placed.type == "share-check" and body["group"] == group:
            said |= {(body["i"], r["tree"]): r["result"] for r in body["results"]}
    return own, others, said
