"""How fast a sealed file arrives: the platform with hash and fsync, beside nginx (DAV PUT).

The same client sends the same parts over as many connections to both, straight from the file; the
clock ends with the last part's answer. nginx syncs nothing, so its time is taken twice: as it is,
and with the sync after it that makes its files as durable as ours are when they are answered.
"""

import io
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bidders import checked_lot, log_in
from cryptography.hazmat.primitives.asymmetric import ec
from figures import Outcome, say
from pairs import DidNotRun, figure, version
from submission import FIRST_PORT

from bidding.licence.folder import open_folder
from bidding.licence.uscc import check_character
from bidding.sealing.kem import public_point
from bidding.sealing.parts import PART, hash_file
from bidding.sealing.seal import Bidder, Sealed, seal_package
from foundation.embedded import database_addresses
from foundation.settings import Settings
from sunbid.client import Client
from sunbid.demo import publish
from sunbid.demo.play import Play
from sunbid.demo.stage import next_free, open_stage
from sunbid.demo.story import Story

CONNECTIONS: Final = 4
GOAL: Final = 0.7
FIRST_17: Final = "91340600MABE00001"
SPEEDS: Final = "ratio of speeds"
START_PATIENCE_S: Final = 10.0
CONFIGURATION: Final = """
daemon off; user root; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/incoming; client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port}; root {folder}/stored;
    location / {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of one request and where its body lies in the file."""

    head: bytes
    begin: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Seconds of one pair: ours, nginx to its last answer, the sync after it, our read-back."""

    ours: float
    nginx: float
    synced: float
    read_back: float


def measure(folder: Path, package: Path, rounds: int) -> Outcome:
    """Upload a sealed file to both in turn."""
    if version("nginx", "-v") is None:
        return Outcome(figures=[], skipped=["nginx (not installed): upload_vs_nginx"])
    stage_folder = folder / "stage"
    # Where the database must run as another account, that account passes here.
    stage_folder.mkdir()
    for part in (folder, stage_folder):
        part.chmod(0o711)
    settings = Settings(mode="demo", data_dir=stage_folder / "platform")
    with database_addresses(settings), _nginx(folder / "nginx") as port:
        stage = open_stage(stage_folder, next_free(FIRST_PORT), named=True)
        play = Play(stage, Story(seed=0, out=io.StringIO()), number=1)
        try:
            stage.start()
            publish.register(play)
            publish.publish(play)
            client, sealed, made = _bidder(play, folder, package)
            with client:
                pairs = [_pair(folder, play, client, sealed, made, port) for _ in range(rounds)]
        finally:
            stage.stop()
    return _figures(pairs, sealed.stat().st_size)


def _bidder(play: Play, folder: Path, package: Path) -> tuple[Client, Path, Sealed]:
    """A bidder who is logged in and has a sealed file for the lot."""
    lot = checked_lot(play)
    uscc = FIRST_17 + check_character(FIRST_17)
    authority = open_folder(play.stage.data / "licence")
    licence = authority.issue(uscc, "压测投标人有限公司", "企业", lot.at, f"{play.stage.app}/crl")
    points = tuple(public_point(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    sealed = folder / "upload.tbe"
    made = seal_package(
        package,
        sealed,
        keys=lot.keys,
        volume=lot.required_volumes[0],
        bidder=Bidder(uscc=uscc, points=points),
    )
    return log_in(play.stage.server, licence.signer), sealed, made


def _pair(folder: Path, play: Play, client: Client, sealed: Path, made: Sealed, port: int) -> Round:
    size = sealed.stat().st_size
    begun = client.post(
        "/api/v1/uploads", {"size": size, "tree": made.listed.tree, "parts": list(made.parts)}
    )
    client.close()
    kept = {"Authorization": f"Bearer {client.token}", "Upload-Secret": begun["secret"]}
    path = f"/api/v1/uploads/{begun['upload']}/parts"
    os.sync()
    ours = send_all(
        play.stage.port,
        sealed,
        [
            _request(f"{path}/{index}", index, size, {**kept, "Part-Hash": announced})
            for index, announced in enumerate(made.parts)
        ],
    )
    blobs = play.stage.data / "platform" / "objects" / "blobs" / begun["upload"]
    began = time.perf_counter()
    for index in range(len(made.parts)):
        hash_file(blobs / str(index))
    read_back = time.perf_counter() - began
    shutil.rmtree(blobs)
    os.sync()
    nginx = send_all(
        port, sealed, [_request(f"/{index}", index, size, {}) for index in range(len(made.parts))]
    )
    began = time.perf_counter()
    os.sync()
    synced = time.perf_counter() - began
    stored = folder / "nginx" / "stored"
    if sum(file.stat().st_size for file in stored.iterdir()) != size:
        raise DidNotRun("expected every part in nginx's folder")
    for file in stored.iterdir():
        file.unlink()
    say(f"upload: {ours:.2f} s, nginx {nginx:.2f} s and {synced:.2f} s until it is on the disk")
    return Round(ours=ours, nginx=nginx, synced=synced, read_back=read_back)


def _figures(pairs: Sequence[Round], size: int) -> Outcome:
    shape = f"same {size >> 20} MiB in parts of 4 MiB, {CONNECTIONS} connections, same client"
    both = f"{version('nginx', '-v')} storing by DAV PUT, {shape}"
    return Outcome(
        figures=[
            figure(
                "upload_vs_nginx",
                [(one.nginx + one.synced) / one.ours for one in pairs],
                f"{both}, until its files are on the disk too (sync)",
                (">=", GOAL),
                unit=SPEEDS,
            ),
            figure(
                "upload_vs_nginx_unsynced",
                [one.nginx / one.ours for one in pairs],
                f"{both}, to its last answer: it has synced and hashed nothing by then",
                unit=SPEEDS,
            ),
            figure(
                "upload_speed",
                [(size >> 20) / one.ours for one in pairs],
                "absolute: hashed, file and folder synced, marked in the database, per part",
                unit="MiB/s",
            ),
            figure(
                "upload_read_back",
                [one.read_back / one.ours for one in pairs],
                "reading every stored part back and hashing it, as a share of the upload's time",
                unit="ratio of times",
            ),
        ]
    )


def _request(path: str, index: int, size: int, headers: dict[str, str]) -> Request:
    begin = index * PART
    length = min(PART, size - begin)
    lines = [f"PUT {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}"]
    lines += ["Content-Type: application/octet-stream"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return Request(head="\r\n".join([*lines, "", ""]).encode(), begin=begin, length=length)


def send_all(port: int, file: Path, requests: Sequence[Request]) -> float:
    """Send every request over a few connections at once; seconds until the last answer."""
    waiting, refused = deque(requests), list[bytes]()
    with file.open("rb") as source:
        threads = [
            threading.Thread(target=_send, args=(port, source.fileno(), waiting, refused))
            for _ in range(CONNECTIONS)
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - began
    if waiting or refused:
        raise DidNotRun(f"{len(refused)} parts were refused, the first: {refused[:1]}")
    return taken


def _send(port: int, source: int, waiting: "deque[Request]", refused: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        answers = connection.makefile("rb")
        while waiting:
            try:
                request = waiting.popleft()
            except IndexError:
                return
            connection.sendall(request.head)
            at, end = request.begin, request.begin + request.length
            while at < end:
                at += os.sendfile(connection.fileno(), source, at, end - at)
            status, body = _answer(answers)
            if status >= 300:
                refused.append(body[:300])


def _answer(answers: "io.BufferedReader") -> tuple[int, bytes]:
    status = int(answers.readline().split()[1])
    length = 0
    while (line := answers.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, answers.read(length)


@contextmanager
def _nginx(folder: Path) -> Iterator[int]:
    """nginx on a free port with a folder of its own."""
    for part in (folder, folder / "stored", folder / "incoming"):
        part.mkdir()
    port = next_free(FIRST_PORT + 500)
    settings = folder / "nginx.conf"
    settings.write_text(CONFIGURATION.format(folder=folder, port=port), "utf-8")
    words = ["nginx", "-c", settings, "-p", folder, "-e", folder / "error.log"]
    process = subprocess.Popen([str(word) for word in words], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, folder)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, folder: Path) -> None:
    ends = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise DidNotRun(f"nginx did not start: {(folder / 'error.log').read_text()[-300:]}")
