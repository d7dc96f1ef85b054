"""The table of suites: what only opens seals nothing, and the payload's row is the known one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import sealing_world as world
from bidding.sealing.refusals import WrongSuite
from bidding.sealing.seal import new_header
from bidding.sealing.suites import GM_1, INTL_1, SUITES, sealing_suite, suite_of

pytestmark = pytest.mark.domain


def test_a_suite_that_only_opens_is_refused_for_sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = world.opening_keys()
    assert new_header(keys, "qual", 10, "0" * 64).suite == "INTL-1"
    monkeypatch.setitem(SUITES, "INTL-1", replace(INTL_1, decrypt_only=True))
    assert suite_of("INTL-1").name == "INTL-1"
    for refused in (
        lambda: sealing_suite("INTL-1"),
        lambda: new_header(keys, "qual", 10, "0" * 64),
    ):
        with pytest.raises(WrongSuite, match="only opens"):
            refused()


@pytest.mark.parametrize("name", ["PQ-1", "intl-1", "INTL-1 ", ""])
def test_no_suite_stands_in_for_an_unknown_one(name: str) -> None:
    with pytest.raises(WrongSuite):
        suite_of(name)


def test_payload_keys_of_gm_are_the_known_ones(shared_data: Path) -> None:
    known = json.loads((shared_data / "vectors/sm/cobblestone_sm4gcm_sm3.json").read_bytes())
    salt, context = bytes.fromhex(known["salt"]), bytes.fromhex(known["context"])
    label = GM_1.payload_label + salt + context
    material = GM_1.expand(bytes.fromhex(known["input_key"]), label, 60).hex()
    assert material == known["aead_key"] + known["base_nonce"] + known["commitment"]
