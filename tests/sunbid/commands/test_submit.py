"""`sunbid submit` goes on where it stopped: what arrived is not sent again, what changed never."""

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bidding.sealing.bidder import RecordedVolume, SealingRecord, record_bytes
from bidding.sealing.parts import PART, PartHasher
from foundation.statements.canonical import b64
from sunbid.bid_folder import RECORD, UPLOADS, BidFolder, SourceChanged
from sunbid.client import ServerRefused
from sunbid.commands.sending import CONNECTIONS, send_files

pytestmark = pytest.mark.domain

PATIENCE_S = 60


@dataclass
class Uploads:
    """The platform's side of uploads, as far as a client sees it; `room` parts are taken."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    room: int = 99
    # Parts that wait for one another before they are answered.
    together: threading.Barrier | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def beside(self) -> "Uploads":
        return self

    def close(self) -> None:
        """Nothing is held."""

    def post(self, path: str, value: dict[str, Any]) -> dict[str, str]:
        assert path == "/api/v1/uploads"
        name = f"u{len(self.sent)}-{len(self.held)}"
        self.held[name] = {"secret": secrets.token_hex(32), "stored": [False] * len(value["parts"])}
        return {"upload": name, "secret": self.held[name]["secret"]}

    def ask(self, method: str, path: str, *, headers: dict[str, str]) -> Any:
        found = self.held.get(path.rsplit("/", 1)[-1])
        if found is None or headers["Upload-Secret"] != found["secret"]:
            raise ServerRefused({"status": 404, "code": "unknown-upload"})
        return SimpleNamespace(json=lambda: {"stored": list(found["stored"])})

    def put(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        with self.turn:
            if len(self.sent) >= self.room:
                raise ConnectionError
            *_, name, _, index = path.split("/")
            self.held[name]["stored"][int(index)] = True
            self.sent.append(headers["Part-Hash"])
        if self.together is not None:
            self.together.wait(PATIENCE_S)
        assert 0 < len(body) <= PART


@pytest.fixture
def folder(tmp_path: Path) -> BidFolder:
    """A sealed bid of one volume in three parts."""
    content = secrets.token_bytes(2 * PART + 7)
    hasher = PartHasher()
    hasher.update(content)
    (tmp_path / "qual.tbe").write_bytes(content)
    volume = RecordedVolume(
        volume="qual",
        file="qual.tbe",
        tree=hasher.tree(),
        parts=[part.hex() for part in hasher.parts()],
        t=b64(bytes(32)),
        bidder_salt=b64(bytes(32)),
    )
    record = SealingRecord(
        v=1,
        tender="5f0c1f0e-6f0e-4c52-9d3b-0d5a8a8f3b11",
        lot="9b2f6a34-7c1d-4f0a-8a75-3f1f1f0c2d22",
        round=1,
        opening_keys="0" * 64,
        volumes=[volume],
    )
    made = BidFolder(tmp_path)
    made.keep(RECORD, record_bytes(record))
    return made


def send(platform: Uploads, folder: BidFolder) -> list[dict[str, str]]:
    client: Any = platform
    return send_files(client, folder)


def test_a_broken_connection_is_resumed_part_by_part(folder: BidFolder) -> None:
    platform = Uploads(room=2)
    with pytest.raises(ConnectionError):
        send(platform, folder)
    platform.room = 99
    made = send(platform, folder)
    assert len(platform.held) == 1
    assert sorted(platform.sent) == sorted(folder.record().volumes[0].parts)
    assert (folder.path / UPLOADS).stat().st_mode & 0o077 == 0
    assert send(platform, folder) == made
    assert len(platform.sent) == 3


def test_an_upload_that_the_platform_forgot_is_begun_anew(folder: BidFolder) -> None:
    platform = Uploads()
    first = send(platform, folder)
    platform.held.clear()
    second = send(platform, folder)
    assert second != first
    assert len(platform.sent) == 6
    assert folder.uploads()[folder.record().volumes[0].tree] == second[0]


def test_several_parts_are_on_their_way_at_once(folder: BidFolder) -> None:
    parts = len(folder.record().volumes[0].parts)
    platform = Uploads(together=threading.Barrier(parts))
    assert 1 < parts <= CONNECTIONS
    send(platform, folder)
    assert sorted(platform.sent) == sorted(folder.record().volumes[0].parts)


@pytest.mark.misuse(58)
def test_a_file_that_changed_since_it_was_sealed_is_not_sent(folder: BidFolder) -> None:
    platform = Uploads(room=0)
    with pytest.raises(ConnectionError):
        send(platform, folder)
    path = folder.path / "qual.tbe"
    content = bytearray(path.read_bytes())
    content[PART + 1] ^= 1
    path.write_bytes(bytes(content))
    platform.room = 99
    with pytest.raises(SourceChanged):
        send(platform, folder)
    # Parts that are as they were sealed may be on their way; the changed one is never sent.
    assert set(platform.sent) <= {folder.record().volumes[0].parts[n] for n in (0, 2)}
