"""The witness: cosigns only what extends all it saw, remembers it before it answers (C2SP)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foundation.ledger.key_folder import BadSetting, FolderInUse, StateLost, WrongPassphrase
from foundation.ledger.note import (
    Checkpoint,
    Note,
    log_key,
    read_key,
    read_note,
    sign_note,
    verify_cosignatures,
    verify_log_signature,
)
from foundation.ledger.policy import Policy, read_policy
from foundation.ledger.tree import (
    BadProof,
    consistency_ranges,
    hash_leaf,
    hash_range,
    new_nodes,
    root_of,
)
from foundation.ledger.witness import (
    LARGEST_REQUEST,
    BadRequest,
    NotFromLog,
    OtherSize,
    Submission,
    TwoRoots,
    UnknownLog,
    Witness,
    read_submission,
)
from foundation.problems import Refused
from licences import free_port
from sunbid.witness_app import witness_app

ORIGIN = "test.example/ledger"
NAME = "court.example/w1"
PASSPHRASE = "correct horse"
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
LEAVES = [hash_leaf(bytes([n])) for n in range(40)]
NODES = new_nodes(0, LEAVES, {})
NOW_S = 1_790_000_000


def a_policy(*keys: Ed25519PrivateKey, origin: str = ORIGIN) -> Policy:
    lines = [f"log {log_key(origin, key).text()}" for key in keys or (LOG,)]
    return read_policy("\n".join([*lines, "quorum none", ""]))


def open_witness(folder: Path, policy: Policy | None = None) -> Witness:
    return Witness.open(folder, NAME, PASSPHRASE, policy or a_policy())


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    opened = open_witness(tmp_path / "state")
    yield opened
    opened.close()


def a_note(
    size: int,
    *,
    root: bytes | None = None,
    key: Ed25519PrivateKey = LOG,
    origin: str = ORIGIN,
) -> str:
    wanted = root_of(LEAVES[:size]) if root is None else root
    text = Checkpoint(origin=origin, size=size, root=wanted).text()
    return Note(text=text, lines=(sign_note(text, origin, key),)).to_text()


def a_proof(old: int, size: int) -> tuple[bytes, ...]:
    if old == 0:
        return ()
    return tuple(hash_range(part, NODES) for part in consistency_ranges(old, size))


def asked(old: int, size: int, note: str | None = None) -> str:
    shown = a_note(size) if note is None else note
    return Submission(old_size=old, proof=a_proof(old, size), note=shown).to_text()


def lines_of(text: str, line: str) -> Note:
    return read_note(text + line)


def test_a_growing_log_is_cosigned_and_the_line_verifies(witness: Witness) -> None:
    for old, size in [(0, 8), (8, 16), (16, 16), (16, 40)]:
        line = witness.add_checkpoint(asked(old, size), NOW_S + size)
        note = lines_of(a_note(size), line)
        (seen,) = verify_cosignatures(note, [read_key(witness.vkey)])
        assert seen.time_s == NOW_S + size
        verify_log_signature(note, log_key(ORIGIN, LOG))


def test_what_was_seen_outlives_the_process(tmp_path: Path) -> None:
    first = open_witness(tmp_path / "state")
    first.add_checkpoint(asked(0, 16), NOW_S)
    first.close()
    again = open_witness(tmp_path / "state")
    with pytest.raises(OtherSize) as refused:
        again.add_checkpoint(asked(0, 8), NOW_S)
    again.close()
    assert refused.value.size == 16


def test_the_state_is_on_disk_before_the_answer(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("foundation.ledger.witness.write_durably", full)
        with pytest.raises(OSError, match="no space"):
            witness.add_checkpoint(asked(0, 8), NOW_S)
    # Nothing was promised, so the log may still show another first tree.
    witness.add_checkpoint(asked(0, 16), NOW_S)


@pytest.mark.misuse(93)
@pytest.mark.threat("T16")
def test_two_trees_of_one_size_are_refused_and_kept_as_a_proof(witness: Witness) -> None:
    witness.add_checkpoint(asked(0, 16), NOW_S)
    other = a_note(16, root=b"x" * 32)
    with pytest.raises(TwoRoots, match="forked"):
        witness.add_checkpoint(Submission(old_size=16, proof=(), note=other).to_text(), NOW_S)
    kept = json.loads((witness.folder / "fork-16.json").read_bytes())
    assert kept["notes"] == [a_note(16), other]
    for note in kept["notes"]:
        verify_log_signature(read_note(note), log_key(ORIGIN, LOG))
    witness.add_checkpoint(asked(16, 40), NOW_S)


@pytest.mark.misuse(92)
@pytest.mark.threat("T17")
def test_a_log_that_went_back_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(asked(0, 16), NOW_S)
    with pytest.raises(OtherSize):
        witness.add_checkpoint(asked(8, 8), NOW_S)
    with pytest.raises(BadRequest, match="at most 8"):
        witness.add_checkpoint(Submission(old_size=16, proof=(), note=a_note(8)).to_text(), NOW_S)


def test_a_rewritten_past_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(asked(0, 16), NOW_S)
    leaves = [hash_leaf(b"other"), *LEAVES[1:]]
    nodes = new_nodes(0, leaves, {})
    proof = tuple(hash_range(part, nodes) for part in consistency_ranges(16, 40))
    shown = Submission(old_size=16, proof=proof, note=a_note(40, root=root_of(leaves)))
    with pytest.raises(BadProof):
        witness.add_checkpoint(shown.to_text(), NOW_S)
    with pytest.raises(BadProof):
        witness.add_checkpoint(
            Submission(old_size=16, proof=a_proof(16, 40)[:-1], note=a_note(40)).to_text(), NOW_S
        )
    witness.add_checkpoint(asked(16, 40), NOW_S)


def test_a_first_checkpoint_has_no_proof(witness: Witness) -> None:
    with pytest.raises(BadProof, match="no hashes"):
        witness.add_checkpoint(
            Submission(old_size=0, proof=(b"x" * 32,), note=a_note(8)).to_text(), NOW_S
        )
    with pytest.raises(BadProof, match="empty tree"):
        witness.add_checkpoint(
            Submission(old_size=0, proof=(), note=a_note(0, root=b"x" * 32)).to_text(), NOW_S
        )
    witness.add_checkpoint(asked(0, 0), NOW_S)
    witness.add_checkpoint(asked(0, 8), NOW_S)


def test_only_known_logs_and_their_own_keys_count(witness: Witness) -> None:
    foreign = a_note(8, origin="other.example/ledger")
    with pytest.raises(UnknownLog):
        witness.add_checkpoint(asked(0, 8, foreign), NOW_S)
    with pytest.raises(NotFromLog):
        witness.add_checkpoint(asked(0, 8, a_note(8, key=OTHER)), NOW_S)
    changed = a_note(8).replace("\n8\n", "\n9\n")
    with pytest.raises(NotFromLog):
        witness.add_checkpoint(asked(0, 9, changed), NOW_S)


def test_each_log_is_remembered_by_itself(tmp_path: Path) -> None:
    second = "second.example/ledger"
    both = read_policy(
        f"log {log_key(ORIGIN, LOG).text()}\nlog {log_key(second, OTHER).text()}\nquorum none\n"
    )
    witness = open_witness(tmp_path / "state", both)
    witness.add_checkpoint(asked(0, 16), NOW_S)
    witness.add_checkpoint(asked(0, 8, a_note(8, key=OTHER, origin=second)), NOW_S)
    witness.add_checkpoint(asked(16, 40), NOW_S)
    witness.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 8",
        f"new 0\n\n{a_note(8)}",
        f"old 08\n\n{a_note(8)}",
        f"old -1\n\n{a_note(8)}",
        f"old 0\nAAAA\n\n{a_note(8)}",
        "old 0\n\nnot a note",
        f"old 0\n\n{a_note(8).replace(ORIGIN, '', 1)}",
        "old 1\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 63 + f"\n{a_note(8)}",
    ],
)
def test_other_forms_are_refused(witness: Witness, text: str) -> None:
    with pytest.raises(BadRequest):
        witness.add_checkpoint(text, NOW_S)


def test_a_request_reads_as_it_was_written() -> None:
    shown = Submission(old_size=8, proof=a_proof(8, 40), note=a_note(40))
    assert read_submission(shown.to_text()) == shown


def test_a_folder_has_one_holder_one_name_one_passphrase(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    held = open_witness(folder)
    with pytest.raises(FolderInUse):
        open_witness(folder)
    held.close()
    with pytest.raises(WrongPassphrase):
        Witness.open(folder, NAME, "another", a_policy())
    with pytest.raises(BadSetting, match="own"):
        Witness.open(folder, "other/w", PASSPHRASE, a_policy())
    with pytest.raises(BadSetting, match="watch"):
        Witness.open(folder, NAME, PASSPHRASE, read_policy("quorum none\n"))
    open_witness(folder).close()


@pytest.mark.misuse(99)
@pytest.mark.parametrize("lost", ["seen.json", "key.json"])
def test_a_lost_half_of_the_state_is_not_made_anew(tmp_path: Path, lost: str) -> None:
    folder = tmp_path / "state"
    open_witness(folder).close()
    (folder / lost).unlink()
    with pytest.raises(StateLost):
        open_witness(folder)


@contextmanager
def served(tmp_path: Path, port: int) -> Iterator[httpx.Client]:
    """`sunbid witness` as a process, watching ORIGIN."""
    policy = tmp_path / "policy"
    policy.write_text(f"log {log_key(ORIGIN, LOG).text()}\nquorum none\n")
    words = ["--state", tmp_path / "state", "--name", NAME, "--policy", policy, "--port", port]
    process = subprocess.Popen(
        [sys.executable, "-m", "sunbid", "witness", *map(str, words)],
        env={**os.environ, "SUNBID_WITNESS_PASSPHRASE": PASSPHRASE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said = process.stdout.readline().split()
        assert said[:2] == ["witness", NAME], process.stderr.read()
        read_policy(f"{' '.join(said)}\nquorum {NAME}\n")
        process.stderr.readline()
        with httpx.Client(base_url=said[3], timeout=10) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


def post(client: httpx.Client, text: str) -> httpx.Response:
    for _ in range(100):
        try:
            return client.post("/add-checkpoint", content=text)
        except httpx.ConnectError:
            continue
    raise AssertionError("the witness does not listen")


def test_the_command_over_http_killed_and_started_again(tmp_path: Path) -> None:
    port = free_port()
    with served(tmp_path, port) as client:
        first = post(client, asked(0, 8))
        assert (first.status_code, first.text.startswith("— ")) == (200, True)
    with served(tmp_path, port) as client:
        stale = post(client, asked(0, 16))
        assert (stale.status_code, stale.text) == (409, "8\n")
        assert stale.headers["content-type"].split(";")[0] == "text/x.tlog.size"
        answers = {
            "unknown": (404, a_note(16, origin="other.example/ledger")),
            "foreign": (403, a_note(16, key=OTHER)),
            "garbage": (400, "nothing"),
            "forked": (422, a_note(16, root=b"x" * 32)),
        }
        for status, note in answers.values():
            assert post(client, asked(8, 16, note)).status_code == status
        assert client.get("/add-checkpoint").status_code == 405
        assert post(client, asked(8, 16)).status_code == 200


async def test_a_body_has_a_limit(witness: Witness) -> None:
    transport = httpx.ASGITransport(app=witness_app(witness))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://w.test") as client:
        answer = await client.post("/add-checkpoint", content="x" * (LARGEST_REQUEST + 1))
    assert answer.status_code == 413


def test_every_refusal_says_a_status_of_the_protocol() -> None:
    kinds: list[type[Refused]] = [BadRequest, NotFromLog, UnknownLog, OtherSize, BadProof]
    assert [kind.status for kind in kinds] == [400, 403, 404, 409, 422]
