"""Bytes at the platform's door: sizes, foreign files and every flipped bit (cases 1 to 15)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from bidding.bid.domain import UPLOAD_LIMIT
from bidding.sealing.envelope import LARGEST_HEAD, read_head, split_head
from bidding.sealing.parts import PART, hash_file, part_hash, tree_of_parts
from bidding.sealing.suites import INTL_1
from bidding.sealing.wraps import read_wraps
from foundation.problems import Refused
from foundation.statements.canonical import BadField, canonical, parse
from page_world import As
from sealing_world import opening_keys, seal_bytes
from whole_app import platform_of
from world import World


@pytest_asyncio.fixture
async def door(
    open_lot: World, application_dsn: str
) -> AsyncIterator[tuple[World, httpx.AsyncClient, As]]:
    """The whole application, and a bidder who is logged in."""
    async with platform_of(open_lot, application_dsn) as (client, who):
        who.session = open_lot.login(open_lot.bidder(1), await open_lot.now())
        yield open_lot, client, who


async def begun(client: httpx.AsyncClient, content: bytes) -> tuple[str, dict[str, str]]:
    """An upload of one part: the address of the part and the headers of its PUT."""
    part = part_hash(content)
    asked = {"size": len(content), "tree": tree_of_parts([part]), "parts": [part]}
    made = (await client.post("/api/v1/uploads", json=asked)).json()
    headers = {"Part-Hash": part, "Upload-Secret": made["secret"]}
    return f"/api/v1/uploads/{made['upload']}", headers


@pytest.mark.misuse(12)
async def test_too_large_is_refused_when_it_is_announced_and_when_it_is_sent(
    door: tuple[World, httpx.AsyncClient, As],
) -> None:
    world, client, _ = door
    parts = ["0" * 64]
    asked = {"size": UPLOAD_LIMIT + 1, "tree": "0" * 64, "parts": parts}
    no = await client.post("/api/v1/uploads", json=asked)
    assert (no.status_code, no.json()["code"]) == (413, "E_TOO_LARGE")
    place, headers = await begun(client, b"x")
    no = await client.put(f"{place}/parts/0", content=bytes(PART + 1), headers=headers)
    assert (no.status_code, no.json()["code"]) == (413, "E_TOO_LARGE")
    assert not list((world.desk.objects.folder / "blobs").rglob("*"))


@pytest.mark.misuse(1, 2, 3)
@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7 price 100.00", b"PK\x03\x04 price 100.00", b"\x89TBE1\n\x1a\n", b"\0"],
    ids=["PDF", "ZIP", "mangled", "one byte"],
)
async def test_what_is_not_sealed_is_refused_with_a_prompt_and_deleted(
    door: tuple[World, httpx.AsyncClient, As], content: bytes
) -> None:
    world, client, _ = door
    place, headers = await begun(client, content)
    no = await client.put(
        f"{place}/parts/0", content=content, headers={**headers, "Accept-Language": "zh"}
    )
    assert (no.status_code, no.json()["code"]) == (422, "E_MAGIC")
    assert "未加密" in no.json()["title"]
    blobs = world.desk.objects.folder / "blobs"
    assert [path for path in blobs.rglob("*") if path.is_file()] == []
    gone = await client.get(place, headers=headers)
    assert gone.status_code == 404


@pytest.mark.misuse(1)
async def test_an_empty_file_cannot_even_be_announced(
    door: tuple[World, httpx.AsyncClient, As],
) -> None:
    _, client, _ = door
    no = await client.post("/api/v1/uploads", json={"size": 0, "tree": "0" * 64, "parts": []})
    assert 400 <= no.status_code < 500


# --- any change of any byte ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sealed file of some bytes."""
    return seal_bytes(tmp_path_factory.mktemp("raw"), b"content", opening_keys())[0].read_bytes()


@pytest.mark.domain
@pytest.mark.misuse(4, 15)
@given(data=st.data())
def test_a_mutated_file_is_refused_or_another_file(
    raw: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut, longer, flipped, overwritten: a typed code, or a tree that no manifest names (C11)."""
    mutated = data.draw(mutations(raw))
    if mutated == raw:
        return
    assert code_of(mutated) == "" or code_of(mutated).startswith("E_")
    path = tmp_path_factory.getbasetemp() / "mutated.tbe"
    path.write_bytes(mutated)
    whole = tmp_path_factory.getbasetemp() / "whole.tbe"
    whole.write_bytes(raw)
    assert hash_file(path).tree() != hash_file(whole).tree()


def code_of(raw: bytes) -> str:
    """The code with which a file is refused; nothing where it is read."""
    try:
        read_head(raw[:LARGEST_HEAD], len(raw))
    except Refused as refused:
        return refused.code
    return ""


@st.composite
def mutations(draw: st.DrawFn, raw: bytes) -> bytes:
    """A file with some bytes cut, put in, doubled or changed."""
    made = bytearray(raw)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(made)))
        piece = draw(st.binary(max_size=6))
        kind = draw(st.sampled_from(["cut", "put", "over", "flip", "double"]))
        if kind == "cut":
            del made[at:]
        elif kind == "put":
            made[at:at] = piece
        elif kind == "over":
            made[at : at + len(piece)] = piece
        elif kind == "double":
            made[at:at] = made[at : at + 40]
        elif at < len(made):
            made[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(made)


OTHERS: list[Any] = [None, True, -1, 2**53 - 1, "", "A" * 7, [], {}, [[]], {"v": 1}]


@pytest.mark.domain
@pytest.mark.misuse(9, 10, 13, 14)
@given(data=st.data())
def test_header_and_wraps_take_no_other_value_anywhere(raw: bytes, data: st.DataObject) -> None:
    """Any field of any level set to another kind of value ends in a typed refusal."""
    wraps = parse(split_head(raw)[1], limit=1 << 20)
    place, key = data.draw(st.sampled_from(list(fields(wraps))))
    other = data.draw(st.sampled_from(OTHERS))
    if place[key] == other or (key == "r" and other is None):
        return
    kept, place[key] = place[key], other
    try:
        with pytest.raises(Refused) as refused:
            read_wraps(canonical(wraps), INTL_1)
        assert refused.value.code in {"E_FIELD", "E_WRAPS", "E_NOT_CANONICAL"}
    finally:
        place[key] = kept


def fields(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a JSON value, as its container and key."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(pairs):
            found += [(value, key), *fields(inner)]
    return found


@pytest.mark.domain
@pytest.mark.misuse(9)
@pytest.mark.threat("T19")
def test_the_suite_that_is_reserved_is_not_pretended(raw: bytes) -> None:
    """Nothing here withstands a quantum computer, and no file may claim that it does."""
    header = parse(raw[12 : 12 + int.from_bytes(raw[8:12], "big")], limit=1 << 20)
    spelled = canonical({**header, "suite": "PQ-1"})
    claimed = (
        raw[:8] + len(spelled).to_bytes(4, "big") + spelled + raw[12 + len(canonical(header)) :]
    )
    with pytest.raises(BadField):
        read_head(claimed[:LARGEST_HEAD], len(claimed))
