"""Envelopes of ours in the hands of the verifier, which shares no code with this package."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bidding.sealing import envelope as ours
from bidding.sealing.envelope import read_head
from bidding.sealing.opening_keys import lot_keys
from bidding.sealing.seal import Secrets, write_envelope
from bidding.sealing.shares import Halves
from foundation.statements.canonical import unb64
from foundation.statements.signed import read
from sealing_world import BIDDER_POINTS
from sunbid.verify import envelope as theirs
from sunbid.verify.canonical import Malformed
from vectors.make_sealing import Plain

pytestmark = pytest.mark.domain

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "sealing"
KEYS = lot_keys(read((FOLDER / "opening-keys.json").read_bytes()))
ROWS: list[dict[str, Any]] = json.loads((FOLDER / "v3-envelopes.json").read_text())["content"][
    "envelopes"
]
# Codes that a file alone gives; the others need the opening keys.
ALONE = {
    "E_MAGIC",
    "E_TRUNCATED",
    "E_TRAILING",
    "E_HEADER_SIZE",
    "E_WRAPS_SIZE",
    "E_NOT_CANONICAL",
    "E_FIELD",
    "E_LENGTH_FORMULA",
    "E_EMPTY",
    "E_TOO_LARGE",
}


def written(row: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    halves = Halves(t=bytes.fromhex(row["t"]), b=bytes.fromhex(row["b"]))
    write_envelope(
        Plain(row["plain_len"]),
        file,
        ours.read_header(row["header"].encode()),
        Secrets(halves=halves, salt=bytes.fromhex(row["salt"])),
        KEYS,
        BIDDER_POINTS,
    )
    return file.getvalue()


@pytest.mark.parametrize("row", ROWS[:5], ids=[str(row["plain_len"]) for row in ROWS[:5]])
def test_the_verifier_reads_deals_and_opens_what_was_sealed(row: dict[str, Any]) -> None:
    raw = written(row)
    found = theirs.read_envelope(io.BytesIO(raw), "file")
    assert (found.tree, found.size) == (row["tree"], row["size"])
    hh, t, b = (bytes.fromhex(row[name]) for name in ("header_hash", "t", "b"))
    groups = {
        name: (group.k, [unb64(member.body.pk) for member in group.members])
        for name, group in (("T", KEYS.body.t), ("R", KEYS.body.r))
        if group is not None
    }
    groups["B"] = (1, list(BIDDER_POINTS))
    assert theirs.deal((t, b), hh, KEYS.sid_bytes, groups).wrong(found.wraps) == []
    key = theirs.input_key(t, b, hh)
    context = hh + bytes.fromhex(row["wraps_hash"])
    chunks = theirs.open_chunks(key, context, io.BytesIO(raw[found.payload_at :]))
    plain = Plain(row["plain_len"]).read()
    assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(plain).digest()


def test_the_verifier_refuses_what_we_refuse_in_a_file_alone() -> None:
    tried = 0
    for path in sorted((FOLDER / "negative").glob("*.txt")):
        head, _, encoded = path.read_text().partition("file:\n")
        code = dict(line.split(": ", 1) for line in head.strip().split("\n"))["expect"]
        raw = base64.b64decode(encoded)
        if code not in ALONE:
            continue
        tried += 1
        with pytest.raises(Malformed):
            theirs.read_envelope(io.BytesIO(raw), path.stem)
    assert tried == 20


def test_both_cut_a_good_file_in_the_same_place() -> None:
    raw = written(ROWS[0])
    for end in range(len(raw)):
        with pytest.raises(Malformed):
            theirs.read_envelope(io.BytesIO(raw[:end]), "cut")
    assert (
        read_head(raw, len(raw)).payload_offset
        == theirs.read_envelope(io.BytesIO(raw), "whole").payload_at
    )
