"""The signer: never a second history, a scope's secrets only as its rules say, all on its disk."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certificates import certificate, with_usage
from foundation.database import Database, reading, transaction
from foundation.ledger import rows
from foundation.ledger.keeper import (
    Keeper,
    KeeperRules,
    ReleaseRefused,
    UnknownScope,
)
from foundation.ledger.key_folder import (
    BadSetting,
    FolderInUse,
    StateLost,
    WrongPassphrase,
    read_key_file,
)
from foundation.ledger.leaf import LeafOpening
from foundation.ledger.log import leaf_opening, queue_entry, start_ledger, tick, tlog_proof
from foundation.ledger.login_proof import LoginRefused
from foundation.ledger.note import (
    COSIGNATURE,
    BadNote,
    Checkpoint,
    Note,
    VerifierKey,
    cosign,
    log_key,
    read_key,
    read_note,
    sign_note,
    verify_log_signature,
)
from foundation.ledger.policy import read_policy
from foundation.ledger.proof import make_proof
from foundation.ledger.signer import BadCall, SignerAway, SignerClient, answer, serve_signer
from foundation.ledger.signing import NotAnExtension
from foundation.ledger.tree import (
    BadProof,
    consistency_ranges,
    hash_leaf,
    hash_range,
    inclusion_ranges,
    new_nodes,
    root_of,
)
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.certificates import BadChain
from foundation.statements.signed import KeySigner, Statement, sign, unsigned

ORIGIN = "test.example/ledger"
PASSPHRASE = "correct horse"
SCOPE = UUID("6c84fb90-12c4-41e1-840d-2f6a3c7e9b10")
SID = "ab" * 32
USCC = "91110000600037341L"


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def signer(self, identifier: str) -> KeySigner:
        """A signer whose certificate names this subject."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = named(f"company {identifier}", identifier, key, self)
        return KeySigner(key, (made.public_bytes(Encoding.DER),))


def named(
    name: str,
    identifier: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: Authority | None,
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, identifier),
        ]
    )
    now = datetime.now(UTC)
    over = None if issuer is None else issuer.certificate.subject
    valid = now - timedelta(days=1), now + timedelta(days=300)
    built = with_usage(certificate(subject, key.public_key(), over, valid), ca=issuer is None)
    return built.sign(key if issuer is None else issuer.key, hashes.SHA256())


def an_authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, named("authority", "ROOT", key, None))


@pytest.fixture(scope="module")
def authority() -> Authority:
    """The authority that the signer believes."""
    return an_authority()


def rules(authority: Authority, **changes: Any) -> KeeperRules:
    return KeeperRules(anchors=(authority.der,), release_type="closing", **changes)


@pytest.fixture
def keeper(tmp_path: Path, authority: Authority) -> Iterator[Keeper]:
    """A signer's keeper in a folder of its own."""
    opened = Keeper.open(tmp_path / "state", ORIGIN, PASSPHRASE, rules(authority))
    yield opened
    with contextlib.suppress(OSError):
        opened.close()


def reopen(keeper: Keeper, **changes: Any) -> Keeper:
    keeper.close()
    return Keeper.open(
        keeper.folder,
        changes.pop("origin", ORIGIN),
        changes.pop("passphrase", PASSPHRASE),
        changes.pop("rules", keeper.rules),
    )


LEAVES = [hash_leaf(bytes([number])) for number in range(32)]


def checkpoint(size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin=origin, size=size, root=root_of(leaves[:size]))


def proof(old: int, size: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    nodes = new_nodes(0, leaves[:size], {})
    return [hash_range(part, nodes) for part in consistency_ranges(old, size)]


def test_signs_extensions_and_nothing_else(keeper: Keeper) -> None:
    note = keeper.sign_checkpoint(0, [], checkpoint(8).text())
    verify_log_signature(read_note(note), read_key(keeper.vkey))
    assert keeper.sign_checkpoint(8, [], checkpoint(8).text()) == note
    keeper.sign_checkpoint(8, proof(8, 16), checkpoint(16).text())
    assert keeper.last().size == 16
    other = [hash_leaf(b"other"), *LEAVES[1:]]
    refused: list[tuple[int, list[bytes], str, type[Exception]]] = [
        (16, [], checkpoint(16, other).text(), BadProof),
        (16, proof(16, 24, other), checkpoint(24, other).text(), BadProof),
        (16, proof(16, 24)[:-1], checkpoint(24).text(), BadProof),
        (8, proof(8, 24), checkpoint(24).text(), NotAnExtension),
        (16, [], checkpoint(8).text(), NotAnExtension),
        (0, [], checkpoint(24, other).text(), NotAnExtension),
        (16, proof(16, 24), checkpoint(24, origin="other.example/log").text(), NotAnExtension),
        (16, proof(16, 24), checkpoint(24).text() + "more\n", NotAnExtension),
        (16, [], "nonsense", BadNote),
    ]
    for old, hashes_, text, kind in refused:
        with pytest.raises(kind):
            keeper.sign_checkpoint(old, hashes_, text)
    assert keeper.last().size == 16


def test_misuse_93_two_checkpoints_of_one_size_are_not_signed(keeper: Keeper) -> None:
    keeper.sign_checkpoint(0, [], checkpoint(8).text())
    other = [hash_leaf(b"other"), *LEAVES[1:]]
    with pytest.raises(BadProof):
        keeper.sign_checkpoint(8, [], checkpoint(8, other).text())


def test_an_empty_ledger_is_not_signed(keeper: Keeper) -> None:
    with pytest.raises(NotAnExtension):
        keeper.sign_checkpoint(0, [], checkpoint(0).text())


def test_the_state_is_on_disk_before_the_answer(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)

    def failing(*_: object) -> None:
        raise OSError(28, "no space")

    keeper.sign_checkpoint(0, [], checkpoint(8).text())
    assert synced == ["file", "folder"]
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="no space"):
        keeper.sign_checkpoint(8, proof(8, 16), checkpoint(16).text())
    assert keeper.last().size == 8


def test_what_was_signed_survives_a_restart(keeper: Keeper) -> None:
    keeper.sign_checkpoint(0, [], checkpoint(8).text())
    vkey = keeper.vkey
    again = reopen(keeper)
    try:
        assert (again.vkey, again.last().size) == (vkey, 8)
        with pytest.raises(NotAnExtension):
            again.sign_checkpoint(0, [], checkpoint(8).text())
    finally:
        again.close()


def test_misuse_99_a_key_without_its_state_signs_nothing(keeper: Keeper) -> None:
    keeper.sign_checkpoint(0, [], checkpoint(8).text())
    (keeper.folder / "head.json").unlink()
    with pytest.raises(StateLost, match="new origin"):
        reopen(keeper)


def test_a_state_without_its_key_makes_no_new_key(keeper: Keeper) -> None:
    (keeper.folder / "key.json").unlink()
    with pytest.raises(StateLost):
        reopen(keeper)


@pytest.mark.parametrize("file", ["key.json", "head.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"v":1}', "\udcff"])
def test_a_damaged_state(keeper: Keeper, file: str, content: str) -> None:
    (keeper.folder / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(StateLost):
        reopen(keeper)


def test_settings_that_are_refused(keeper: Keeper, tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(FolderInUse):
        Keeper.open(keeper.folder, ORIGIN, PASSPHRASE, keeper.rules)
    with pytest.raises(WrongPassphrase):
        reopen(keeper, passphrase="wrong")
    with pytest.raises(BadSetting, match="folder of its own"):
        Keeper.open(keeper.folder, "other.example/log", PASSPHRASE, keeper.rules)
    for origin in ("", "a b", "a+b", "x" * 121, "a\n"):
        with pytest.raises(BadSetting):
            Keeper.open(tmp_path / "new", origin, PASSPHRASE, rules(authority))
    with pytest.raises(BadSetting):
        Keeper.open(tmp_path / "new", ORIGIN, "", rules(authority))
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting):
        Keeper.open(tmp_path / "file" / "below", ORIGIN, PASSPHRASE, rules(authority))


def test_keys_and_secrets_do_not_lie_open(keeper: Keeper) -> None:
    keeper.new_scope(SCOPE)
    secret = keeper._secret(keeper._scope(SCOPE))
    seed = keeper.key.private_bytes_raw()
    for path in keeper.folder.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            text = path.read_bytes()
            for hidden in (secret, seed):
                assert hidden not in text
                assert b64(hidden).encode() not in text
                assert hidden.hex().encode() not in text
    assert stat.S_IMODE(keeper.folder.stat().st_mode) == 0o700


def test_a_scope_has_one_secret(keeper: Keeper) -> None:
    access = keeper.new_scope(SCOPE)
    again = reopen(keeper)
    try:
        assert again.new_scope(SCOPE) == access
        assert again.new_scope(uuid4()) != access
        sealed = rows.seal_row(access, SCOPE, SID, b"row")
        assert again.open_row(SCOPE, sealed, SID) == b"row"
        assert again.counts(SCOPE) == {"subject_keys": 0, "rows": 1, "releases": 0, "addresses": 0}
        with pytest.raises(rows.BadRow):
            again.open_row(SCOPE, sealed, "cd" * 32)
        with pytest.raises(UnknownScope):
            again.open_row(uuid4(), sealed, SID)
    finally:
        again.close()


def a_login(at: datetime, **changes: Any) -> Statement:
    body = {
        "v": 1,
        "aud": "https://tender.example",
        "challenge": str(uuid4()),
        "nonce": b64(bytes(16)),
        "match": "42",
        "issued_at": time_text(at),
        "expires_at": time_text(at + timedelta(seconds=120)),
    }
    return unsigned("login", {**body, **changes})


def test_a_subject_key_needs_its_own_login(keeper: Keeper, authority: Authority) -> None:
    keeper.new_scope(SCOPE)
    now = datetime.now(UTC)
    one = keeper.subject_key(SCOPE, sign(a_login(now), authority.signer(USCC)), None)
    same = keeper.subject_key(SCOPE, sign(a_login(now), authority.signer(USCC)), None)
    other = keeper.subject_key(SCOPE, sign(a_login(now), authority.signer("91B")), None)
    assert one == same != other
    assert len(one) == 32
    assert keeper.counts(SCOPE)["subject_keys"] == 3


def test_logins_that_give_no_subject_key(keeper: Keeper, authority: Authority) -> None:
    keeper.new_scope(SCOPE)
    now = datetime.now(UTC)
    signer = authority.signer(USCC)
    good = sign(a_login(now), signer)
    refused: list[tuple[Statement, type[Exception]]] = [
        (sign(a_login(now - timedelta(hours=8, seconds=1)), signer), LoginRefused),
        (sign(a_login(now + timedelta(minutes=5)), signer), LoginRefused),
        (a_login(now), LoginRefused),
        (sign(good, authority.signer("91B")), LoginRefused),
        (sign(a_login(now), an_authority().signer(USCC)), BadChain),
        (sign(unsigned("event", a_login(now).body), signer), LoginRefused),
    ]
    for login, kind in refused:
        with pytest.raises(kind):
            # The caller's time counts in a demonstration only.
            keeper.subject_key(SCOPE, login, now - timedelta(hours=8))
    with pytest.raises(UnknownScope):
        keeper.subject_key(uuid4(), good, None)
    assert keeper.counts(SCOPE)["subject_keys"] == 0


def test_a_login_for_another_platform(keeper: Keeper, authority: Authority) -> None:
    again = reopen(keeper, rules=rules(authority, audience="https://other.example"))
    try:
        again.new_scope(SCOPE)
        with pytest.raises(LoginRefused, match="for https"):
            again.subject_key(SCOPE, sign(a_login(datetime.now(UTC)), authority.signer(USCC)), None)
    finally:
        again.close()


def test_a_demonstration_may_lend_its_clock(keeper: Keeper, authority: Authority) -> None:
    again = reopen(keeper, rules=rules(authority, caller_clock=True))
    try:
        again.new_scope(SCOPE)
        at = datetime.now(UTC) + timedelta(days=30)
        login = sign(a_login(at), authority.signer(USCC))
        assert again.subject_key(SCOPE, login, at + timedelta(hours=1))
        with pytest.raises(LoginRefused):
            again.subject_key(SCOPE, login, at + timedelta(hours=9))
    finally:
        again.close()


@dataclass(frozen=True)
class Release:
    """A release statement with the opening of its leaf and a proof."""

    statement: Statement
    opening: Json
    proof: str


def a_release(keeper: Keeper, index: int = 3, **changes: Any) -> Release:
    """Puts a release statement into a log and has it signed by the keeper."""
    statement = unsigned(
        changes.get("kind", "closing"),
        {"v": 1, "lot": str(changes.get("scope", SCOPE)), "count": 1},
    )
    opened = LeafOpening(
        origin=ORIGIN,
        index=index,
        time_ms=1_700_000_000_000,
        salt=bytes(32),
        body={
            "v": 1,
            "t": changes.get("leaf_kind", "closing"),
            "lot": str(changes.get("leaf_scope", SCOPE)),
            "subject": changes.get("subject", statement.sid),
        },
    )
    leaves = [*LEAVES[:3], opened.leaf_hash, *LEAVES[4:8]]
    note = keeper.sign_checkpoint(0, [], checkpoint(8, leaves).text())
    nodes = new_nodes(0, leaves, {})
    hashes_ = [hash_range(part, nodes) for part in inclusion_ranges(index, 8)]
    return Release(statement, opened.to_json(), make_proof(index, hashes_, note).to_text())


def test_a_secret_is_released_on_its_proof(keeper: Keeper) -> None:
    access = keeper.new_scope(SCOPE)
    sealed = rows.seal_row(access, SCOPE, SID, b"row")
    shown = a_release(keeper)
    secret = keeper.release_scope(SCOPE, shown.statement, shown.opening, shown.proof)
    assert rows.open_row(secret, SCOPE, SID, sealed) == b"row"
    assert keeper.counts(SCOPE)["releases"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "not-opened"},
        {"leaf_kind": "event"},
        {"scope": uuid4()},
        {"leaf_scope": uuid4()},
        {"subject": "0" * 64},
    ],
)
def test_a_release_that_is_none(keeper: Keeper, changes: dict[str, Any]) -> None:
    keeper.new_scope(SCOPE)
    shown = a_release(keeper, **changes)
    with pytest.raises(ReleaseRefused):
        keeper.release_scope(SCOPE, shown.statement, shown.opening, shown.proof)
    assert keeper.counts(SCOPE)["releases"] == 0


def test_a_release_that_is_not_proven(keeper: Keeper) -> None:
    keeper.new_scope(SCOPE)
    shown = a_release(keeper)
    lines = shown.proof.split("\n")
    other = Checkpoint(origin=ORIGIN, size=8, root=root_of(LEAVES[:8]))
    foreign = foreign_note(other)
    spoilt: list[tuple[Json, str, type[Exception]]] = [
        (shown.opening, "\n".join([*lines[:2], *lines[3:]]), BadProof),
        ({**shown.opening, "time_ms": 1}, shown.proof, BadProof),
        ({**shown.opening, "index": 4}, shown.proof, ReleaseRefused),
        ({**shown.opening, "origin": "other.example/log"}, shown.proof, ReleaseRefused),
        (shown.opening, shown.proof.replace("index 3", "index 2"), ReleaseRefused),
        (shown.opening, shown.proof.split("\n\n")[0] + "\n\n" + foreign, BadNote),
    ]
    for opening, text, kind in spoilt:
        with pytest.raises(kind):
            keeper.release_scope(SCOPE, shown.statement, opening, text)
    assert keeper.counts(SCOPE)["releases"] == 0


def foreign_note(shown: Checkpoint) -> str:
    """A checkpoint of the same origin, signed by somebody else."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return Note(text=shown.text(), lines=(sign_note(shown.text(), ORIGIN, key),)).to_text()


def test_a_release_below_the_quorum(keeper: Keeper, authority: Authority) -> None:
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    seen = VerifierKey(name="w", kind=COSIGNATURE, public=log_key("w", witness).public)
    text = f"log {keeper.vkey}\nwitness w {seen.text()}\nquorum w\n"
    again = reopen(keeper, rules=rules(authority, policy=read_policy(text)))
    try:
        again.new_scope(SCOPE)
        shown = a_release(again)
        with pytest.raises(ReleaseRefused, match="witnesses"):
            again.release_scope(SCOPE, shown.statement, shown.opening, shown.proof)
        line = cosign(read_note(shown.proof.split("\n\n", 1)[1]).text, "w", witness, 1_700_000_001)
        assert again.release_scope(SCOPE, shown.statement, shown.opening, shown.proof + line.text())
    finally:
        again.close()


def test_a_release_that_must_be_signed(keeper: Keeper, authority: Authority) -> None:
    again = reopen(keeper, rules=rules(authority, release_anchors=(authority.der,)))
    try:
        again.new_scope(SCOPE)
        shown = a_release(again)
        with pytest.raises(ReleaseRefused, match="no signature"):
            again.release_scope(SCOPE, shown.statement, shown.opening, shown.proof)
    finally:
        again.close()


@pytest.fixture
async def client(keeper: Keeper, tmp_path: Path) -> AsyncIterator[SignerClient]:
    """A client of a signer that serves in this process."""
    path = tmp_path / "signer.sock"
    ready = asyncio.Event()
    serving = asyncio.create_task(serve_signer(keeper, path, ready.set))
    await ready.wait()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = SignerClient(path)
    yield made
    await made.close()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    assert not path.exists()


async def test_the_client_asks_all_calls(client: SignerClient, authority: Authority) -> None:
    access = await client.new_scope(SCOPE)
    login = sign(a_login(datetime.now(UTC)), authority.signer(USCC))
    assert len(await client.subject_key(SCOPE, login)) == 32
    sealed = rows.seal_row(access, SCOPE, SID, b"\x00row")
    assert await client.open_row(SCOPE, sealed, SID) == b"\x00row"
    note = await client.sign_checkpoint(0, [], checkpoint(8))
    assert read_note(note).text == checkpoint(8).text()
    await client.sign_checkpoint(8, proof(8, 16), checkpoint(16))
    assert (await client.last()).root == checkpoint(16).root
    with pytest.raises(UnknownScope):
        await client.new_scope(SCOPE) and await client.open_row(uuid4(), sealed, SID)
    with pytest.raises(NotAnExtension):
        await client.sign_checkpoint(0, [], checkpoint(8))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"call":"nothing"}',
        b'{"call":"new_scope","scope":"x"}',
        b'{"call":"new_scope","scope":"../../etc/passwd"}',
        b'{"call":"sign","old_size":0,"proof":[1],"checkpoint":"x"}',
        b'{"call":"sign","old_size":0,"proof":["!"],"checkpoint":"x"}',
        b'{"call":"sign","old_size":1e400,"proof":[],"checkpoint":"x"}',
        b'{"call":"open_row","scope":"6c84fb90-12c4-41e1-840d-2f6a3c7e9b10","sealed":"","sid":""}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_calls_that_are_none_get_a_refusal(client: SignerClient, line: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(client.path))
    writer.write(line + b"\n")
    answered = json.loads(await reader.readline())
    writer.close()
    assert set(answered) == {"refused", "message"}
    assert (await client.last()).size == 0


async def test_a_signer_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(SignerAway, match="sunbid signer"):
        await SignerClient(tmp_path / "nothing.sock").last()


async def test_a_signer_that_is_silent(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(silent, path=str(tmp_path / "silent.sock"))
    client = SignerClient(tmp_path / "silent.sock", timeout_s=0.05)
    with pytest.raises(SignerAway):
        await client.last()
    await client.close()
    await asyncio.sleep(0.01)
    server.close()


async def test_the_client_follows_a_signer_that_was_started_anew(
    keeper: Keeper, tmp_path: Path
) -> None:
    path = tmp_path / "signer.sock"
    client = SignerClient(path)
    for _ in range(2):
        ready = asyncio.Event()
        serving = asyncio.create_task(serve_signer(keeper, path, ready.set))
        await ready.wait()
        assert (await client.last()).size == 0
        with pytest.raises(BadSetting, match="another signer answers"):
            await serve_signer(keeper, path, ready.set)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        # Connections of a killed process are closed by the kernel; here we do it.
        await client.close()
    with pytest.raises(SignerAway):
        await client.last()


def test_a_call_that_is_unknown(keeper: Keeper) -> None:
    with pytest.raises(BadCall):
        answer(keeper, {"call": "key"})


PROGRAM = """
import argparse, sys
from foundation.problems import Refused
from sunbid.commands import signer
parser = argparse.ArgumentParser()
signer.add_arguments(parser)
try:
    sys.exit(signer.run(parser.parse_args()))
except Refused as refused:
    print(refused.message, file=sys.stderr)
    sys.exit(2)
"""


@contextlib.contextmanager
def a_process(folder: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    source = Path(__file__).resolve().parents[3] / "src"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "--state", str(folder / "state")),
            *("--socket", str(folder / "s.sock"), "--origin", ORIGIN),
            *words,
        ],
        env={**os.environ, "PYTHONPATH": str(source), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_the_command_signs_a_ledger_and_survives_a_kill(
    tmp_path: Path, database: Database
) -> None:
    vkeys = set()
    client = SignerClient(tmp_path / "s.sock")
    for expected in (8, 16):
        with a_process(tmp_path, SUNBID_SIGNER_PASSPHRASE=PASSPHRASE) as process:
            assert process.stdout is not None
            vkeys.add(process.stdout.readline())
            assert process.stdout.readline().startswith("listening on ")
            await start_ledger(database, client)
            assert (await tick(database, client)).size == expected
            process.kill()
            process.wait()
        with pytest.raises(SignerAway):
            await tick(database, client)
    assert len(vkeys) == 1
    assert vkeys.pop().startswith(f"log {ORIGIN}+")
    # What the tests of this process make costs less.
    assert read_key_file(tmp_path / "state", ORIGIN).kdf.n == 2**15
    await client.close()


def test_the_command_ends_on_a_signal_and_leaves_no_socket(tmp_path: Path) -> None:
    with a_process(tmp_path, SUNBID_SIGNER_PASSPHRASE=PASSPHRASE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not (tmp_path / "s.sock").exists()


@pytest.mark.parametrize(
    ("words", "variables", "sentence"),
    [
        ([], {"SUNBID_SIGNER_PASSPHRASE": ""}, "passphrase"),
        (
            ["--clock", "demo"],
            {"SUNBID_SIGNER_PASSPHRASE": "x", "SUNBID_MODE": "production"},
            "demo",
        ),
        (["--anchor", "/nothing"], {"SUNBID_SIGNER_PASSPHRASE": "x"}, "certificate"),
        (["--policy", "/nothing"], {"SUNBID_SIGNER_PASSPHRASE": "x"}, "policy"),
        (["--passphrase-file", "/nothing"], {}, "passphrase"),
    ],
)
def test_the_command_says_what_is_wrong(
    tmp_path: Path, words: list[str], variables: dict[str, str], sentence: str
) -> None:
    with a_process(tmp_path, *words, **variables) as process:
        _, said = process.communicate(timeout=20)
        assert process.returncode == 2
        assert sentence in said
        assert "Traceback" not in said
    assert not (tmp_path / "state").exists()


async def test_a_lot_from_its_secret_to_its_release_through_the_ledger(
    database: Database, client: SignerClient
) -> None:
    await start_ledger(database, client)
    access = await client.new_scope(SCOPE)
    sealed = rows.seal_row(access, SCOPE, SID, b"row")
    statement = unsigned("closing", {"v": 1, "lot": str(SCOPE)})
    async with transaction(database, "bidding") as connection:
        queue_id = await queue_entry(
            connection, {"v": 1, "t": "closing", "lot": str(SCOPE), "subject": statement.sid}
        )
    await tick(database, client)
    async with reading(database, "bidding") as connection:
        opening = await leaf_opening(connection, queue_id)
        assert opening is not None
        text = await tlog_proof(connection, opening["index"])
    secret = await client.release_scope(SCOPE, statement, opening, text)
    assert rows.open_row(secret, SCOPE, SID, sealed) == b"row"
