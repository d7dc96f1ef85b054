"""Field types of statement bodies: exact patterns, so that a value has one spelling.

`$(?!\\n)` because `$` alone also matches before a final line feed.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

# The last character of base64url carries spare bits, which must be zero.
_SPARE_2: Final = "[AEIMQUYcgkosw048]"
_SPARE_4: Final = "[AQgw]"

Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$(?!\n)",
        min_length=36,
        max_length=36,
    ),
]
Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", min_length=64, max_length=64)]
Sid = Hex
Time = Annotated[
    str,
    Meta(
        pattern=(
            r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
            r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$(?!\n)"
        ),
        min_length=24,
        max_length=24,
    ),
]
Ms = Annotated[int, Meta(ge=0)]
Int = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]

B64of16 = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{21}}{_SPARE_4}$(?!\n)")]
B64of32 = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{42}}{_SPARE_2}$(?!\n)")]
B64of64 = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{85}}{_SPARE_4}$(?!\n)")]
B64of65 = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{86}}{_SPARE_2}$(?!\n)")]
Kid = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16}$(?!\n)")]
Alg = Literal["ES256", "EdDSA", "SM2SM3"]

Text16 = Annotated[str, Meta(min_length=1, max_length=16)]
Text32 = Annotated[str, Meta(min_length=1, max_length=32)]
Text40 = Annotated[str, Meta(min_length=1, max_length=40)]
Text120 = Annotated[str, Meta(min_length=1, max_length=120)]
Text200 = Annotated[str, Meta(min_length=1, max_length=200)]
Text500 = Annotated[str, Meta(min_length=1, max_length=500)]
Text2000 = Annotated[str, Meta(min_length=1, max_length=2000)]
Text4000 = Annotated[str, Meta(min_length=1, max_length=4000)]
Text20000 = Annotated[str, Meta(min_length=1, max_length=20000)]
