"""A rush of acts asks the authority once for its revocation list, also where it is silent."""

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from bidding.licence import development
from bidding.licence.authority import AuthorityAway, Good, Unknown
from bidding.licence.development import DevAuthority
from bidding.licence.folder import AuthorityFolder, open_folder
from bidding.licence.uscc import check_character


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    return open_folder(tmp_path / "authority")


def a_certificate(folder: AuthorityFolder, at: datetime) -> bytes:
    first = f"91340600MA{secrets.randbelow(10**7):07d}"
    licence = folder.issue(
        first + check_character(first), "示例有限公司", "企业", at, "http://x/crl"
    )
    return licence.subject.certificate.public_bytes(Encoding.DER)


async def test_a_rush_asks_once(folder: AuthorityFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    asked = []

    def answer(origin: str, method: str, path: str) -> bytes:
        asked.append(path)
        return folder.revocation_list(now)

    monkeypatch.setattr(development, "ask", answer)
    authority = DevAuthority(origin="http://127.0.0.1:1", anchors=(folder.root,))
    certificate = a_certificate(folder, now)
    found = await asyncio.gather(*(authority.status(certificate, now) for _ in range(30)))
    assert [type(one) for one in found] == [Good] * 30
    assert asked == ["/crl"]


async def test_a_silent_authority_is_not_asked_by_everybody(
    folder: AuthorityFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    asked = []

    def away(origin: str, method: str, path: str) -> bytes:
        asked.append(path)
        raise AuthorityAway("nobody answers")

    monkeypatch.setattr(development, "ask", away)
    authority = DevAuthority(origin="http://127.0.0.1:1", anchors=(folder.root,))
    certificate = a_certificate(folder, now)
    found = await asyncio.gather(*(authority.status(certificate, now) for _ in range(30)))
    assert [type(one) for one in found] == [Unknown] * 30
    assert asked == ["/crl"]
