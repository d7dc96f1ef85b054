"""A seat's own device in a test: real folder, real rules, the platform's services as its client."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bidding.opening.material import member_material
from bidding.tender import drill, member_keys
from bidding.tender import service as tenders
from foundation.clock import read_clock
from foundation.database import reading, transaction
from foundation.ledger import store as ledger_store
from foundation.ledger.log import latest_checkpoint
from foundation.ledger.note import COSIGNATURE, VerifierKey, cosign, read_note
from foundation.problems import Refused, to_problem
from foundation.statements.canonical import b64, time_text, unb64
from foundation.statements.keyfile import LoadedKey, write_key
from foundation.statements.signed import Statement, sign, unsigned
from sunbid import doors
from sunbid.client import ServerRefused
from sunbid.seat.acts import Seat
from sunbid.seat.home import KEY
from world import SeatHolder, World, actor

WITNESS = "w.example"
Change = Callable[[Any], Any]


class InProcess:
    """What a seat sees of the platform; `changes` is what a dishonest one shows instead."""

    def __init__(self, world: World, holder: SeatHolder) -> None:
        self.world = world
        self.loop = asyncio.get_running_loop()
        self.actor = actor("custodian", holder.uscc, holder.name)
        self.changes: dict[str, Change] = {}
        self.policy: str | None = None
        self.posted: list[Statement] = []
        self.away = False

    def get(self, path: str) -> Any:
        """Read JSON."""
        *_, lot, what = path.split("/")
        desk = self.world.desk
        if what == "possession-questions":
            value = self._ask(member_keys.open_questions(desk.db, self.actor))
        elif what == "time":
            value = self._ask(platform_time(self.world))
        elif what == "member-material":
            value = self._ask(member_material(desk, self.actor, self.world.lot))
        elif what == "drills":
            value = self._ask(drill.show_drills(desk.db, self.world.lot))
        else:
            assert what == "sealing-material", path
            value = self._ask(sealing_material(self.world, self.policy))
        assert what in {"time", "possession-questions"} or lot == str(self.world.lot)
        change = self.changes.get(what)
        return value if change is None else change(value)

    def post(self, path: str, value: Any, *, key: str) -> Any:
        """Send JSON; here only the answer to a question of possession."""
        assert path == "/api/v1/possession-answers"
        nonce = unb64(value["nonce"], 16)
        sid, said = value["member_key"], value["answer"]
        self._ask(member_keys.take_possession(self.world.desk.db, sid, nonce, said))
        return {"member_key": sid}

    def post_statement(self, path: str, statement: Statement) -> Any:
        """Hand a statement in at the platform's door."""
        assert path == "/api/v1/statements"
        self._ask(doors.accept_statement(self.world.desk, self.actor, statement))
        self.posted.append(statement)
        return {"sid": statement.sid}

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def close(self) -> None:
        """Nothing to close."""

    def _ask(self, call: Coroutine[Any, Any, Any]) -> Any:
        if self.away:
            call.close()
            from sunbid.client import NoAnswer

            raise NoAnswer("nobody answers here")
        try:
            return asyncio.run_coroutine_threadsafe(call, self.loop).result(60)
        except Refused as refused:
            raise ServerRefused(to_problem(refused)) from None


async def platform_time(world: World) -> dict[str, Any]:
    """The platform's signed time."""
    async with reading(world.db, "foundation") as connection:
        platform, real, _ = await read_clock(connection)
    body = {"v": 1, "platform": time_text(platform), "real": time_text(real), "factor": 1}
    return {"statement": sign(unsigned("platform-time", body), world.desk.platform).json()}


async def policy_text(world: World, *lines: str) -> str:
    """The platform's policy; without further lines it asks for no witness."""
    last = await world.signer.last()
    anchors = [("licence", anchor) for anchor in world.desk.anchors]
    anchors += [("platform", anchor) for anchor in world.desk.platform_anchors]
    named = [f"#anchor {role} {b64encode(der).decode()}" for role, der in anchors]
    return "\n".join([f"log {last.vkey}", *(lines or ("quorum none",)), *named, ""])


async def sealing_material(world: World, policy: str | None = None) -> dict[str, Any]:
    """The lot's file as the platform gives it."""
    found = await tenders.sealing_material(world.db, world.lot)
    return {
        "opening_keys": found.opening_keys.json(),
        "leaves": found.leaves,
        "proofs": found.proofs,
        "policy_text": policy or await policy_text(world),
        "pinned": {
            "buyer_uscc": found.lot.parties.buyer_uscc,
            "supervisor_uscc": found.lot.parties.supervisor_uscc,
        },
        "anchors": [b64(anchor) for anchor in world.desk.anchors],
    }


def seat_of(world: World, name: str, home: Path | None = None) -> tuple[Seat, InProcess]:
    """The device of a seat, with its key file in its own folder."""
    holder = world.members[name]
    folder = home or world.folder / f"seat-{name}"
    keys = LoadedKey(sign_key=holder.signer.key, exchange_key=holder.exchange.key)  # type: ignore[arg-type]
    if not (folder / KEY).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_key(folder / KEY, "passphrase", keys)
    client = InProcess(world, holder)
    return Seat(home=folder, keys=keys, client=client), client  # type: ignore[arg-type]


async def at_device(act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Do what a device does, beside the platform's event loop."""
    return await asyncio.to_thread(act, *arguments, **named)


async def witnessed(world: World, key: Ed25519PrivateKey, at: datetime) -> None:
    """A witness cosigns the newest checkpoint at a time."""
    async with transaction(world.db, "foundation") as connection:
        latest = await latest_checkpoint(connection)
        assert latest is not None
        text = read_note(latest.note).text
        line = cosign(text, WITNESS, key, int(at.timestamp()))
        await ledger_store.add_cosignature(connection, latest.size, WITNESS, line.text())


def witness_lines(key: Ed25519PrivateKey) -> list[str]:
    """The lines of a policy that asks for the test's one witness."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    vkey = VerifierKey(name=WITNESS, kind=COSIGNATURE, public=public)
    return [f"witness W {vkey.text()}", "quorum W"]
