"""`sunbid seal`, `rehearse` and `envelope check` as a bidder calls them."""

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sealing_world as world
from bidding.sealing import bodies
from bidding.sealing.bidder import read_record
from bidding.sealing.bodies import Manifest
from bidding.sealing.checks import Material, read_material
from bidding.sealing.envelope import check_listed, check_manifest, read_file_head
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.package import read_entry
from bidding.sealing.parts import hash_file
from bidding.sealing.suites import GM_1
from foundation.statements.canonical import b64, parse, time_text, unb64
from foundation.statements.keyfile import read_public
from foundation.statements.signed import KeySigner, decode_body, read, sign, unsigned
from sunbid.cli import main

pytestmark = pytest.mark.domain
ROOT = Path(__file__).resolve().parents[3]


class Desk:
    """A bidder's folder with a lot file, two volumes and a passphrase."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "qual").mkdir()
        (folder / "qual" / "资格.txt").write_text("营业执照")
        (folder / "price").mkdir()
        (folder / "price" / "open-items.json").write_text('{ "price_yuan": "123.40" }')
        (folder / "passphrase").write_text("a passphrase\n")
        self.write_lot()

    def write_lot(self, **changes: Any) -> None:
        (self.folder / "lot.json").write_text(json.dumps(lot_file(**changes), indent=1))

    def seal(self, *more: str, out: str = "out", **changes: str) -> int:
        """Run `sunbid seal`."""
        words = {
            "--uscc": world.BIDDER,
            "--name": "某某公司",
            "--out": str(self.folder / out),
            "--passphrase-file": str(self.folder / "passphrase"),
            **changes,
        }
        flat = [word for pair in words.items() for word in pair]
        volumes = more if any("=" in word for word in more) else (*self.volumes(), *more)
        return main(["seal", str(self.folder / "lot.json"), *flat, *volumes])

    def volumes(self) -> list[str]:
        return [
            word
            for name in ("qual", "price")
            for word in ("--volume", f"{name}={self.folder / name}")
        ]

    def left(self) -> set[str]:
        """What lies in the folder besides what the bidder put there."""
        own = {"qual", "price", "passphrase", "lot.json"}
        return {path.name for path in self.folder.iterdir()} - own


def lot_file(**changes: Any) -> dict[str, Any]:
    return world.lot_file(**changes)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("SUNBID_MODE", raising=False)
    monkeypatch.setattr("sunbid.commands.seal.datetime", Clock)
    return Desk(tmp_path)


class Clock(datetime):
    """The bidder's own clock, within the time of the test's certificates."""

    @classmethod
    def now(cls, tz: Any = None) -> "Clock":
        at = world.NOW + timedelta(hours=1)
        return cls.fromtimestamp(at.timestamp(), tz)


def test_a_sealed_bid_would_be_accepted(desk: Desk) -> None:
    assert desk.seal() == 0
    out = desk.folder / "out"
    names = {path.name for path in out.iterdir()}
    assert names == {
        "qual.tbe",
        "price.tbe",
        "manifest.json",
        "sealing-record.json",
        "opening-keys.json",
        "opening-key.json",
        "recovery-code.txt",
        "trust.json",
    }
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE((out / name).stat().st_mode) for name in names} == {0o600}
    keys = lot_keys(read((out / "opening-keys.json").read_bytes()))
    manifest = read((out / "manifest.json").read_bytes())
    assert manifest.sigs == ()
    body = decode_body(manifest, Manifest)
    check_manifest(body, keys, {"qual", "price"})
    for listed in body.envelopes:
        path = out / f"{listed.volume}.tbe"
        check_listed(body, listed, read_file_head(path), keys, hash_file(path).tree())
    assert body.client_time == time_text(world.NOW + timedelta(hours=1))


def test_the_record_alone_opens_nothing_and_b_is_nowhere(desk: Desk) -> None:
    assert desk.seal() == 0
    record = (desk.folder / "out" / "sealing-record.json").read_bytes()
    read_record(record)
    assert set(parse(record, limit=1 << 20)["volumes"][0]) == {
        "volume", "file", "tree", "parts", "t", "bidder_salt",
    }  # fmt: skip


def test_a_lot_of_gm_is_sealed_with_keys_of_gm_and_rehearsed(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "lot.json").write_text(json.dumps(world.lot_file(GM_1)))
    assert desk.seal() == 0
    out = desk.folder / "out"
    body = decode_body(read((out / "manifest.json").read_bytes()), Manifest)
    assert body.suite == "GM-1"
    assert read_public(out / "opening-key.json").curve == "SM2"
    head = read_file_head(out / "qual.tbe")
    assert head.header_hash == GM_1.hash(head.header_bytes)
    assert {len(unb64(share.ct)) for share in head.wraps.t.shares} == {161}
    words = ["rehearse", str(out), "--passphrase-file", str(desk.folder / "passphrase")]
    assert main(words) == 0
    capsys.readouterr()


def test_opening_keys_signed_by_another_suite_are_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = unsigned("opening-keys", world.opening_keys_body(GM_1))
    for uscc in (world.BUYER, world.SUPERVISOR):
        keys = sign(keys, world.licence(uscc))
    made = {**world.lot_file(GM_1), "opening_keys": keys.json()}
    made["anchors"] += [b64(world.anchor())]
    (desk.folder / "lot.json").write_text(json.dumps(made))
    assert desk.seal() != 0
    assert "GM-1" in capsys.readouterr().err
    assert desk.left() == set()


def test_both_keys_rehearse(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.seal() == 0
    out = str(desk.folder / "out")
    capsys.readouterr()
    passphrase = ["--passphrase-file", str(desk.folder / "passphrase")]
    unpack = ["--unpack", str(desk.folder / "opened")]
    assert main(["rehearse", out, "--json", *passphrase, *unpack]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["opened_by"]) == (True, "opening key")
    raw = read_entry(desk.folder / "opened" / "price.zip", "open-items.json", limit=1000)
    assert raw == b'{"price_yuan":"123.40"}'
    assert main(["rehearse", out, "--recovery-code-file", f"{out}/recovery-code.txt"]) == 0
    assert "recovery code" in capsys.readouterr().out


@pytest.mark.parametrize("at", [20, 700, -1])
def test_a_damaged_file_fails_the_rehearsal(
    desk: Desk, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    assert desk.seal() == 0
    path = desk.folder / "out" / "qual.tbe"
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)
    passphrase = ["--passphrase-file", str(desk.folder / "passphrase")]
    assert main(["rehearse", str(desk.folder / "out"), *passphrase]) == 2
    assert "changed file" in capsys.readouterr().err


def test_the_wrong_passphrase_or_code_is_a_sentence(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.seal() == 0
    out = str(desk.folder / "out")
    (desk.folder / "passphrase").write_text("another")
    assert main(["rehearse", out, "--passphrase-file", str(desk.folder / "passphrase")]) == 2
    (desk.folder / "code").write_text("0000-0000-0000-0000-0000-0000-0000")
    assert main(["rehearse", out, "--recovery-code-file", str(desk.folder / "code")]) == 2
    said = capsys.readouterr().err
    assert "passphrase" in said
    assert "typing error" in said
    assert "Traceback" not in said


def test_a_replacement_uses_the_same_keys(desk: Desk) -> None:
    assert desk.seal() == 0
    out = desk.folder / "out"
    sid = read((out / "manifest.json").read_bytes()).sid
    assert (
        desk.seal(
            out="second",
            **{
                "--seq": "2",
                "--prev": sid,
                "--opening-key": str(out / "opening-key.json"),
                "--recovery-code-file": str(out / "recovery-code.txt"),
            },
        )
        == 0
    )
    first, second = (
        read_file_head(out / "qual.tbe"),
        read_file_head(desk.folder / "second" / "qual.tbe"),
    )
    assert [b.kid for b in first.wraps.b] == [b.kid for b in second.wraps.b]
    assert [b.ct for b in first.wraps.b] != [b.ct for b in second.wraps.b]


def test_the_printed_opening_keys_are_compared(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    sid = world.opening_keys().sid
    assert desk.seal("--expect-opening-keys", "0" * 64) == 2
    assert "do not seal" in capsys.readouterr().err
    assert desk.left() == set()
    assert desk.seal("--expect-opening-keys", sid, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["opening_keys"] == sid
    assert not any("compare" in remark for remark in said["remarks"])


def test_case_66_a_lot_file_without_the_supervisor_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = sign(unsigned("opening-keys", world.opening_keys_body()), world.licence(world.BUYER))
    desk.write_lot(opening_keys=keys.json())
    assert desk.seal() == 2
    assert world.SUPERVISOR in capsys.readouterr().err
    assert desk.left() == set()


@pytest.mark.parametrize(
    ("more", "changes", "said"),
    [
        (("--volume", "qual=QUAL"), {}, "expected the volumes"),
        (("--volume", "qual"), {}, "NAME=PATH"),
        (("--volume", "qual=/nowhere"), {}, "nothing there"),
        ((), {"--uscc": "91340600MA000010X0"}, "last character"),
        ((), {"--name": ""}, "name"),
        ((), {"--seq": "2"}, "--prev"),
        ((), {"--prev": "0" * 64}, "--seq 1"),
        ((), {"--seq": "2", "--prev": "x"}, "prev"),
        ((), {"--passphrase-file": "/nowhere"}, "passphrase"),
        ((), {"--recovery-code-file": "/nowhere"}, "No such file"),
        ((), {"--anchor": "/dev/null"}, "certificate"),
        ((), {"--policy": "/dev/null"}, "quorum"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_leaves_nothing(
    desk: Desk,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    changes: dict[str, str],
    said: str,
) -> None:
    words = [word.replace("QUAL", str(desk.folder / "qual")) for word in more]
    assert desk.seal(*words, **changes) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert desk.left() == set()


def test_a_price_without_its_line_leaves_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "price" / "open-items.json").unlink()
    (desk.folder / "price" / "a.txt").write_text("x")
    assert desk.seal() == 2
    assert "open-items.json" in capsys.readouterr().err
    assert desk.left() == set()


def test_an_executable_in_a_volume_is_found_before_sealing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "qual" / "report.pdf").write_bytes(b"MZ\x90\0" + bytes(60))
    assert desk.seal() == 2
    assert "executable" in capsys.readouterr().err
    assert desk.left() == set()


def test_nothing_is_written_over(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    out = desk.folder / "out"
    out.mkdir()
    (out / "mine").write_text("x")
    assert desk.seal() == 2
    assert [path.name for path in out.iterdir()] == ["mine"]
    (out / "mine").unlink()
    assert desk.seal() == 0


def test_the_machine_code_is_packed(desk: Desk) -> None:
    assert desk.seal("--machine-code", "AAAA-BBBB") == 0
    passphrase = ["--passphrase-file", str(desk.folder / "passphrase")]
    opened = desk.folder / "opened"
    assert main(["rehearse", str(desk.folder / "out"), "--unpack", str(opened), *passphrase]) == 0
    for volume in ("qual", "price"):
        raw = read_entry(opened / f"{volume}.zip", "sunbid-package.json", limit=4096)
        assert raw is not None
        assert parse(raw, limit=4096)["machine_code"] == "AAAA-BBBB"


def test_the_demonstrations_clock_needs_the_demonstration(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = world.NOW + timedelta(days=2)
    body = {"v": 1, "platform": time_text(at), "real": time_text(world.NOW), "factor": 60}
    clock = sign(unsigned("platform-time", body), KeySigner(world.key_from("platform")))
    ledger = world.Ledger()
    keys = unsigned("opening-keys", world.opening_keys_body(clock="demo"))
    for uscc in (world.BUYER, world.SUPERVISOR):
        keys = sign(keys, world.licence(uscc))
    for one in (keys, world.schedule()):
        ledger.add(one)
    desk.write_lot(
        opening_keys=keys.json(),
        leaves=[opening.to_json() for opening in ledger.openings],
        proofs={"0": ledger.proof(0), "1": ledger.proof(1)},
        clock="demo",
        platform_time=clock.json(),
    )
    assert desk.seal() == 2
    assert "SUNBID_MODE=demo" in capsys.readouterr().err
    monkeypatch.setenv("SUNBID_MODE", "demo")
    assert desk.seal() == 0
    assert "demonstration: the platform's clock says" in capsys.readouterr().out
    manifest = read((desk.folder / "out" / "manifest.json").read_bytes())
    assert manifest.body["client_time"] == time_text(at)


def test_envelope_check_says_what_to_do(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.seal() == 0
    out = desk.folder / "out"
    capsys.readouterr()

    def check(path: Path, *more: str) -> tuple[int, dict[str, Any]]:
        words = ["envelope", "check", str(path), "--opening-keys", str(out / "opening-keys.json")]
        status = main([*words, "--json", *more])
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return status, found

    status, said = check(out / "qual.tbe")
    assert (status, said["ok"]) == (0, True)
    status, said = check(desk.folder / "qual" / "资格.txt")
    assert (status, said["ok"], said["code"]) == (1, False, "E_MAGIC")
    assert "sunbid seal" in said["next"]
    cut = desk.folder / "cut.tbe"
    cut.write_bytes((out / "qual.tbe").read_bytes()[:-1])
    status, said = check(cut)
    assert (status, said["code"]) == (1, "E_TRUNCATED")
    other = desk.folder / "other.json"
    other.write_bytes(unsigned("opening-keys", world.opening_keys_body(version=2)).file())
    status, said = check(out / "qual.tbe", "--opening-keys", str(other))
    assert (status, said["code"]) == (1, "E_OPENING_KEYS")
    assert main(["envelope", "check", str(cut), "--opening-keys", str(cut)]) == 2


def test_the_commands_need_no_server() -> None:
    """A fresh process that loads them has neither the web framework nor the database driver."""
    code = (
        "import sys\n"
        "from sunbid.commands import envelope, rehearse, seal\n"
        "bad = {'litestar', 'asyncpg', 'granian', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_lot_file_of_the_world_reads() -> None:
    found: Material = read_material(json.dumps(lot_file()).encode())
    assert found.v == 1
    assert bodies.BODY_OF["manifest"] is Manifest
    assert datetime.now(UTC) + timedelta(days=3650) > world.NOW
