"""The browser's own arithmetic against published answers: points, signatures, HKDF, SM2, SM3, SM4.

Its AES-GCM, SHA-256 of parts and ES256 are the browser's, and tested there; ES256 is asked all the
same, because what is accepted must be the same here and there.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.statements.canonical import b64, unb64
from known_answers.conftest import Groups
from web_oracle import ESBUILD, Oracle, RefusedThere, running_oracle

pytestmark = [
    pytest.mark.domain,
    pytest.mark.skipif(not ESBUILD.is_file(), reason="run python build_web.py first"),
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """The modules, answering."""
    with running_oracle(tmp_path_factory.mktemp("oracle")) as oracle:
        yield oracle


def passes(ask: Oracle, question: str, **values: Any) -> bool:
    """Whether the browser's modules accept."""
    try:
        ask(question, **values)
    except RefusedThere:
        return False
    return True


def test_key_pairs_of_rfc_9180(ask: Oracle, shared_data: Path) -> None:
    cases = json.loads((shared_data / "vectors/hpke/rfc9180_base.json").read_bytes())
    cases = [case for case in cases if int(case["kem_id"]) == 0x0010]
    assert len(cases) == 3
    for case in cases:
        for ikm, scalar, public in (("ikmE", "skEm", "enc"), ("ikmR", "skRm", "pkRm")):
            made = ask("key_pair", ikm=case[ikm])
            assert made == {"scalar": case[scalar], "public": case[public]}


def test_points_and_shared_secrets(ask: Oracle, wycheproof: Groups) -> None:
    counted = {"valid": 0, "refused": 0}
    for _, case in wycheproof("ecdh_secp256r1_ecpoint_test.json"):
        scalar = f"{int(case['private'], 16):064x}"
        question = {"public": case["public"], "scalar": scalar}
        # A compressed point is no point of ours, however right.
        if case["result"] == "valid" and len(case["public"]) == 130:
            counted["valid"] += 1
            assert ask("ecdh", **question) == case["shared"], case["tcId"]
        else:
            counted["refused"] += 1
            assert not passes(ask, "ecdh", **question), case["tcId"]
    assert counted["valid"] > 200
    assert counted["refused"] > 10


@pytest.mark.misuse(30)
def test_es256(ask: Oracle, wycheproof: Groups) -> None:
    for group, case in wycheproof("ecdsa_secp256r1_sha256_p1363_test.json"):
        public = group["publicKey"]["uncompressed"]
        question = {"alg": "ES256", "public": public, "message": case["msg"], "sig": case["sig"]}
        assert passes(ask, "signature", **question) == (case["result"] == "valid"), case["tcId"]


@pytest.mark.misuse(30)
def test_eddsa(ask: Oracle, wycheproof: Groups) -> None:
    for group, case in wycheproof("ed25519_test.json"):
        public = group["publicKey"]["pk"]
        question = {"alg": "EdDSA", "public": public, "message": case["msg"], "sig": case["sig"]}
        assert passes(ask, "signature", **question) == (case["result"] == "valid"), case["tcId"]


def test_hkdf(ask: Oracle, wycheproof: Groups) -> None:
    for _, case in wycheproof("hkdf_sha256_test.json"):
        if case["result"] == "valid":
            question = {"salt": case["salt"], "ikm": case["ikm"], "info": case["info"]}
            made = ask("hkdf", suite="INTL-1", length=case["size"], **question)
            assert made == case["okm"], case["tcId"]


def test_chunked_encryption(ask: Oracle, wycheproof: Groups) -> None:
    for _, case in wycheproof("c2sp_chunked_encryption_aes_256_gcm_test.json"):
        raw = b64(zlib.decompress(bytes.fromhex(case["ct"])))
        question = {"suite": "INTL-1", "raw": raw, "key": case["key"], "context": case["ctx"]}
        if case["result"] != "valid":
            assert not passes(ask, "chunked", **question), case["tcId"]
            continue
        plain = unb64(ask("chunked", **question))
        assert hashlib.sha512(plain).hexdigest() == case["msgSha512"], case["tcId"]


def test_hmac_sm3(ask: Oracle, wycheproof: Groups) -> None:
    for _, case in wycheproof("hmac_sm3_test.json"):
        made = ask("mac", suite="GM-1", key=case["key"], message=case["msg"])
        # Some cases show the beginning of a tag only.
        fits = made.startswith(case["tag"])
        assert fits == (case["result"] == "valid"), case["tcId"]


def test_sm4_gcm(ask: Oracle, wycheproof: Groups) -> None:
    asked = 0
    for group, case in wycheproof("sm4_gcm_test.json"):
        if (group["ivSize"], group["tagSize"], case["aad"]) != (96, 128, ""):
            continue
        asked += 1
        key = {"key": case["key"], "nonce": case["iv"]}
        sealed = case["ct"] + case["tag"]
        if case["result"] == "valid":
            assert ask("sm4_gcm", plain=case["msg"], **key) == sealed, case["tcId"]
            assert ask("sm4_gcm_open", sealed=sealed, **key) == case["msg"], case["tcId"]
        else:
            assert ask("sm4_gcm_open", sealed=sealed, **key) is None, case["tcId"]
    assert asked == 48


def test_examples_of_the_standards(ask: Oracle, shared_data: Path) -> None:
    known = json.loads((shared_data / "vectors/sm/gbt_sm2_sm3_sm4.json").read_bytes())
    for row in known["sm3"]:
        assert ask("sm3", message=row["m_ascii"].encode().hex()) == row["h"]
    signed, sealed = known["sm2_sign"], known["sm2_encrypt"]
    public, message = f"04{signed['x']}{signed['y']}", signed["m_ascii"].encode().hex()
    question = {"alg": "SM2SM3", "public": public, "sig": signed["r"] + signed["s"]}
    assert passes(ask, "signature", message=message, **question)
    assert not passes(ask, "signature", message=message + "00", **question)
    wrapped = sealed["c1"] + sealed["c3"] + sealed["c2"]
    opened = ask("sm2_decrypt", scalar=signed["d"], wrapped=wrapped)
    assert bytes.fromhex(opened).decode() == sealed["m_ascii"]
    assert ask("sm2_decrypt", scalar=signed["d"], wrapped=wrapped[:-2] + "00") is None
