"""RFC 3161 time stamps over checkpoints: somebody outside says that a tree existed by then.

The token is over the text of the checkpoint's note, without its signature lines. An authority
that is away delays nothing: it is asked again at the next tick, in the order of the ledger.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
from asn1crypto import algos, cms, tsp, x509
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from foundation.database import Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.note import read_note
from foundation.problems import Invalid, Unavailable

ANSWER_TIMEOUT_S: Final = 10.0
LARGEST_TOKEN: Final = 64 * 1024
QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
GRANTED: Final = {"granted", "granted_with_mods"}


class BadTimeStamp(Invalid):
    """This is not a time stamp over that text by a known authority."""

    code = "bad-time-stamp"


class TimeAuthorityAway(Unavailable):
    """The time-stamp authority does not answer."""

    code = "time-authority-away"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAuthority:
    """Where time stamps are asked for, and the roots (DER) under which they count."""

    url: str
    anchors: tuple[bytes, ...]

    async def stamp(self, client: httpx.AsyncClient, text: str) -> bytes:
        """A token over a text, checked; refuses what the authority does not grant."""
        nonce = secrets.randbits(63)
        try:
            answer = await client.post(
                self.url,
                content=time_query(text, nonce),
                headers={"content-type": QUERY_TYPE},
                timeout=ANSWER_TIMEOUT_S,
            )
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as away:
            raise TimeAuthorityAway(f"no time stamp from {self.url}: {away!r}") from None
        token = _token_of(answer.content)
        _, info = await _checked(token, text, self.anchors)
        if info["nonce"].native != nonce:
            raise BadTimeStamp("expected the nonce of the question, got another answer")
        return token


def time_query(text: str, nonce: int) -> bytes:
    """What is asked: a token with certificate over the SHA-256 of a text."""
    imprint = tsp.MessageImprint(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": hashlib.sha256(text.encode()).digest(),
        }
    )
    asked = {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return bytes(tsp.TimeStampReq(asked).dump())


async def check_token(token: bytes, text: str, anchors: Sequence[bytes]) -> datetime:
    """The time that a token proves for a text; refuses another text, signer or form."""
    at, _ = await _checked(token, text, anchors)
    return at


def _token_of(answer: bytes) -> bytes:
    try:
        found = tsp.TimeStampResp.load(answer, strict=True)
        status = found["status"]["status"].native
        if status not in GRANTED:
            raise BadTimeStamp(f"the time-stamp authority refused: {status}")
        token = bytes(found["time_stamp_token"].dump())
    except (ValueError, TypeError, KeyError):
        raise BadTimeStamp("expected a reply of RFC 3161, got other bytes") from None
    if len(token) > LARGEST_TOKEN:
        raise BadTimeStamp(f"expected a token of at most {LARGEST_TOKEN} bytes, got {len(token)}")
    return token


async def _checked(
    token: bytes, text: str, anchors: Sequence[bytes]
) -> tuple[datetime, tsp.TSTInfo]:
    try:
        signed = cms.ContentInfo.load(token, strict=True)["content"]
        info = signed["encap_content_info"]["content"].parsed
        at: datetime = info["gen_time"].native
        roots = [x509.Certificate.load(anchor) for anchor in anchors]
        found: dict[str, Any] = await validate_tst_signed_data(
            signed,
            # The chain is asked for the time that the token says: it must hold in later years.
            ValidationContext(trust_roots=roots, moment=at, allow_fetching=False),
            lambda algorithm: hashlib.new(algorithm, text.encode()).digest(),
        )
    except (ValueError, TypeError, KeyError, AttributeError, SignatureValidationError):
        raise BadTimeStamp("expected a time stamp of RFC 3161, got other bytes") from None
    status = TimestampSignatureStatus(**found)
    if not (status.intact and status.valid and status.trusted):
        raise BadTimeStamp("expected a token over this checkpoint by a known authority")
    return at, info


@dataclass(slots=True)
class Stamper:
    """Has those checkpoints stamped that first hold an entry of these types."""

    db: Database
    authority: TimeAuthority
    types: Collection[str]
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    _checked: int | None = None

    async def stamp_new(self) -> None:
        """Stamps what waits, in the order of the ledger; refuses when the authority does not."""
        async with reading(self.db, "foundation") as connection:
            if self._checked is None:
                self._checked = await store.newest_time_stamp(connection)
            newest = await store.latest_checkpoint(connection)
            end = 0 if newest is None else newest.size
            waiting = await store.checkpoints_with(connection, self._checked, end, list(self.types))
        for kept in waiting:
            token = await self.authority.stamp(self.client, read_note(kept.note).text)
            async with transaction(self.db, "foundation") as connection:
                await store.add_time_stamp(connection, kept.size, token)
            self._checked = kept.size
        self._checked = max(self._checked, end)
