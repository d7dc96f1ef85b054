"""Shares: Shamir's laws, and the deterministic deal."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.refusals import WrongShare
from bidding.sealing.shares import (
    DealtRole,
    Halves,
    combine,
    deal,
    divide,
    evaluate,
    input_key,
    multiply,
)
from bidding.sealing.suites import INTL_1

pytestmark = pytest.mark.domain

HALF = st.binary(min_size=32, max_size=32)
GROUPS = [(2, 3), (3, 5), (5, 9), (3, 3), (2, 2)]


@pytest.mark.parametrize(("k", "n"), GROUPS)
@given(t=HALF, b=HALF, hh=HALF)
def test_any_k_shares_give_the_half(k: int, n: int, t: bytes, b: bytes, hh: bytes) -> None:
    dealt = deal(INTL_1, Halves(t=t, b=b), hh)
    roles: tuple[tuple[DealtRole, bytes], ...] = (("T", t), ("R", b))
    for role, half in roles:
        shares = dict(enumerate(dealt.shares(role, k, n), start=1))
        for chosen in list(combinations(range(1, n + 1), k))[:4]:
            assert combine({i: shares[i] for i in chosen}, k) == half


def test_fewer_shares_are_refused_and_say_nothing() -> None:
    dealt = deal(INTL_1, Halves(t=bytes(32), b=bytes(32)), bytes(32))
    shares = dict(enumerate(dealt.shares("T", 3, 5), start=1))
    with pytest.raises(WrongShare):
        combine({1: shares[1], 2: shares[2]}, 3)
    # k−1 shares interpolated as if they were enough give another value.
    assert combine({1: shares[1], 2: shares[2]}, 2) != bytes(32)


def test_the_lowest_k_decide_and_no_other_subset() -> None:
    dealt = deal(INTL_1, Halves(t=b"\1" * 32, b=bytes(32)), bytes(32))
    shares = dict(enumerate(dealt.shares("T", 3, 5), start=1))
    wrong = shares | {2: bytes(32)}
    assert combine(wrong, 3) != b"\1" * 32
    assert combine({i: wrong[i] for i in (1, 3, 4)}, 3) == b"\1" * 32


@pytest.mark.parametrize("points", [{1: bytes(31), 2: bytes(32)}, {0: bytes(32), 1: bytes(32)}])
def test_malformed_shares_are_refused(points: dict[int, bytes]) -> None:
    with pytest.raises(WrongShare):
        combine(points, 2)


def test_the_deal_follows_from_halves_and_header_alone() -> None:
    one = deal(INTL_1, Halves(t=b"t" * 32, b=b"b" * 32), b"h" * 32)
    same = deal(INTL_1, Halves(t=b"t" * 32, b=b"b" * 32), b"h" * 32)
    assert (one.seed, one.shares("T", 2, 3)) == (same.seed, same.shares("T", 2, 3))
    others = [
        deal(INTL_1, Halves(t=b"b" * 32, b=b"t" * 32), b"h" * 32),
        deal(INTL_1, Halves(t=b"t" * 32, b=b"b" * 32), b"i" * 32),
    ]
    for other in others:
        assert other.seed != one.seed
    seeds = {one.ephemeral(role, i) for role in "TRB" for i in range(4)}
    assert len(seeds) == 12, "no ephemeral key twice"
    assert input_key(INTL_1, one.halves, b"h" * 32) != one.seed


@given(st.integers(0, 255), st.integers(1, 255))
def test_the_field_is_a_field(a: int, b: int) -> None:
    assert multiply(divide(a, b), b) == a
    assert multiply(a, b) == multiply(b, a)
    assert multiply(a, 1) == a


def test_the_field_is_that_of_aes() -> None:
    assert multiply(0x57, 0x83) == 0xC1
    assert divide(1, 0x53) == 0xCA


@given(st.lists(HALF, min_size=1, max_size=5), st.integers(1, 9))
def test_evaluation_is_byte_for_byte(coefficients: list[bytes], at: int) -> None:
    value = evaluate(coefficients, at)
    for place in range(32):
        expected, power = 0, 1
        for coefficient in coefficients:
            expected ^= multiply(coefficient[place], power)
            power = multiply(power, at)
        assert value[place] == expected
