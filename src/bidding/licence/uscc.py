"""The unified social credit code (统一社会信用代码, GB 32100-2015) of an organisation."""

from typing import Final

from foundation.problems import NotAllowed

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH: Final = 18

# 3^i mod 31 for the first 17 places.
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(LENGTH - 1))
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}


class WrongUscc(NotAllowed):
    """This is not a unified social credit code."""

    code = "E_USCC"


def check_character(first_17: str) -> str:
    """The 18th character of a code, from its first 17."""
    total = sum(
        weight * _VALUES[character] for weight, character in zip(_WEIGHTS, first_17, strict=True)
    )
    return ALPHABET[-total % 31]


def check_uscc(text: str) -> str:
    """Return a code that is right; refuses lower case, full width, length and check character."""
    if len(text) != LENGTH:
        raise WrongUscc(
            f"expected {LENGTH} characters of a unified social credit code, got {len(text)}; "
            "copy it from the licence"
        )
    foreign = next((character for character in text if character not in _VALUES), None)
    if foreign is not None:
        raise WrongUscc(
            "expected digits and upper-case letters without I, O, S, V, Z in a unified social "
            f"credit code, got {foreign!r}; copy it from the licence"
        )
    right = check_character(text[:-1])
    if text[-1] != right:
        raise WrongUscc(
            f"expected {right} as the last character of {text[:-1]}, got {text[-1]}; one "
            "character was mistyped"
        )
    return text
