"""Wraps, the deal they follow from, and the recovery code and drill beside them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing import drill
from bidding.sealing.bodies import WrapRef
from bidding.sealing.envelope import Head, read_file_head
from bidding.sealing.keys import public_point
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.recovery import new_code, read_code, recovery_key, show_code
from bidding.sealing.refusals import BadRecoveryCode, BadWraps, SealFailed
from bidding.sealing.shares import Halves
from bidding.sealing.suites import SUITES, Suite, suite_of
from bidding.sealing.wraps import (
    Binding,
    Wraps,
    check_wraps_fit,
    compare_deal,
    make_wraps,
    read_wraps,
    unwrap,
    unwrap_share,
    wraps_bytes,
)
from foundation.statements.canonical import b64, unb64
from sealing_world import (
    LOT,
    bidder_points,
    exchange_key,
    opening_key,
    opening_keys,
    seal_bytes,
)

pytestmark = pytest.mark.domain

HALVES = Halves(t=b"T" * 32, b=b"B" * 32)


@pytest.fixture(scope="module", params=SUITES)
def suite(request: pytest.FixtureRequest) -> Suite:
    return suite_of(request.param)


@pytest.fixture(scope="module")
def keys(suite: Suite) -> LotKeys:
    return opening_keys(suite)


@pytest.fixture(scope="module")
def binding(suite: Suite, keys: LotKeys) -> Binding:
    return Binding(suite=suite, header_hash=b"h" * 32, opening_keys=keys.sid_bytes)


@pytest.fixture(scope="module")
def wraps(keys: LotKeys, binding: Binding) -> Wraps:
    return make_wraps(binding, HALVES, keys.body, bidder_points(binding.suite))


def test_every_member_finds_its_share_and_the_bidder_b(wraps: Wraps, binding: Binding) -> None:
    for group in ("T", "R"):
        found = wraps.group(group)
        assert found is not None
        for share in found.shares:
            key = exchange_key(group, share.i, binding.suite)
            result, value = unwrap_share(binding, group, share, key.exchange, key.public)
            assert (result, value is None) == ("ok", False)
    entry, opening = wraps.b[1], opening_key(binding.suite)
    assert unwrap(binding, "B", 1, opening.exchange, opening.public, entry.ct) == HALVES.b


def test_wraps_are_read_back_and_dealt_again_byte_for_byte(
    wraps: Wraps, binding: Binding, keys: LotKeys
) -> None:
    raw = wraps_bytes(wraps)
    assert read_wraps(raw, binding.suite) == wraps
    assert wraps_bytes(make_wraps(binding, HALVES, keys.body, bidder_points(binding.suite))) == raw
    assert compare_deal(binding, HALVES, keys.body, wraps) == []


def test_a_share_opens_for_its_own_seat_role_and_envelope_only(
    wraps: Wraps, binding: Binding
) -> None:
    key, share = exchange_key("T", 1, binding.suite), wraps.t.shares[0]
    other_header = Binding(
        suite=binding.suite, header_hash=bytes(32), opening_keys=binding.opening_keys
    )
    other_keys = Binding(
        suite=binding.suite, header_hash=binding.header_hash, opening_keys=bytes(32)
    )
    for bound, role, i in (
        (binding, "R", 1),
        (binding, "T", 2),
        (binding, "B", 1),
        (other_header, "T", 1),
        (other_keys, "T", 1),
    ):
        with pytest.raises(SealFailed):
            unwrap(bound, role, i, key.exchange, key.public, share.ct)  # type: ignore[arg-type]


def changed(wraps: Wraps, group: str, i: int, **fields: Any) -> Wraps:
    """Wraps in which one entry was replaced."""
    value = msgspec.to_builtins(wraps)
    rows = value["b"] if group == "B" else value[group.lower()]["shares"]
    rows[i if group == "B" else i - 1].update(fields)
    return msgspec.convert(value, Wraps)


def junk(group: str, i: int, binding: Binding, value: bytes) -> str:
    """A well-formed wrap of another value, as a bad bidder would make it."""
    own, suite = opening_key(binding.suite), binding.suite
    public = own.public if group == "B" else exchange_key(group, i, suite).public
    return b64(suite.wrap.seal(public, binding.info(group, i), value, b"e" * 32))  # type: ignore[arg-type]


@pytest.mark.parametrize(("group", "i"), [("T", 2), ("R", 3), ("B", 1)])
def test_case_73_a_re_deal_names_exactly_the_wrong_wraps(
    wraps: Wraps, binding: Binding, keys: LotKeys, group: str, i: int
) -> None:
    framed = changed(wraps, group, i, ct=junk(group, i, binding, bytes(32)))
    assert compare_deal(binding, HALVES, keys.body, framed) == [WrapRef(group=group, i=i)]  # type: ignore[arg-type]
    if group != "B":
        key, share = exchange_key(group, i, binding.suite), framed.group(group).shares[i - 1]  # type: ignore[arg-type,union-attr]
        assert unwrap_share(binding, group, share, key.exchange, key.public) == ("mismatch", None)  # type: ignore[arg-type]


def test_a_wrong_commitment_is_named_as_well(wraps: Wraps, binding: Binding, keys: LotKeys) -> None:
    framed = changed(wraps, "T", 1, h="0" * 64)
    assert compare_deal(binding, HALVES, keys.body, framed) == [WrapRef(group="T", i=1)]


def test_case_77_a_right_wrap_called_bad_is_shown_right(
    wraps: Wraps, binding: Binding, keys: LotKeys
) -> None:
    assert compare_deal(binding, HALVES, keys.body, wraps) == []


def test_wraps_for_other_members_do_not_fit(wraps: Wraps, keys: LotKeys) -> None:
    check_wraps_fit(wraps, keys.body)
    for change in (
        changed(wraps, "T", 1, kid="A" * 16),
        msgspec.structs.replace(wraps, r=None),
        msgspec.structs.replace(wraps, t=msgspec.structs.replace(wraps.t, k=3)),
    ):
        with pytest.raises(BadWraps):
            check_wraps_fit(change, keys.body)


@pytest.mark.parametrize("count", [0, 4])
def test_one_to_three_keys_of_the_bidder(binding: Binding, keys: LotKeys, count: int) -> None:
    with pytest.raises(BadWraps):
        make_wraps(binding, HALVES, keys.body, [opening_key(binding.suite).public] * count)


def test_a_sealed_file_holds_an_honest_deal(keys: LotKeys, tmp_path: Path) -> None:
    head: Head = read_file_head(seal_bytes(tmp_path, b"x", keys)[0])
    assert [entry.i for entry in head.wraps.b] == [0, 1]
    assert head.wraps.t.n == 3


# --- recovery code ---------------------------------------------------------------------------


@given(st.binary(min_size=16, max_size=16))
def test_a_recovery_code_is_read_as_it_is_shown(secret: bytes) -> None:
    code = show_code(secret)
    assert len(code) == 28 + 6
    assert read_code(code) == secret
    assert read_code(code.lower().replace("0", "o").replace("1", "l").replace("-", " ")) == secret
    assert read_code(code.replace("1", "I")) == secret


def test_a_typing_error_is_noticed() -> None:
    code, noticed, tried = show_code(bytes(range(16))), 0, 0
    for at, letter in enumerate(code):
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            if letter in {"-", other}:
                continue
            tried += 1
            try:
                read_code(code[:at] + other + code[at + 1 :])
            except BadRecoveryCode:
                noticed += 1
    # 12 check bits: one in 4096 errors passes; with a fixed code the number is fixed.
    assert tried - noticed <= 2


@pytest.mark.parametrize("text", ["", "0" * 27, "0" * 29, "U" * 28, "中" * 28, "0" * 27 + "\0"])
def test_other_codes_are_refused(text: str) -> None:
    with pytest.raises(BadRecoveryCode):
        read_code(text)


def test_a_code_gives_one_key_a_lot(suite: Suite) -> None:
    secret = read_code(new_code())
    points = {public_point(recovery_key(suite, secret, lot)) for lot in (LOT, LOT, LOT[:-1] + "3")}
    assert len(points) == 2


# --- drill -----------------------------------------------------------------------------------


def test_a_member_answers_a_drill(suite: Suite, keys: LotKeys) -> None:
    key = exchange_key("T", 2, suite)
    for question in (drill.new_drill(2, keys.sid_bytes, suite), drill.possession_drill(suite)):
        wrap, expected = drill.ask(question, key.public)
        assert drill.answer(question, key.exchange, key.public, wrap) == expected


def test_case_61_a_real_wrap_as_drill_does_not_unwrap(
    suite: Suite, wraps: Wraps, keys: LotKeys
) -> None:
    key = exchange_key("T", 1, suite)
    question = drill.new_drill(1, keys.sid_bytes, suite)
    with pytest.raises(SealFailed):
        drill.answer(question, key.exchange, key.public, unb64(wraps.t.shares[0].ct))


def test_a_drill_for_another_seat_key_set_or_purpose_is_refused(
    suite: Suite, keys: LotKeys
) -> None:
    key = exchange_key("T", 1, suite)
    question = drill.new_drill(1, keys.sid_bytes, suite)
    wrap, _ = drill.ask(question, key.public)
    for other in (
        drill.Drill(nonce=question.nonce, i=2, opening_keys=keys.sid_bytes, suite=suite),
        drill.Drill(nonce=question.nonce, i=1, opening_keys=bytes(32), suite=suite),
        drill.Drill(nonce=bytes(16), i=1, opening_keys=keys.sid_bytes, suite=suite),
        drill.Drill(nonce=question.nonce, i=1, opening_keys=keys.sid_bytes, purpose=1, suite=suite),
    ):
        with pytest.raises(SealFailed):
            drill.answer(other, key.exchange, key.public, wrap)


def test_the_answer_does_not_show_the_challenge(suite: Suite, keys: LotKeys) -> None:
    question = drill.new_drill(1, keys.sid_bytes, suite)
    assert b"c" * 32 not in bytes.fromhex(question.answer(b"c" * 32))
