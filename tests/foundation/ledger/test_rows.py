"""Rows sealed for the signer, against RFC 9180's known answers and their own laws."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.ledger.rows import (
    BadRow,
    access_key,
    access_public,
    derive_key_pair,
    open_row,
    row_info,
    seal_row,
    subject_key,
)

SCOPE = UUID("6c84fb90-12c4-41e1-840d-2f6a3c7e9b10")
OTHER = UUID("7c84fb90-12c4-41e1-840d-2f6a3c7e9b10")
SID = "ab" * 32
SECRET = bytes(range(32))


def test_key_pairs_are_those_of_rfc_9180(shared_data: Path) -> None:
    known = json.loads((shared_data / "vectors/hpke/rfc9180_base.json").read_text())
    seen = 0
    for suite in known:
        if suite["kem_id"] != str(0x10):
            continue
        for letter in ("E", "R"):
            key = derive_key_pair(bytes.fromhex(suite[f"ikm{letter}"]))
            secret = key.private_numbers().private_value.to_bytes(32, "big")
            assert secret.hex() == suite[f"sk{letter}m"]
            seen += 1
    assert seen


def test_a_row_opens_only_where_it_belongs() -> None:
    sealed = seal_row(access_public(SECRET), SCOPE, SID, "甲公司".encode())
    assert open_row(SECRET, SCOPE, SID, sealed).decode() == "甲公司"
    assert "甲公司".encode() not in sealed
    for secret, scope, sid, row in (
        (bytes(32), SCOPE, SID, sealed),
        (SECRET, OTHER, SID, sealed),
        (SECRET, SCOPE, "cd" * 32, sealed),
        (SECRET, SCOPE, SID, sealed[:-1]),
        (SECRET, SCOPE, SID, sealed[:70] + bytes([sealed[70] ^ 1]) + sealed[71:]),
        (SECRET, SCOPE, SID, b""),
        (SECRET, SCOPE, SID, b"\x04" + bytes(100)),
    ):
        with pytest.raises(BadRow):
            open_row(secret, scope, sid, row)


def test_two_rows_of_one_content_differ() -> None:
    public = access_public(SECRET)
    assert seal_row(public, SCOPE, SID, b"x") != seal_row(public, SCOPE, SID, b"x")


@pytest.mark.parametrize("public", [b"", bytes(65), b"\x04" + bytes(64), b"\x02" + bytes(32)])
def test_a_public_key_that_is_none(public: bytes) -> None:
    with pytest.raises(BadRow):
        seal_row(public, SCOPE, SID, b"x")


@pytest.mark.parametrize("sid", ["", "ab" * 31, "AB" * 32, "zz" * 32, "ab " * 32])
def test_a_sid_that_is_none(sid: str) -> None:
    with pytest.raises(BadRow):
        row_info(SCOPE, sid)


def test_pseudonyms_differ_by_scope_and_subject() -> None:
    named = {subject_key(s, i) for s in (SECRET, bytes(32)) for i in ("91A", "91B")}
    assert len(named) == 4


def test_the_frozen_derivation() -> None:
    # Known answers of our own: a change here orphans every row that was ever sealed.
    public = access_key(SECRET).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert access_public(SECRET) == point
    assert row_info(SCOPE, SID) == b"sunbid/access/v1\0" + str(SCOPE).encode() + b"\xab" * 32
    assert point.hex()[:34] == "0463f553bdbd2d35cc472e407b132c47eb"
    key = subject_key(SECRET, "91110000600037341L")
    assert key.hex() == "6b27e49e112ee7b4081dc6ca8930a5f460143d00ddba6bf6b6b6f834f0348cc2"
