"""What a licence service's reply may not be (abuse A17), and what its silence means (5.2)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bidding.licence.authority import AuthorityAway, Good, Revoked, SignRequest, Unknown
from bidding.licence.folder import AuthorityFolder
from bidding.licence.remote import BadAuthoritySettings, HttpAuthority
from bidding.licence.tokens import REQUIRED, BadReply, TokenReader
from foundation.statements.signed import unsigned
from licence_service import CLIENT, ISSUER, SERVICE_KID, ask, settings
from licences import a_uscc

HOLDER = a_uscc(1)
Claims = dict[str, Any]


@pytest.fixture
def reader(service_settings: Path) -> TokenReader:
    """The reader of a client."""
    return HttpAuthority.from_file(service_settings).reader


@pytest.fixture
def private(service_settings: Path) -> bytes:
    """The service's own key."""
    return (service_settings.parent / "service.pem").read_bytes()


@pytest.fixture
def public(service_settings: Path) -> str:
    """Its public half, which anybody may have."""
    return (service_settings.parent / "service.pub").read_text()


def claims(**changes: Any) -> Claims:
    """What a good reply says."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 60, "jti": str(uuid4())}
    said.update(changes)
    return {name: value for name, value in said.items() if value is not None}


def token(private: bytes, said: Claims, alg: str = "ES256", **header: Any) -> str:
    """A token of the service's key."""
    return jwt.encode(said, private, algorithm=alg, headers={"kid": SERVICE_KID, **header})


def by_hand(header: Claims, said: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A token that no honest library makes."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, said)
    ]
    message = b".".join(parts)
    return (message + b"." + base64.urlsafe_b64encode(sign(message)).rstrip(b"=")).decode()


def test_a_good_reply_is_read_once(reader: TokenReader, private: bytes) -> None:
    good = token(private, claims(result={"a": 1}))
    assert reader.read(good)["result"] == {"a": 1}
    with pytest.raises(BadReply, match="repeated"):
        reader.read(good)


NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://other.example"}, id="other issuer"),
        pytest.param({"aud": "another platform"}, id="other audience"),
        pytest.param({"aud": [CLIENT, "another"]}, id="several audiences"),
        pytest.param({"exp": NOW - 3600, "iat": NOW - 3660}, id="expired"),
        pytest.param({"iat": NOW + 3600, "exp": NOW + 3660}, id="from the future"),
        pytest.param({"exp": NOW + 10**6}, id="good for too long"),
        pytest.param({"nbf": NOW + 3600}, id="not yet"),
        pytest.param({"iat": "yesterday"}, id="iat no number"),
        *(pytest.param({name: None}, id=f"no {name}") for name in REQUIRED),
    ],
)
def test_wrong_claims(reader: TokenReader, private: bytes, changes: Claims) -> None:
    with pytest.raises(BadReply):
        reader.read(token(private, claims(**changes)))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"kid": "unknown"}, id="unknown kid"),
        pytest.param({"kid": "../../etc/passwd"}, id="kid as a path"),
        pytest.param({"kid": "' OR 1=1 --"}, id="kid as SQL"),
        pytest.param({"jku": "https://evil.example/keys"}, id="jku"),
        pytest.param({"x5u": "https://evil.example/chain"}, id="x5u"),
        pytest.param({"jwk": {"kty": "EC"}}, id="a key of its own"),
        pytest.param({"crit": ["exp"]}, id="crit"),
    ],
)
def test_nothing_in_the_header_is_followed(
    reader: TokenReader, private: bytes, header: Claims
) -> None:
    with pytest.raises(BadReply):
        reader.read(token(private, claims(), **header))


def test_no_other_algorithm_than_the_keys_own(
    reader: TokenReader, public: str, private: bytes
) -> None:
    head = {"typ": "JWT", "kid": SERVICE_KID}
    point = serialization.load_pem_public_key(public.encode())
    assert isinstance(point, ec.EllipticCurvePublicKey)
    raw = point.public_bytes(Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    forged = [
        by_hand({**head, "alg": alg}, claims(), lambda _: b"") for alg in ("none", "None", "")
    ]
    # The public key, which everybody knows, taken for a shared secret.
    forged += [
        by_hand(
            {**head, "alg": "HS256"},
            claims(),
            lambda m, secret=secret: hmac.new(secret, m, hashlib.sha256).digest(),  # type: ignore[misc]
        )
        for secret in (public.encode(), raw, b"")
    ]
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged.append(jwt.encode(claims(), stranger, algorithm="ES256", headers={"kid": SERVICE_KID}))
    cut = token(private, claims())
    forged += [cut.rsplit(".", 1)[0] + ".", cut[:-6], "", "a.b", "{}"]
    for one in forged:
        with pytest.raises(BadReply):
            reader.read(one)


@pytest.mark.parametrize("alg", ["HS256", "none", "RS256", "EdDSA"])
def test_a_key_is_pinned_with_an_algorithm_that_fits_it(
    tmp_path: Path, authority_folder: Path, alg: str
) -> None:
    path = settings(tmp_path, authority_folder, "http://127.0.0.1:1")
    said = json.loads(path.read_text())
    said["keys"][0]["alg"] = alg
    path.write_text(json.dumps(said))
    with pytest.raises((BadAuthoritySettings, BadReply)):
        HttpAuthority.from_file(path)


@pytest.mark.parametrize("changes", [{"keys": []}, {"anchors": []}, {"anchors": ["none.der"]}])
def test_settings_that_trust_nobody_are_refused(
    tmp_path: Path, authority_folder: Path, changes: Claims
) -> None:
    path = settings(tmp_path, authority_folder, "http://127.0.0.1:1", **changes)
    with pytest.raises(BadAuthoritySettings):
        HttpAuthority.from_file(path)


async def test_a_reply_to_another_request_is_no_reply(
    service_settings: Path, private: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = HttpAuthority.from_file(service_settings)
    kept = token(private, claims(result={"state": "signed", "signature": None}, in_reply_to="x"))
    monkeypatch.setattr(HttpAuthority, "_send", lambda *_: kept.encode())
    with pytest.raises(BadReply, match="another"):
        await authority.poll("ticket")


# --- silence ------------------------------------------------------------------------------------


def certificate_of(folder: AuthorityFolder) -> bytes:
    return folder.licence(HOLDER).subject.certificate.public_bytes(Encoding.DER)


@pytest.mark.misuse(28)
async def test_silence_means_unknown_and_no_queue(
    tmp_path: Path,
    authority_folder: Path,
    folder: AuthorityFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = settings(tmp_path, authority_folder, "http://127.0.0.1:1")
    authority = HttpAuthority.from_file(path)
    certificate, now = certificate_of(folder), datetime.now(UTC)
    assert isinstance(await authority.status(certificate, now), Unknown)
    assert isinstance(await authority.status_at_login(certificate, now), Unknown)
    asked = SignRequest(
        holder=HOLDER, host="x", statement=unsigned("objection", {"v": 1, "text": "x"})
    )
    with pytest.raises(AuthorityAway):
        await authority.begin(asked)

    def nobody(*_: object) -> bytes:
        raise AssertionError("it was asked again at once")

    monkeypatch.setattr(HttpAuthority, "_send", nobody)
    with pytest.raises(AuthorityAway):
        await authority.begin(asked)


@pytest.mark.misuse(28)
async def test_without_a_list_the_answer_of_the_login_counts_for_a_day(
    service_settings: Path, folder: AuthorityFolder
) -> None:
    authority = HttpAuthority.from_file(service_settings)
    certificate, now = certificate_of(folder), datetime.now(UTC)
    ask(authority.url, "/test/silent", ["/v1/crl"])
    try:
        assert isinstance(await authority.status(certificate, now), Unknown)
        authority._quiet_until = 0.0
        assert isinstance(await authority.status_at_login(certificate, now), Good)
        before = len(ask(authority.url, "/test/asked"))
        assert isinstance(await authority.status(certificate, now + timedelta(hours=1)), Good)
        assert isinstance(await authority.status(certificate, now + timedelta(hours=25)), Unknown)
        assert len(ask(authority.url, "/test/asked")) == before
    finally:
        ask(authority.url, "/test/silent", [])


async def test_the_status_of_an_act_asks_for_no_certificate(
    service_settings: Path, folder: AuthorityFolder
) -> None:
    authority = HttpAuthority.from_file(service_settings)
    certificate, now = certificate_of(folder), datetime.now(UTC)
    before = ask(authority.url, "/test/asked")
    assert isinstance(await authority.status(certificate, now), Good)
    assert ask(authority.url, "/test/asked") == before
    uscc = a_uscc(4711)
    gone = folder.issue(uscc, "示例有限公司", "enterprise", now, "http://x.example/crl")
    folder.revoke(uscc, now, "superseded")
    authority._list.until = 0.0
    der = gone.subject.certificate.public_bytes(Encoding.DER)
    assert isinstance(await authority.status(der, now + timedelta(hours=1)), Revoked)
    assert ask(authority.url, "/test/asked") == before
