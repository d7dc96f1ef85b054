"""Licences for tests: codes of invented organisations, and the authority as a real process."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bidding.licence.uscc import check_character

ROOT = Path(__file__).resolve().parents[1]
# The command's own function, so that this needs no installed entry point.
START = (
    "import argparse; from sunbid.commands import licence as c; "
    "p = argparse.ArgumentParser(); c.add_arguments(p); raise SystemExit(c.run(p.parse_args()))"
)


def a_uscc(number: int) -> str:
    """The right code of an organisation that does not exist."""
    first = f"9134{number % 10**13:013d}"
    return first + check_character(first)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_authority(folder: Path, *more: str) -> Iterator[str]:
    """Start `sunbid licence serve` and yield its address."""
    port = free_port()
    words = ["serve", "--folder", str(folder), "--port", str(port), *more]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_it_answers(process, port, "/api/v1/authority")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def wait_until_it_answers(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    """Return when a server answers; raise what it said on its way out when it ends before."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError((process.stderr.read() if process.stderr else b"").decode())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"{path} did not answer within 30 s")
