"""ECDSA in DER: none of the published signatures, right or wrong, is a signature of a statement."""

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from foundation.statements.signed import BadSignature, check_signature
from known_answers.conftest import Groups

pytestmark = pytest.mark.domain


@pytest.mark.misuse(30)
def test_der_is_refused_even_where_it_is_right(wycheproof: Groups) -> None:
    count = 0
    for group, case in wycheproof("ecdsa_secp256r1_sha256_test.json"):
        key = load_der_public_key(bytes.fromhex(group["publicKeyDer"]))
        with pytest.raises(BadSignature):
            check_signature(
                "ES256",
                key,  # type: ignore[arg-type]  # the file's keys are all on P-256
                bytes.fromhex(case["msg"]),
                bytes.fromhex(case["sig"]),
            )
        count += 1
    assert count == 484
