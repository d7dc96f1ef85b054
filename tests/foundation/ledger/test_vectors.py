"""The ledger's known answers (V6): leaves, roots, proofs, a fork pair and a rollback pair."""

import json
from pathlib import Path
from typing import Any

import pytest

from foundation.ledger.leaf import opening_from_json
from foundation.ledger.note import read_checkpoint, read_key, read_note, verify_log_signature
from foundation.ledger.proof import check_leaf, read_proof
from foundation.ledger.tree import BadProof, check_consistency, root_of

FILE = Path(__file__).resolve().parents[2] / "vectors/ledger/leaves.json"


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """The vectors."""
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


def test_leaves_and_roots(known: dict[str, Any]) -> None:
    hashes = []
    for leaf in known["leaves"]:
        shown = {key: leaf[key] for key in ("index", "time_ms", "salt", "body")}
        opened = opening_from_json({"origin": known["origin"], **shown})
        assert opened.leaf.hex() == leaf["leaf"]
        assert len(opened.leaf) == 41
        assert opened.leaf_hash.hex() == leaf["leaf_hash"]
        hashes.append(opened.leaf_hash)
    for size, root in known["roots"].items():
        assert root_of(hashes[: int(size)]).hex() == root


def test_proofs_at_both_ends_and_inside_a_batch(known: dict[str, Any]) -> None:
    key = read_key(known["vkey"])
    for given in known["proofs"]:
        proof = read_proof(given["text"])
        assert proof.to_text() == given["text"]
        leaf = bytes.fromhex(known["leaves"][given["index"]]["leaf_hash"])
        assert check_leaf(proof, leaf).size == given["size"]
        verify_log_signature(proof.note, key)


def test_a_fork_is_two_good_signatures_on_two_ledgers(known: dict[str, Any]) -> None:
    key, points = read_key(known["vkey"]), []
    for text in known["fork"]["notes"]:
        note = read_note(text)
        verify_log_signature(note, key)
        points.append(read_checkpoint(note.text))
    one, other = points
    assert one.size == other.size
    with pytest.raises(BadProof, match="two different trees"):
        check_consistency(one.size, one.root, other.size, other.root, [])


def test_a_rollback_is_a_signature_on_more_than_is_held(known: dict[str, Any]) -> None:
    note = read_note(known["rollback"]["signed"])
    verify_log_signature(note, read_key(known["vkey"]))
    assert read_checkpoint(note.text).size > known["rollback"]["held"]
