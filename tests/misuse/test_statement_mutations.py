"""Any change of any statement: refused with a code, or another statement; never a traceback."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.sealing.bodies import read_body
from foundation.problems import Refused
from foundation.statements.canonical import canonical
from foundation.statements.signed import KeySigner, Statement, find_signature, read, sign, unsigned
from sealing_world import key_from
from statement_examples import EXAMPLES

pytestmark = pytest.mark.domain

SIGNER = KeySigner(key_from("mutations"))
OTHERS: list[Any] = [
    None, True, False, -1, 0, 2**53 - 1, "", "x", "A" * 16, "0" * 64, [], {}, [[]], [None],
    {"v": 1}, "2026-02-30T00:00:00.000Z", "\u0000", "e\u0301", [{"tree": "0" * 64}],
]  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a JSON value, as its container and key."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(pairs):
            found += [(value, key), *places(inner)]
    return found


@pytest.mark.misuse(9, 31)
@given(type_=st.sampled_from(sorted(EXAMPLES)), data=st.data())
def test_a_changed_body_is_refused_or_another_statement(type_: str, data: st.DataObject) -> None:
    """Shares, releases, closings, acts: one value of one of them is another."""
    honest = sign(unsigned(type_, EXAMPLES[type_]), SIGNER)
    body = copy.deepcopy(dict(honest.body))
    place, key = data.draw(st.sampled_from(places(body)))
    if data.draw(st.booleans()) and isinstance(place, dict):
        del place[key]
    else:
        place[key] = data.draw(st.sampled_from(OTHERS))
    if body == honest.body and str(body) == str(honest.body):
        return
    changed = Statement(type=type_, body=body, sigs=honest.sigs)
    try:
        read_body(changed)
        assert changed.sid != honest.sid
        find_signature(changed, SIGNER.kid, SIGNER.public)
    except Refused:
        return
    raise AssertionError("a changed statement has an honest signature")


@pytest.mark.misuse(4, 7)
@given(type_=st.sampled_from(sorted(EXAMPLES)), data=st.data())
def test_changed_bytes_of_a_file_are_refused_or_not_signed(type_: str, data: st.DataObject) -> None:
    raw = bytearray(sign(unsigned(type_, EXAMPLES[type_]), SIGNER).file())
    honest = bytes(raw)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    if bytes(raw) == honest:
        return
    try:
        found = read(bytes(raw))
        find_signature(found, SIGNER.kid, SIGNER.public)
    except Refused:
        return
    # Only what is not signed may differ: when somebody says that it was signed.
    assert canonical(found.body) == canonical(EXAMPLES[type_])
    assert found.type == type_
