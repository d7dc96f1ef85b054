"""USCC: known answers, and misuse case 32."""

import pytest

from bidding.licence.uscc import ALPHABET, WrongUscc, check_character, check_uscc

pytestmark = pytest.mark.domain

# The example of GB 32100-2015 and two codes in use.
RIGHT = ["91350100M000100Y43", "91110000600037341L", "91440300708461136T"]


@pytest.mark.parametrize("code", RIGHT)
def test_known_codes_are_right(code: str) -> None:
    assert check_uscc(code) == code
    assert check_character(code[:-1]) == code[-1]


@pytest.mark.misuse(32)
@pytest.mark.parametrize(
    "code",
    [
        "91440300MA5DA1234X",  # wrong check character
        "91350100m000100y43",  # lower case
        "９1350100M000100Y43",  # a full-width digit
        "91350100M000100Y4",  # too short
        "91350100M000100Y433",  # too long
        "91350100M000100Y4\n",
        "9135O100M000100Y43",  # the letter O
        "",
    ],
)
def test_misuse_32_other_codes_are_refused(code: str) -> None:
    with pytest.raises(WrongUscc) as refused:
        check_uscc(code)
    assert refused.value.code == "E_USCC"


@pytest.mark.misuse(32)
@pytest.mark.parametrize("place", range(17))
def test_every_single_slip_is_found(place: int) -> None:
    code = RIGHT[0]
    for other in ALPHABET:
        if other != code[place]:
            slip = code[:place] + other + code[place + 1 :]
            with pytest.raises(WrongUscc):
                check_uscc(slip)
