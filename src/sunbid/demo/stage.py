"""The stage: signer, licence authority and platform as processes; personas as client processes.

The demonstration has no back door: it speaks to the platform over HTTP and by the command
`sunbid`, each act a process of its own with the persona's folder.
"""

import contextlib
import ctypes
import fcntl
import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from foundation.problems import Conflict, Refused, Unavailable
from foundation.statements.keyfile import SIGNING, new_key, read_public
from sunbid.client import Client, load_session
from sunbid.demo.story import StepFailed

# Platform, licence authority, sealing frame, time-stamp authority.
LISTENERS: Final = 4
START_PATIENCE_S: Final = 60.0
END_PATIENCE_S: Final = 15.0
ORIGIN: Final = "localhost/sunbid-demo"
DEMO_START: Final = "2019-04-08T01:00:00.000Z"
WORKERS: Final = 4
PR_SET_PDEATHSIG: Final = 1
# The name of a file, not a passphrase.
PASSPHRASE: Final = "passphrase"  # noqa: S105


class FolderInUse(Conflict):
    """Another run uses this folder."""

    code = "folder-in-use"


class PortTaken(Unavailable):
    """The port is taken."""

    code = "port-taken"


class DidNotStart(Unavailable):
    """A process of the demonstration did not start."""

    code = "did-not-start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    error: str

    def json(self) -> Any:
        """What the command wrote as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Stage:
    """The processes of one demonstration and the folder that they share."""

    data: Path
    port: int
    licence_port: int
    seal_port: int
    time_port: int
    lock: BinaryIO
    claims: tuple[socket.socket, ...] = ()
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def server(self) -> str:
        """The platform's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self) -> str:
        """The licence app's address."""
        return f"http://127.0.0.1:{self.licence_port}"

    @property
    def people(self) -> Path:
        """Where each persona's folder lies."""
        return self.data / "people"

    def person(self, persona: str) -> Path:
        """The folder of a persona, made on first use."""
        folder = self.people / persona
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def key_of(self, persona: str) -> Path:
        """The key file of a person, made on first use with a passphrase of its own."""
        folder = self.person(persona)
        key, words = folder / "key.json", folder / PASSPHRASE
        if not key.exists():
            words.touch(mode=0o600)
            words.write_text(secrets.token_urlsafe(12))
            new_key(key, words.read_text(), SIGNING)
        return key

    def public_of(self, persona: str) -> bytes:
        """The public key of a person."""
        public = read_public(self.key_of(persona)).sign
        if public is None:
            raise StepFailed(f"{persona} has no signing key")
        return public

    def session(self, persona: str) -> Path:
        """The session file of a persona."""
        return self.person(persona) / "session.json"

    def client(self, persona: str) -> Client:
        """A client in a persona's session."""
        return load_session(self.session(persona)).client()

    def environment(self) -> dict[str, str]:
        """The environment of every process; the platform's names no people and no licence keys."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SUNBID_", "DATABASE_"))}
        return {
            **kept,
            "SUNBID_MODE": "demo",
            "PYTHONUNBUFFERED": "1",
            "SUNBID_DATA_DIR": str(self.data / "platform"),
        }

    def command(self, *words: str | Path) -> Outcome:
        """Run `sunbid …` as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "sunbid", *map(str, words)],
            env=self.environment(),
            cwd=self.data,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Outcome(code=done.returncode, out=done.stdout, error=done.stderr.strip())

    def must(self, *words: str | Path) -> Outcome:
        """Run `sunbid …` and end the story unless it succeeds."""
        done = self.command(*words)
        if done.code != 0:
            shown = " ".join(str(word) for word in words[:2])
            raise StepFailed(f"sunbid {shown}: {done.error.splitlines()[-1:] or done.out[-200:]}")
        return done

    def at_once(self, commands: Sequence[Sequence[str | Path]]) -> list[Outcome]:
        """Run several commands at the same time, as their owners would; all must succeed."""
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(lambda words: self.must(*words), commands))

    def log_in(self, commands: Sequence[Sequence[str | Path]]) -> None:
        """Log several people in at once; they share a client process, each has its session."""
        from sunbid import cli

        words = [[str(word) for word in command] for command in commands]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), ThreadPoolExecutor(WORKERS) as pool:
            codes = list(pool.map(cli.main, words))
        if any(codes):
            raise StepFailed(f"sunbid login: {said.getvalue().strip().splitlines()[-1:]}")

    # --- processes ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the authorities, signer and platform; each must answer before it is needed."""
        anchor = self.data / "licence" / "root.der"
        clock = f"{self.server}/api/v1/time"
        self._spawn(
            "licence", "licence", "serve", "--folder", self.data / "licence",
            "--port", str(self.licence_port), "--people", self.people, "--time-url", clock,
        )  # fmt: skip
        self._until(anchor.exists, "licence")
        times = self.data / "timestamp"
        self._spawn(
            "timestamp", "timestamp", "serve", "--folder", times,
            "--port", str(self.time_port), "--time-url", clock,
        )  # fmt: skip
        self._until((times / "key.der").exists, "timestamp")
        socket_path = self.data / "signer.sock"
        self._spawn(
            "signer", "signer", "--state", self.data / "signer", "--socket", socket_path,
            "--origin", ORIGIN, "--anchor", anchor, "--clock", "demo",
            more={"SUNBID_SIGNER_PASSPHRASE": self._secret("signer.passphrase")},
        )  # fmt: skip
        self._until(socket_path.exists, "signer")
        self._spawn(
            "platform", "serve", "--demo-start", DEMO_START,
            more={
                "SUNBID_PORT": str(self.port),
                "SUNBID_PUBLIC_URL": self.server,
                "SUNBID_SEAL_PORT": str(self.seal_port),
                "SUNBID_TICK_S": "1",
                "SUNBID_ORIGIN": ORIGIN,
                "SUNBID_SIGNER_SOCKET": str(socket_path),
                "SUNBID_LICENCE_ANCHORS": str(anchor),
                "SUNBID_LICENCE_URL": self.app,
                "SUNBID_TIMESTAMP_URL": f"http://127.0.0.1:{self.time_port}",
                "SUNBID_TIMESTAMP_ANCHORS": str(times / "root.der"),
                "SUNBID_ADMINISTRATORS": str(self._administrators()),
            },
        )  # fmt: skip
        self._until(lambda: answers(self.server), "platform")

    def stop(self) -> None:
        """End everything that was started, the platform first."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(END_PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            # Its workers and readers are of its own group; none of them outlives it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self.processes.clear()
        for claim in self.claims:
            claim.close()
        self.lock.close()

    def log_of(self, name: str) -> Path:
        """The log of a process."""
        return self.data / "logs" / f"{name}.log"

    def _spawn(self, name: str, *words: str | Path, more: dict[str, str] | None = None) -> None:
        log = self.log_of(name)
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as target:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", "sunbid", *map(str, words)],
                    env={**self.environment(), **(more or {})},
                    cwd=self.data,
                    preexec_fn=_end_with_parent,
                    stdin=subprocess.DEVNULL,
                    stdout=target,
                    stderr=target,
                    start_new_session=True,
                )
            )

    def _until(self, ready: Any, name: str) -> None:
        until = time.monotonic() + START_PATIENCE_S
        while not ready():
            if self.processes[-1].poll() is not None or time.monotonic() > until:
                said = self.log_of(name).read_text(errors="replace").strip().splitlines()[-1:]
                raise DidNotStart(f"{name} did not start: {''.join(said)}; see {self.log_of(name)}")
            time.sleep(0.05)

    def _secret(self, name: str) -> str:
        path = self.data / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    def _administrators(self) -> Path:
        from foundation.statements.canonical import b64

        path = self.data / "administrators.json"
        public = b64(self.public_of("admin"))
        path.write_text(json.dumps([{"name": "平台管理员（演示）", "alg": "ES256", "pk": public}]))
        return path


def _end_with_parent() -> None:
    """In a new process: let the kernel end it when the demonstration is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def open_stage(data: Path, port: int | None, *, named: bool) -> Stage:
    """Take a data folder and free ports; refuses a named folder that another run uses."""
    folder, lock = _take_folder(data, named=named)
    ports, claims = claim_ports(8000 if port is None else port)
    if port is not None and ports[0] != port:
        lock.close()
        for claim in claims:
            claim.close()
        raise PortTaken(f"port {port} of 127.0.0.1 is taken; give --port another one")
    platform, licence, seal, times = ports
    return Stage(
        data=folder,
        port=platform,
        licence_port=licence,
        seal_port=seal,
        time_port=times,
        lock=lock,
        claims=tuple(claims),
    )


def claim_ports(first: int) -> tuple[list[int], list[socket.socket]]:
    """Claim a port for each process that listens, from one on."""
    ports: list[int] = []
    claims: list[socket.socket] = []
    for _ in range(LISTENERS):
        port, claim = claim_port(ports[-1] + 1 if ports else first)
        ports.append(port)
        claims.append(claim)
    return ports, claims


def _take_folder(data: Path, *, named: bool) -> tuple[Path, BinaryIO]:
    candidates = [data] if named else [data, *(Path(f"{data}-{n}") for n in range(2, 100))]
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (folder / "lock").open("ab")
        except OSError as error:
            raise FolderInUse(
                f"cannot write in {folder}: {error.strerror}; give --data another folder"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return folder.resolve(), lock
    raise FolderInUse(f"another run uses {data}; end it, or give --data another folder")


def claim_port(first: int) -> tuple[int, socket.socket]:
    """Claim the first free port from one on, until the claim is closed.

    A free port is not ours yet: some seconds pass until a process listens there, and another
    demonstration that starts meanwhile must not take it too, nor speak to our platform.
    """
    for port in range(first, 65536):
        claim = socket.socket(socket.AF_UNIX if sys.platform == "linux" else socket.AF_INET)
        with contextlib.suppress(OSError):
            if sys.platform == "linux":
                # An abstract name: no file, gone with its process.
                claim.bind(f"\0sunbid-demo-port-{port}")
            if is_free(port):
                return port, claim
        claim.close()
    raise PortTaken(f"expected a free port of 127.0.0.1 from {first} on, got none")


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def next_free(port: int) -> int:
    """Return the first free port from one on."""
    while not is_free(port):
        port += 1
    return port


def answers(server: str) -> bool:
    """Say whether the platform answers."""
    try:
        with Client(origin=server, timeout=1) as client:
            return bool(client.get("/health/live"))
    except Refused:
        return False
