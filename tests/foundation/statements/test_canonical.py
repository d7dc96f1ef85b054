"""Canonical JSON: one spelling, refused in every other."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.statements.canonical import (
    BadField,
    FileTooLarge,
    NotCanonical,
    b64,
    canonical,
    parse,
    parse_time,
    time_from_ms,
    time_ms,
    time_text,
    unb64,
)

pytestmark = pytest.mark.domain

TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n"), max_size=20
).filter(lambda t: __import__("unicodedata").is_normalized("NFC", t))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126)), inner)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    raw = canonical(value)
    assert parse(raw, limit=1 << 20) == value
    assert canonical(parse(raw, limit=1 << 20)) == raw


def test_bytes_are_those_of_rfc_8785() -> None:
    value = {"b": [1, True, None], "a": '中"\\\n/'}
    assert canonical(value) == '{"a":"中\\"\\\\\\n/","b":[1,true,null]}'.encode()


@pytest.mark.misuse(7, 8)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" {}",
        b"{} ",
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\t"}',
        b'{"a":"\x7f"}',
        '{"a":"e\u0301"}'.encode(),
        '{"\u00e9":1}'.encode(),
        b"\xff",
        b"\xed\xa0\x80",
        "{}".encode("utf-16"),
        b"[" * 13 + b"]" * 13,
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"{'a':1}",
        b"[1,]",
    ],
)
def test_case_7_and_8_other_spellings_are_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse(raw, limit=1 << 20)


def test_deepest_nesting_is_twelve() -> None:
    assert parse(b"[" * 12 + b"]" * 12, limit=100)
    # Brackets in text do not count.
    assert parse(b'"' + b"[" * 50 + b'"', limit=100) == "[" * 50


def test_the_limit_is_of_bytes() -> None:
    with pytest.raises(FileTooLarge):
        parse(b'"12345678"', limit=9)


@pytest.mark.parametrize(
    "value", [1.5, {1: 2}, {"a": b"x"}, "e\u0301", "\x00", "\ud800", 2**53, {"é": 1}]
)
def test_values_without_a_canonical_form_are_not_written(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(raw: bytes) -> None:
    text = b64(raw)
    assert unb64(text, len(raw)) == raw
    with pytest.raises(BadField):
        unb64(text, len(raw) + 1)


@pytest.mark.misuse(14)
@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A A", "AA\n", "+/", "中", "AAAAA"])
def test_case_14_foreign_characters_padding_and_spare_bits_are_refused(text: str) -> None:
    with pytest.raises(BadField):
        unb64(text)


def test_times_are_floored_never_rounded() -> None:
    at = datetime(2026, 11, 21, 9, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert time_text(at) == "2026-11-21T01:30:00.999Z"
    assert parse_time(time_text(at)) == datetime(2026, 11, 21, 1, 30, 0, 999_000, tzinfo=UTC)
    assert time_from_ms(time_ms(at)) == parse_time(time_text(at))


@pytest.mark.misuse(49)
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T09:30:00Z",
        "2026-11-21T09:30:00.000+08:00",
        "2026-11-21 09:30:00.000Z",
        "2026-02-30T09:30:00.000Z",
        "2026-11-21T23:59:60.000Z",
        "2026-11-21T09:30:00.000Z\n",
        "２026-11-21T09:30:00.000Z",
    ],
)
def test_case_49_other_times_are_refused(text: str) -> None:
    with pytest.raises(BadField):
        parse_time(text)


def test_a_time_without_zone_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        time_text(datetime(2026, 1, 1))  # noqa: DTZ001
