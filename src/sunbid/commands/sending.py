"""Sending sealed files: several parts at once, each again until it is stored, none twice.

The platform answers a part only when it lies on its disk; one connection would wait for that disk
after every part.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from bidding.sealing.bidder import RecordedVolume
from sunbid.bid_folder import UPLOADS, BidFolder
from sunbid.client import Client, ServerRefused

# As many parts are in memory and on their way at once: 16 MiB.
CONNECTIONS: Final = 4
Sent = Callable[[Client, int], None]


@dataclass(frozen=True, slots=True)
class Lanes:
    """So many connections of one session to the platform, each for one request at a time."""

    free: SimpleQueue[Client]

    def each(self, act: Sent, indexes: Iterable[int]) -> None:
        """Do this for every index; with the first refusal nothing more is begun."""
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            begun = [threads.submit(self._one, act, index) for index in indexes]
            try:
                for one in as_completed(begun):
                    one.result()
            finally:
                for one in begun:
                    one.cancel()

    def _one(self, act: Sent, index: int) -> None:
        lane = self.free.get()
        try:
            act(lane, index)
        finally:
            self.free.put(lane)


@contextmanager
def lanes_of(client: Client) -> Iterator[Lanes]:
    """Connections beside a client's own, closed at the end."""
    free: SimpleQueue[Client] = SimpleQueue()
    with ExitStack() as closing:
        for _ in range(CONNECTIONS):
            lane = client.beside()
            closing.callback(lane.close)
            free.put(lane)
        yield Lanes(free)


def send_files(client: Client, folder: BidFolder) -> list[dict[str, str]]:
    """Send every sealed file that did not arrive yet; return the capabilities of all uploads."""
    known = folder.uploads()
    made = []
    with lanes_of(client) as lanes:
        for volume in folder.record().volumes:
            upload = known.get(volume.tree)
            if upload is None or not _is_there(client, upload):
                upload = known[volume.tree] = _begin(client, folder, volume)
                folder.keep_json(UPLOADS, known)
            _send_parts(client, lanes, folder, volume, upload)
            made.append(upload)
    return made


def send_anew(client: Client, folder: BidFolder, volume: RecordedVolume) -> dict[str, str]:
    """Send a sealed file once more, whatever was sent before; return its new capability."""
    upload = _begin(client, folder, volume)
    with lanes_of(client) as lanes:
        _send_parts(client, lanes, folder, volume, upload)
    return upload


def _begin(client: Client, folder: BidFolder, volume: RecordedVolume) -> dict[str, str]:
    size = (folder.path / volume.file).stat().st_size
    announced = {"size": size, "tree": volume.tree, "parts": volume.parts}
    upload: dict[str, str] = client.post("/api/v1/uploads", announced)
    return upload


def _is_there(client: Client, upload: dict[str, str]) -> bool:
    """Whether the platform still knows an upload that was begun earlier; they expire."""
    try:
        _stored(client, upload)
    except ServerRefused as refused:
        if refused.problem.get("code") == "unknown-upload":
            return False
        raise
    return True


def _stored(client: Client, upload: dict[str, str]) -> list[bool]:
    """Which parts of an upload lie on the platform's disk."""
    headers = {"Upload-Secret": upload["secret"]}
    stored: list[bool] = client.ask(
        "GET", f"/api/v1/uploads/{upload['upload']}", headers=headers
    ).json()["stored"]
    return stored


def _send_parts(
    client: Client,
    lanes: Lanes,
    folder: BidFolder,
    volume: RecordedVolume,
    upload: dict[str, str],
) -> None:
    missing = [index for index, stored in enumerate(_stored(client, upload)) if not stored]

    def send(lane: Client, index: int) -> None:
        expected = volume.parts[index]
        content = folder.part(volume.file, index, expected)
        headers = {"Upload-Secret": upload["secret"], "Part-Hash": expected}
        lane.put(f"/api/v1/uploads/{upload['upload']}/parts/{index}", content, headers)
        sys.stderr.write(f"{volume.file}: part {index + 1} of {len(volume.parts)} is stored\n")

    lanes.each(send, missing)
