"""C15 with time-stamp tokens: who outside saw the cut, and when (sealing.md 7.3)."""

import base64
import functools
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import keys, tsp, x509
from pyhanko.sign.timestamps import DummyTimeStamper

from foundation.ledger.note import read_note
from foundation.ledger.timestamp import time_query
from foundation.statements.canonical import b64
from package_factory import DEADLINE, Factory
from sunbid.timestamp_app import TimeFolder
from sunbid.verify.report import Check
from sunbid.verify.verifier import verify_package


@functools.cache
def authority() -> tuple[TimeFolder, bytes]:
    """A development authority and its root; making RSA keys takes a while."""
    with tempfile.TemporaryDirectory() as folder:
        opened = TimeFolder.open(Path(folder))
        return opened, (Path(folder) / "root.der").read_bytes()


def token_over(text: str, at_ms: int) -> bytes:
    opened, _ = authority()
    stamper = DummyTimeStamper(
        x509.Certificate.load(opened.certificate),
        keys.PrivateKeyInfo.load(opened.key),
        fixed_dt=datetime.fromtimestamp(at_ms // 1000, UTC),
    )
    reply = stamper.request_tsa_response(tsp.TimeStampReq.load(time_query(text, 7)))
    return bytes(reply["time_stamp_token"].dump())


def stamped(at_ms: int, *, over: str | None = None, root: bool = True) -> Check:
    """C15 of a package whose cut is stamped at a time, over its own checkpoint or another text."""
    factory = Factory().build()
    shown = next(one for one in factory.opening["checkpoints"] if one["note"] == factory.cut_note)
    text = read_note(factory.cut_note).text if over is None else over
    shown["token"] = b64(token_over(text, at_ms))
    policy = factory.policy()
    if root:
        policy += b"#anchor timestamp " + base64.b64encode(authority()[1]) + b"\n"
    checks = verify_package(io.BytesIO(factory.zip()), policy)
    return next(check for check in checks if check.id == "C15")


def test_a_token_in_time_is_an_outside_time() -> None:
    check = stamped(DEADLINE + 30_000)
    assert (check.ok, "no outside time" in check.detail) == (True, False)


@pytest.mark.threat("T14")
def test_a_late_token_is_a_late_cut() -> None:
    check = stamped(DEADLINE + 90_000)
    assert (check.ok, "late cut" in check.detail) == (None, True)


@pytest.mark.threat("T14")
def test_a_token_over_another_checkpoint_proves_nothing() -> None:
    check = stamped(DEADLINE + 30_000, over="another\n8\nAAAA\n")
    assert (check.ok, "over another text" in check.detail) == (False, True)


def test_a_token_by_an_unknown_authority_proves_nothing() -> None:
    check = stamped(DEADLINE + 30_000, root=False)
    assert (check.ok, "no trusted root" in check.detail) == (False, True)
