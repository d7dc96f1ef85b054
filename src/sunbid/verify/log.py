"""C5-C7, C34, C38: proofs, checkpoints, witnesses, one history, leaves still closed."""

import base64
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from sunbid.verify.canonical import milliseconds, time_text
from sunbid.verify.evidence import CannotDecide, Evidence
from sunbid.verify.ledger import (
    Checkpoint,
    Node,
    Proof,
    VerifierKey,
    check_consistency,
    leaf_bytes,
    leaf_hash,
    node_hash,
    path_nodes,
    read_checkpoint,
    read_proof,
    read_vkey,
    root_from_nodes,
    signed_by,
)
from sunbid.verify.report import Findings, check

Q: Final = 8
DAY_MS: Final = 86_400_000
COVER_DAYS: Final = 30
LAST_DAYS: Final = 365


@dataclass(slots=True)
class History:
    """What the package's proofs fix: roots by checkpoint size, tree nodes by checkpoint size."""

    checkpoints: list[tuple[str, str, Checkpoint]] = field(default_factory=list)
    proofs: list[tuple[str, Proof]] = field(default_factory=list)
    nodes: dict[int, dict[Node, bytes]] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)


def history(evidence: Evidence) -> History:
    """Read every checkpoint and proof of the package, and follow the proofs (once)."""
    return evidence.once("history", make=lambda: _read_history(evidence))


def _read_history(evidence: Evidence) -> History:
    found = History()
    _read_notes(evidence, found)
    _follow_proofs(evidence, found)
    return found


def _read_notes(evidence: Evidence, found: History) -> None:
    notes = [
        (f"opening.json checkpoints[{i}]", item["note"])
        for i, item in enumerate(evidence.opening["checkpoints"])
    ]
    notes += [(f"{p} checkpoint", p.body["checkpoint"]) for p in evidence.of_type("draw")]
    for index, text in sorted(evidence.opening["proofs"].items(), key=lambda item: int(item[0])):
        try:
            proof = read_proof(text)
        except ValueError as problem:
            found.broken.append((f"proof of leaf {index}", str(problem)))
            continue
        found.proofs.append((index, proof))
        notes.append((f"proof of leaf {index}", proof.note))
    seen: dict[str, Checkpoint] = {}
    for place, note in notes:
        try:
            if note not in seen:
                seen[note] = read_checkpoint(note)
                found.checkpoints.append((place, note, seen[note]))
        except ValueError as problem:
            found.unread.append((place, str(problem)))


def _follow_proofs(evidence: Evidence, found: History) -> None:
    for index, proof in found.proofs:
        named = f"proof of leaf {index}"
        size, root = proof.checkpoint.size, proof.checkpoint.root
        leaf = known_leaf(evidence, int(index))
        if proof.index != int(index):
            found.broken.append((named, f"it is a proof of leaf {proof.index}"))
        elif leaf is None:
            found.broken.append((named, "the package shows no such leaf"))
        else:
            try:
                nodes = path_nodes(proof.index, size, leaf, proof.hashes)
            except ValueError as problem:
                found.broken.append((named, str(problem)))
                continue
            if nodes.pop((-1, size)) != root:
                found.broken.append((named, "it does not lead to the root of its checkpoint"))
            else:
                found.nodes.setdefault(size, {}).update(nodes)


def known_leaf(evidence: Evidence, index: int) -> bytes | None:
    """Return the leaf hash at an index, recomputed from its opening where it is opened."""
    if index in evidence.leaves:
        return leaf_hash(leaf_bytes(evidence.leaves[index]))
    closed = evidence.closed_leaves.get(index)
    return None if closed is None else bytes.fromhex(closed)


@check("C5", "Every leaf is proven in the ledger", "sealing.md 2.9")
def inclusion(evidence: Evidence, findings: Findings) -> None:
    """Inclusion: index < size, every hash 32 bytes, exact number of hashes, right root.

    A leaf without a proof of its own is proven when the leaves beside it fill a subtree
    that another leaf's proof fixes.
    """
    found = history(evidence)
    for named, problem in found.broken:
        findings.fail(named, problem)
    # Complete subtrees are the same in every tree of the log; C34 looks for contradictions.
    nodes = {node: value for fixed in found.nodes.values() for node, value in fixed.items()}
    proven = {int(index) for index, _ in found.proofs}
    closed = sorted(set(evidence.leaves) | set(evidence.closed_leaves))
    for index in closed:
        if index in proven:
            continue
        result = _in_block(evidence, index, nodes)
        if result is None:
            findings.doubt(f"leaf {index}", "no proof in the package reaches it")
        elif not result:
            findings.fail(f"leaf {index}", "it is not the leaf that the ledger has there")
    findings.note(f"{len(proven)} proofs, {len(closed)} leaves")


def _in_block(evidence: Evidence, index: int, nodes: dict[Node, bytes]) -> bool | None:
    """Compare the smallest fixed subtree around a leaf with the one made of shown leaves."""
    for level in range(20):
        start = index >> level << level
        if (level, index >> level) not in nodes:
            continue
        row = [known_leaf(evidence, start + i) for i in range(1 << level)]
        if None in row:
            return None
        hashes = [item for item in row if item is not None]
        while len(hashes) > 1:
            hashes = [node_hash(a, b) for a, b in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0] == nodes[level, index >> level]
    return None


def log_keys(evidence: Evidence) -> list[VerifierKey]:
    """Return the log keys of the policy, else the one that the package names."""
    if evidence.policy.logs:
        return evidence.policy.logs
    try:
        return [read_vkey(evidence.lot["log_vkey"])]
    except ValueError as problem:
        raise CannotDecide(f"package.json log_vkey: {problem}") from None


@check("C6", "Checkpoints are signed by the ledger's key", "sealing.md 2.9")
def log_signature(evidence: Evidence, findings: Findings) -> None:
    """Each checkpoint is of this origin and signed by its key; unknown lines are ignored."""
    found, keys = history(evidence), log_keys(evidence)
    for place, problem in found.unread:
        findings.fail(place, problem)
    for place, _, checkpoint in found.checkpoints:
        own = [key for key in keys if key.name == checkpoint.origin]
        try:
            signed = any(signed_by(checkpoint, key) is not None for key in own)
        except ValueError as problem:
            findings.fail(place, str(problem))
            continue
        findings.require(signed, place, f"not signed by a known key of {checkpoint.origin}")
        findings.require(
            checkpoint.origin == evidence.lot["origin"],
            place,
            f"its origin {checkpoint.origin} is not the package's",
        )
    source = "the policy" if evidence.policy.logs else "the package itself (no --policy)"
    findings.note(f"{len(found.checkpoints)} checkpoints, key from {source}")


@check("C7", "Witnesses have seen the ledger", "sealing.md 13")
def witnesses(evidence: Evidence, findings: Findings) -> None:
    """The witness quorum of the policy is met for every checkpoint that a proof leads to."""
    found = history(evidence)
    if evidence.policy.quorum == "none":
        words = "no outside witness (quorum none)"
        findings.note(words if evidence.policy_given else f"{words}, no --policy given")
        return
    # A checkpoint that no proof leads to (an old one, for comparison) needs no witness.
    used = {proof.note for _, proof in found.proofs}
    for place, note, checkpoint in found.checkpoints:
        if note not in used:
            continue
        try:
            if evidence.policy.times(checkpoint) is None:
                findings.doubt(place, "the policy's quorum of witnesses has not signed it")
        except ValueError as problem:
            findings.fail(place, str(problem))


@check("C34", "The ledger has one history, in batches", "sealing.md 7.4, 7.5")
def one_history(evidence: Evidence, findings: Findings) -> None:
    """All checkpoints and proofs are consistent; batches are Q·2^m leaves of one rising time."""
    found = history(evidence)
    _one_root(found, findings)
    _one_node(found, findings)
    _connected(evidence, found, findings)
    _batches(evidence, findings)
    findings.note(f"{len(found.checkpoints)} checkpoints compared")


def _one_root(found: History, findings: Findings) -> None:
    # Two signed roots for one size prove the fork by themselves.
    roots: dict[int, tuple[str, bytes]] = {}
    for place, _, checkpoint in found.checkpoints:
        other, root = roots.setdefault(checkpoint.size, (place, checkpoint.root))
        if root != checkpoint.root:
            findings.fail(
                place, f"fork: two roots for size {checkpoint.size}, the other at {other}"
            )


def _one_node(found: History, findings: Findings) -> None:
    fixed: dict[Node, tuple[int, bytes]] = {}
    for size, nodes in sorted(found.nodes.items()):
        for (level, index), value in nodes.items():
            other, first = fixed.setdefault((level, index), (size, value))
            if first != value:
                start = index << level
                findings.fail(
                    f"checkpoint of size {size}",
                    f"fork: leaves {start} to {start + (1 << level) - 1} differ from those "
                    f"under the checkpoint of size {other}",
                )


def _connected(evidence: Evidence, found: History, findings: Findings) -> None:
    """Compare each checkpoint with the next larger one, by nodes or by a consistency proof."""
    by_size = sorted({c.size: (place, c) for place, _, c in found.checkpoints}.items())
    given = {
        (p["old_size"], p["new_size"]): p["hashes"]
        for p in evidence.package.files.get("consistency.json", [])
    }
    for at, (size, (place, old)) in enumerate(by_size[:-1]):
        result: bool | None = None
        for larger, (_, new) in by_size[at + 1 :]:
            root = root_from_nodes(size, found.nodes.get(larger, {}))
            if root is not None:
                result = root == old.root
            elif (size, larger) in given:
                result = _consistent(old, new, given[size, larger])
            if result is not None:
                break
        if result is None:
            findings.doubt(place, "nothing in the package compares it with a later checkpoint")
        elif not result:
            findings.fail(place, f"fork: size {size} is not the beginning of a later checkpoint")


def _consistent(old: Checkpoint, new: Checkpoint, hashes: list[str]) -> bool:
    try:
        proof = [base64.b64decode(text, validate=True) for text in hashes]
        check_consistency((old.size, old.root), (new.size, new.root), proof)
    except ValueError:
        return False
    return True


def batches(evidence: Evidence) -> list[list[int]]:
    """Return runs of opened leaves with one time, in the order of their indices."""
    runs: list[list[int]] = []
    for index, leaf in sorted(evidence.leaves.items()):
        if runs and evidence.leaves[runs[-1][-1]]["time_ms"] == leaf["time_ms"]:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _batches(evidence: Evidence, findings: Findings) -> None:
    runs = batches(evidence)
    for one, two in pairwise(runs):
        earlier, later = (evidence.leaves[run[0]]["time_ms"] for run in (one, two))
        findings.require(
            earlier < later, f"leaf {two[0]}", "its batch has not a later time than the one before"
        )
    shown = set(evidence.leaves) | set(evidence.closed_leaves)
    for run in runs:
        start = run[0] // Q * Q
        end = run[-1] // Q * Q + Q
        size = end - start
        named = f"batch of leaves {start} to {end - 1}"
        if size & (size - 1):
            findings.fail(named, f"its size {size} is not {Q} times a power of two")
        missing = [i for i in range(start, end) if i not in shown]
        if missing:
            findings.doubt(named, f"leaf {missing[0]} is not in the package")
        strange = [i for i in range(start, end) if i in evidence.leaves and i not in run]
        if strange:
            findings.fail(named, f"leaf {strange[0]} has another time than the batch")


@check("C38", "Leaves still closed after their time", "sealing.md 14.5")
def closed_leaves(evidence: Evidence, findings: Findings) -> None:
    """Lists leaves that are still closed although their batch is older than 30 days.

    Another lot may keep a batch closed until its own record, at most 365 days longer.
    """
    now = milliseconds(evidence.lot["made_at"])
    evidence.file("leaves.json")
    for index in sorted(evidence.closed_leaves):
        times = [
            evidence.leaves[i]["time_ms"]
            for i in range(index // Q * Q, index // Q * Q + Q)
            if i in evidence.leaves
        ]
        if not times:
            findings.doubt(f"leaf {index}", "it is closed and its batch has no opened leaf")
            continue
        age = (now - times[0]) // DAY_MS
        said = f"closed since {time_text(times[0])}"
        if age > COVER_DAYS + LAST_DAYS:
            findings.fail(f"leaf {index}", f"{said}, longer than any rule allows")
        elif age > COVER_DAYS:
            findings.doubt(f"leaf {index}", f"{said}; only another lot's opening could explain it")
    due = len(evidence.closed_leaves)
    findings.note(f"{due} leaves closed" if due else "every leaf is opened")
