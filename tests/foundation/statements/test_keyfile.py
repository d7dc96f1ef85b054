"""Key files: what opens them, what is readable without, and what is refused."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.statements.canonical import BadField
from foundation.statements.keyfile import (
    EXCHANGE,
    PAIR,
    SIGNING,
    BadKeyFile,
    KeyFileExists,
    Kind,
    WrongPassphrase,
    load_key,
    new_key,
    read_public,
)
from foundation.statements.signed import check_signature

pytestmark = pytest.mark.domain
ROOT = Path(__file__).resolve().parents[3]
MAKES_A_KEY = """
import sys
from pathlib import Path
from foundation.statements.keyfile import SIGNING, new_key
new_key(Path(sys.argv[1]), "p", SIGNING)
"""


@pytest.mark.parametrize("kind", [SIGNING, EXCHANGE, PAIR])
def test_a_key_is_read_back(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "key.json"
    made = new_key(path, "a passphrase", kind)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = load_key(path, "a passphrase")
    assert read_public(path) == made.public == loaded.public
    if kind != EXCHANGE:
        signer = loaded.signer
        check_signature("ES256", signer.public, b"m", signer.sign(b"m"))
    if kind != SIGNING:
        other = new_key(tmp_path / "other.json", "x", EXCHANGE).exchange
        assert loaded.exchange.exchange(other.public) == other.exchange(loaded.exchange.public)


def test_a_wrong_passphrase_is_refused(tmp_path: Path) -> None:
    new_key(tmp_path / "key.json", "right", PAIR)
    with pytest.raises(WrongPassphrase):
        load_key(tmp_path / "key.json", "wrong")


def test_a_key_is_never_overwritten_nor_without_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    new_key(path, "p", SIGNING)
    before = path.read_bytes()
    with pytest.raises(KeyFileExists):
        new_key(path, "p", SIGNING)
    assert path.read_bytes() == before
    with pytest.raises(BadKeyFile):
        new_key(tmp_path / "other.json", "", SIGNING)


def test_a_changed_public_part_is_refused(tmp_path: Path) -> None:
    mine, foreign = tmp_path / "mine.json", tmp_path / "foreign.json"
    new_key(mine, "p", EXCHANGE)
    new_key(foreign, "p", EXCHANGE)
    changed = json.loads(mine.read_text())
    changed["public"] = json.loads(foreign.read_text())["public"]
    mine.write_text(json.dumps(changed))
    with pytest.raises(WrongPassphrase):
        load_key(mine, "p")


def test_a_key_file_does_only_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(BadKeyFile):
        _ = new_key(tmp_path / "a", "p", SIGNING).exchange
    with pytest.raises(BadKeyFile):
        _ = new_key(tmp_path / "b", "p", EXCHANGE).signer


@pytest.mark.parametrize("raw", [b"", b"{}", b"[" * 9000, b"\xff", b'{"v":1}', bytes(20_000)])
def test_other_files_are_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(raw)
    with pytest.raises(BadKeyFile):
        read_public(path)
    with pytest.raises(BadKeyFile):
        load_key(tmp_path / "missing.json", "p")


def test_guessing_a_passphrase_costs_16_mib_each_time(tmp_path: Path) -> None:
    """In a process of its own: what the tests make here costs less."""
    path = tmp_path / "key.json"
    subprocess.run(
        [sys.executable, "-c", MAKES_A_KEY, path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    assert json.loads(path.read_text())["kdf"]["n"] == 2**14


@pytest.mark.parametrize("cost", [0, 3, -16, 2**18])
def test_a_cost_that_would_stop_the_machine_is_refused(tmp_path: Path, cost: int) -> None:
    path = tmp_path / "key.json"
    new_key(path, "p", SIGNING)
    changed = json.loads(path.read_text())
    changed["kdf"]["n"] = cost
    path.write_text(json.dumps(changed))
    with pytest.raises(BadKeyFile):
        load_key(path, "p")


def test_a_foreign_point_is_refused_by_the_key(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.json", "p", EXCHANGE).exchange
    for point in (b"\4" + bytes(64), bytes(32), b""):
        with pytest.raises(BadField):
            key.exchange(point)
