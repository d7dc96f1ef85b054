"""Time stamps over checkpoints: asked of a real authority over HTTP, read by OpenSSL as well."""

import asyncio
import hashlib
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from foundation.database import Database, reading, transaction
from foundation.ledger import store
from foundation.ledger.log import queue_entry, start_ledger, tick
from foundation.ledger.note import read_note
from foundation.ledger.timestamp import (
    BadTimeStamp,
    Stamper,
    TimeAuthority,
    TimeAuthorityAway,
    check_token,
    time_query,
)
from ledger_world import MemorySigner
from sunbid.timestamp_app import TimeFolder, timestamp_app
from sunbid.verify.tokens import stamped_at

TEXT = "test.example/ledger\n8\nAAAA\n"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


async def at_the_moment() -> datetime:
    return AT


class Authority:
    """The development authority behind an address, with what it does to an answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        app = timestamp_app(TimeFolder.open(folder), at_the_moment)
        self.transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        self.instead: Callable[[httpx.Request], httpx.Response] | None = None
        self.asked = 0

    @property
    def root(self) -> bytes:
        return (self.folder / "root.der").read_bytes()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.instead is not None:
            return self.instead(request)
        return await self.transport.handle_async_request(request)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    def known(self, *anchors: bytes) -> TimeAuthority:
        return TimeAuthority(url="http://time.test/", anchors=anchors or (self.root,))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys; making RSA keys takes a while."""
    folder = tmp_path_factory.mktemp("time")
    TimeFolder.open(folder)
    return folder


@pytest.fixture
def authority(made: Path) -> Authority:
    """An authority over the folder."""
    return Authority(made)


async def a_token(authority: Authority, text: str = TEXT) -> bytes:
    async with authority.client() as client:
        return await authority.known().stamp(client, text)


async def test_a_token_says_when(authority: Authority) -> None:
    token = await a_token(authority)
    assert await check_token(token, TEXT, [authority.root]) == AT


async def test_openssl_reads_it_the_same(authority: Authority, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None, "expected openssl on the path"
    (tmp_path / "token").write_bytes(await a_token(authority))
    root = x509.load_der_x509_certificate(authority.root).public_bytes(Encoding.PEM)
    (tmp_path / "root.pem").write_bytes(root)
    for text, code in [(TEXT, 0), (TEXT + " ", 1)]:
        words = ["ts", "-verify", "-token_in", "-in", "token", "-CAfile", "root.pem", "-digest"]
        given = [openssl, *words, hashlib.sha256(text.encode()).hexdigest()]
        done = await asyncio.to_thread(
            subprocess.run, given, cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == code, done.stderr


async def test_another_text_signer_or_form_is_refused(authority: Authority, tmp_path: Path) -> None:
    token = await a_token(authority)
    with pytest.raises(BadTimeStamp, match="over this checkpoint"):
        await check_token(token, TEXT + " ", [authority.root])
    other = Authority(tmp_path / "other")
    with pytest.raises(BadTimeStamp, match="over this checkpoint"):
        await check_token(token, TEXT, [other.root])
    with pytest.raises(BadTimeStamp):
        await check_token(token, TEXT, [])
    for damaged in (b"", b"nothing", token[:-1], token + b"x"):
        with pytest.raises(BadTimeStamp):
            await check_token(damaged, TEXT, [authority.root])


async def test_each_flipped_byte_is_refused_or_changes_nothing(authority: Authority) -> None:
    token = await a_token(authority)
    accepted = 0
    for place in range(0, len(token), 7):
        flipped = bytearray(token)
        flipped[place] ^= 0x01
        try:
            accepted += await check_token(bytes(flipped), TEXT, [authority.root]) != AT
        except BadTimeStamp:
            continue
    assert accepted == 0


async def test_an_old_answer_is_refused(authority: Authority) -> None:
    async with authority.client() as client:
        first = await client.post("http://time.test/", content=time_query(TEXT, 7))
        authority.instead = lambda _request: httpx.Response(200, content=first.content)
        with pytest.raises(BadTimeStamp, match="nonce"):
            await authority.known().stamp(client, TEXT)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x05\x30\x03\x02\x01\x02"])
async def test_what_is_no_reply_is_refused(authority: Authority, answer: bytes) -> None:
    authority.instead = lambda _request: httpx.Response(200, content=answer)
    with pytest.raises(BadTimeStamp):
        await a_token(authority)


async def test_a_query_that_is_none_gets_a_clear_answer(authority: Authority) -> None:
    async with authority.client() as client:
        answer = await client.post("http://time.test/", content=b"what time is it?")
    assert (answer.status_code, "RFC 3161" in answer.text) == (400, True)


async def queue(db: Database, kind: str) -> None:
    async with transaction(db, "foundation") as connection:
        await queue_entry(connection, {"v": 1, "t": kind})


async def tokens(db: Database) -> list[int]:
    async with reading(db, "foundation") as connection:
        rows = await connection.fetch("SELECT size FROM foundation.ledger_token ORDER BY size")
    return [row["size"] for row in rows]


async def test_the_checkpoints_that_bring_such_an_entry_are_stamped(
    database: Database, authority: Authority
) -> None:
    signer = MemorySigner()
    await start_ledger(database, signer)
    stamper = Stamper(database, authority.known(), {"cut", "closing"}, authority.client())
    sizes = []
    for kind in ("event", "cut", "event", "closing"):
        await queue(database, kind)
        sizes.append((await tick(database, signer)).size)
        await stamper.stamp_new()
    await stamper.stamp_new()
    assert await tokens(database) == [sizes[1], sizes[3]]
    assert authority.asked == 2
    async with reading(database, "foundation") as connection:
        kept = await store.time_stamps(connection, sizes)
        shown = await store.checkpoint_covering(connection, sizes[1] - 1)
    assert shown is not None
    assert await check_token(kept[sizes[1]], read_note(shown.note).text, [authority.root]) == AT


async def test_one_that_was_away_is_asked_again_in_order(
    database: Database, authority: Authority
) -> None:
    signer = MemorySigner()
    await start_ledger(database, signer)
    stamper = Stamper(database, authority.known(), {"cut"}, authority.client())
    authority.instead = lambda _request: httpx.Response(503)
    sizes = []
    for _ in range(2):
        await queue(database, "cut")
        sizes.append((await tick(database, signer)).size)
        with pytest.raises(TimeAuthorityAway):
            await stamper.stamp_new()
    authority.instead = None
    # A new process begins where the last token stands.
    await Stamper(database, authority.known(), {"cut"}, authority.client()).stamp_new()
    assert await tokens(database) == sizes


def test_the_chain_is_asked_for_the_time_of_the_token(authority: Authority) -> None:
    certificate = x509.load_der_x509_certificate((authority.folder / "authority.der").read_bytes())
    assert certificate.not_valid_before_utc < AT - timedelta(days=365)


async def test_the_verifier_reads_it_by_itself(authority: Authority, tmp_path: Path) -> None:
    token = await a_token(authority)
    at_ms = int(AT.timestamp() * 1000)
    assert stamped_at(token, TEXT, [authority.root]) == at_ms
    other = Authority(tmp_path / "other")
    for text, anchors in [(TEXT + " ", [authority.root]), (TEXT, [other.root]), (TEXT, [])]:
        with pytest.raises(ValueError, match="token"):
            stamped_at(token, text, anchors)
    # What both readers take apart they judge alike.
    for place in range(0, len(token), 5):
        flipped = bytearray(token)
        flipped[place] ^= 0x01
        try:
            assert stamped_at(bytes(flipped), TEXT, [authority.root]) == at_ms
        except ValueError:
            continue
