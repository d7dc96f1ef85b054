"""The bidder's commands as processes, against the whole application on a real port.

The licence app is the development authority in a process of its own.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from litestar import Litestar
from litestar.status_codes import HTTP_400_BAD_REQUEST

from bidding.opening.closings import blobs
from bidding.sealing.parts import PART
from conftest import SetClock
from foundation.database import Database, reading
from foundation.settings import Settings
from foundation.statements.canonical import parse_time
from foundation.statements.store import kept_events
from licences import ROOT, free_port, running_authority
from opening_world import open_all, results
from served_world import served
from sunbid.bid_folder import BidFolder
from sunbid.client import Client
from world import MORNING, VOLUMES, BidderOf, World, a_volume, make_world

PASSPHRASE = "secret"
PATIENCE_S = 120


@dataclass(frozen=True, kw_only=True)
class Site:
    """A platform, a licence app, and the folder of a bidder who works by commands."""

    world: World
    bidder: BidderOf
    folder: Path
    platform: str
    app: str
    before: "Gates"

    async def sunbid(self, *words: str, status: int = 0) -> dict[str, Any]:
        """Run a command to its end; what it says as JSON, if it does."""
        process = await self.start(*words)
        said, faults = await process.communicate()
        assert process.returncode == status, faults.decode()
        found: dict[str, Any] = json.loads(said) if said.startswith(b"{") else {}
        return found

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sunbid", *words),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "SUNBID_MODE": "demo"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def log_in(self) -> None:
        """By the licence, in its app."""
        await self.sunbid("login", "--server", self.platform, *self.licence())

    def licence(self) -> tuple[str, ...]:
        return ("--licence", self.bidder.uscc, "--app", self.app, "--yes")

    async def seal(self, *key: str, more: bytes = b"", out: str = "sealed") -> Path:
        """Seal both volumes for the lot as the platform describes it; `more` makes one larger."""
        words = []
        for volume in VOLUMES:
            place = self.folder / volume
            place.mkdir(exist_ok=True)
            for name, content in a_volume(self.bidder, volume).items():
                if name != "sunbid-package.json":
                    (place / name).write_bytes(content)
            words += ["--volume", f"{volume}={place}"]
        (self.folder / "qual" / "more.pdf").write_bytes(b"%PDF-1.7\n" + more)
        await self.sunbid(
            *("seal", str(await self.material()), *words, "--out", out),
            *("--uscc", self.bidder.uscc, "--name", self.bidder.name, *key),
        )
        return self.folder / out

    async def material(self) -> Path:
        """The lot file, as a bidder takes it from the platform."""
        path = f"/api/v1/lots/{self.world.lot}/sealing-material"
        with Client(origin=self.platform) as client:
            raw = await asyncio.to_thread(client.get_bytes, path)
        (self.folder / "lot.json").write_bytes(raw)
        (self.folder / "policy.txt").write_text(json.loads(raw)["policy_text"])
        return self.folder / "lot.json"

    async def submit(self, status: int = 0) -> dict[str, Any]:
        return await self.sunbid(
            "submit", "sealed", "--resume", "--json", *self.licence(), status=status
        )


@dataclass
class Gate:
    """Lets so many parts of files through and answers no further one until it is opened.

    Those are withheld before the application sees them, or after it stored them.
    """

    passing: int
    withheld: Literal["part", "answer"]
    seen: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_shut(self) -> bool:
        return not self.opened.is_set() and self.seen >= self.passing


@dataclass
class Gates:
    """Gates one after another before the application; the parts that it stored, in order."""

    gates: Sequence[Gate]
    parts: list[str] = field(default_factory=list)
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)
    app: Any = None

    def before(self, app: Litestar) -> Callable[..., Any]:
        self.app = app
        return self.handle

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        gate = next((gate for gate in self.gates if not gate.opened.is_set()), None)
        if scope["type"] != "http" or scope["method"] != "PUT":
            await self.app(scope, receive, send)
        elif gate is None or not gate.is_shut:
            if gate is not None:
                gate.seen += 1
            await self._store(scope, receive, send)
        else:
            if gate.withheld == "answer":
                await self._store(scope, receive, nothing)
            gate.reached.set()
            await gate.opened.wait()

    async def _store(self, scope: Any, receive: Any, send: Any) -> None:
        async def seen(message: Any) -> None:
            if message.get("status", HTTP_400_BAD_REQUEST) < HTTP_400_BAD_REQUEST:
                self.parts.append(scope["path"])
            await send(message)

        task = asyncio.ensure_future(self.app(scope, receive, seen))
        self.under_way.add(task)
        await asyncio.wait([task])

    async def settled(self) -> None:
        """Wait for the parts that were under way: stored, or cut off with their sender."""
        await asyncio.wait(self.under_way)


async def nothing(_: Any) -> None:
    """An answer that nobody gets."""


@asynccontextmanager
async def site_of(
    world: World, settings: Settings, folder: Path, gates: Sequence[Gate] = ()
) -> AsyncIterator[Site]:
    """The processes around a published lot."""
    bidder, port, before = world.bidder(1), free_port(), Gates(gates)
    folder.mkdir()
    async with served(world, settings, port, before.before) as platform:
        with running_authority(world.authority.folder.path, "--time-url", platform) as app:
            yield Site(
                world=world,
                bidder=bidder,
                folder=folder,
                platform=platform,
                app=app,
                before=before,
            )


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    """A lot to which bids can come."""
    made = await make_world(database, set_clock, tmp_path)
    await made.published_lot(minimum=1)
    await made.set_clock(MORNING)
    yield made
    made.keeper.close()


async def test_a_bid_by_commands_and_licence_is_supplied_again_and_opened(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    async with site_of(world, settings, tmp_path / "bidder") as site:
        await site.log_in()
        folder = BidFolder(await site.seal("--licence-app", "--app", site.app, "--yes"))
        assert not (folder.path / "opening-key.json").exists()
        said = await site.submit()
        assert said["state"] == "received"
        assert (folder.path / "receipt.json").exists()
        qual = next(v for v in folder.record().volumes if v.volume == "qual")
        # The platform loses a part; the bidder is asked and sends its own file again.
        upload = folder.uploads()[qual.tree]["upload"]
        lost = world.desk.objects.folder / "blobs" / upload / "0"
        await world.close()
        lost.unlink()
        await world.tick(2)
        await world.step("phase1")
        await blobs.read_back(world.desk, world.lot)
        assert await events(world, "damaged") == [qual.tree]
        again = ("resupply", "sealed", "--volume", "qual", "--json")
        assert (await site.sunbid(*again))["supplied"] == [{"volume": "qual", "tree": qual.tree}]
        assert await events(world, "resupplied") == [qual.tree]
        assert lost.read_bytes() == (folder.path / qual.file).read_bytes()
        # The licence app opens with its key of this lot; nothing of it was on this machine.
        release = ("release", "sealed", "--server", site.platform, "--json", "--yes")
        said = await site.sunbid(*release, "--licence-app", "--app", site.app)
        assert parse_time(said["received"]) >= MORNING
        await world.check_all()
        await open_all(world)
        assert set((await results(world)).values()) == {"OPENED"}


async def test_a_bid_by_keys_in_files_and_tokens_is_killed_resumed_withdrawn_and_opened(
    world: World, settings: Settings, tmp_path: Path, token: str
) -> None:
    gates = [Gate(3, "part"), Gate(2, "answer")]
    async with site_of(world, settings, tmp_path / "bidder", gates) as site:
        pin = ("--passphrase-file", "passphrase")
        signer = ("--key", a_licence_file(site), *pin)
        await site.sunbid("login", "--server", site.platform, *signer)
        key = ("--opening-key", token)
        folder = BidFolder(await site.seal(*key, *pin, more=secrets.token_bytes(6 * PART)))
        assert not (folder.path / "opening-key.json").exists()
        assert (await site.sunbid("rehearse", "sealed", "--json", *key, *pin))["ok"]
        for gate in gates:
            process = await site.start("submit", "sealed", "--json", *signer)
            await asyncio.wait_for(gate.reached.wait(), PATIENCE_S)
            process.kill()
            await process.communicate()
            # What is half stored when a process dies may be sent again.
            await site.before.settled()
            assert not (folder.path / "receipt.json").exists()
            gate.opened.set()
        again = ("submit", "sealed", "--resume", "--json", *signer)
        assert (await site.sunbid(*again))["state"] == "received"
        # Every part went once: what was stored when a process died is not sent again.
        every = sum(len(volume.parts) for volume in folder.record().volumes)
        assert sorted(site.before.parts) == sorted(set(site.before.parts))
        assert len(site.before.parts) == every
        # Handed in once more, it is the same act and the same receipt.
        receipt = json.loads((folder.path / "receipt.json").read_bytes())["statement"]
        assert (await site.sunbid(*again))["state"] == "received"
        assert json.loads((folder.path / "receipt.json").read_bytes())["statement"] == receipt
        back = await site.sunbid("withdraw", "sealed", "--out", "back", "--json", *signer)
        assert back["state"] == "received"
        # The next bid follows the withdrawal; its opening key lies in a PKCS#12 file.
        key = ("--opening-key", an_opening_file(site))
        words = ("--seq", "3", "--prev", back["act"], *key, *pin)
        second = BidFolder(await site.seal(*words, out="second"))
        assert (await site.sunbid("submit", "second", "--json", *signer))["state"] == "received"
        receipts = (f"{folder.path}/receipt.json", "back/receipt.json", "second/receipt.json")
        verified = ("receipt", "verify", *receipts, "--policy", "policy.txt", "--json")
        assert (await site.sunbid(*verified))["ok"]
        await world.begin_opening()
        await site.sunbid("release", str(second.path), "--server", site.platform, *key, *pin)
        await world.check_all()
        await open_all(world)
        assert set((await results(world)).values()) == {"OPENED"}


def a_licence_file(site: Site) -> str:
    """The bidder's licence with its certificates, as an authority hands it out."""
    signer = site.bidder.signer
    assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
    chain = [x509.load_der_x509_certificate(der) for der in signer.chain]
    return a_key_file(site, "licence.p12", signer.key, chain)


def an_opening_file(site: Site) -> str:
    """A key that no authority certified."""
    return a_key_file(site, "opening.p12", ec.generate_private_key(ec.SECP256R1()), [])


def a_key_file(
    site: Site, name: str, key: ec.EllipticCurvePrivateKey, chain: list[x509.Certificate]
) -> str:
    """A PKCS#12 file in the bidder's folder."""
    (site.folder / "passphrase").write_text(PASSPHRASE)
    locked = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    own, more = (chain[0], chain[1:]) if chain else (None, None)
    (site.folder / name).write_bytes(
        pkcs12.serialize_key_and_certificates(b"key", key, own, more, locked)
    )
    return name


async def events(world: World, name: str) -> list[str]:
    """The files of which the platform told this."""
    async with reading(world.db, "bidding") as connection:
        kept = await kept_events(connection, f"bidding:file:{name}", world.lot)
    return [event.body["data"]["tree"] for event in kept]
