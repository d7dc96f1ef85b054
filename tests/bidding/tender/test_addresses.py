"""Telling takers of documents of a change: addresses sealed, opened for that alone, one mail."""

import asyncio
import email
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

import pytest

from bidding.tender import address_store, postponement
from bidding.tender.addresses import BadAddress, forget_addresses, leave_address, tell_changes
from bidding.tender.domain import UnknownLot, WrongStatus
from bidding.tender.service import public_leaves
from foundation.database import reading, transaction
from foundation.ledger.keeper import ChangeRefused, ReleaseRefused
from foundation.ledger.rows import BadRow
from foundation.settings import BadSetting, Settings, read_settings
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement
from foundation.statements.store import kept_statement
from sunbid.mail import MailAway, Mailer
from world import DEADLINE, MORNING, World, refused

TAKERS = ("wang@bidder-one.example", "li@bidder-two.example", "zhao@bidder-three.example")
Shown = tuple[Statement, dict[str, Json], str]


@dataclass
class Relay:
    """A mail relay on loopback: what was handed to it, and whom it does not know."""

    port: int = 0
    unknown: frozenset[str] = frozenset()
    mails: dict[str, str] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation, as RFC 5321 has it."""
        to = ""
        writer.write(b"220 relay\r\n")
        while line := (await reader.readline()).decode():
            word = line[:4].strip().upper()
            if word == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
                writer.write(b"550 unknown\r\n" if to in self.unknown else b"250 ok\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails[to] = read_mail(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 ok\r\n")
            else:
                writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
        writer.close()


def read_mail(raw: bytes) -> str:
    """Headers and text of a mail, decoded."""
    mail = email.message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    return "\n".join([*map(str, mail.values()), mail.get_content()])


@asynccontextmanager
async def relay(unknown: Sequence[str] = ()) -> AsyncIterator[tuple[Relay, Mailer]]:
    """A relay that listens, and the platform's mailer for it."""
    made = Relay(unknown=frozenset(unknown))
    server = await asyncio.start_server(made.serve, "127.0.0.1")
    made.port = server.sockets[0].getsockname()[1]
    settings = Settings(mail_relay=f"127.0.0.1:{made.port}", public_url="https://bid.example")
    mailer = Mailer.of(settings)
    assert mailer is not None
    async with server:
        yield made, mailer


async def followed(world: World) -> None:
    """A published lot whose documents three took and left their address, one of them twice."""
    await world.published_lot()
    await world.set_clock(MORNING)
    for address in (*TAKERS, TAKERS[0]):
        await leave_address(world.db, world.lot, address)


async def postponed(world: World) -> None:
    """The deadline moves later, and that is in the ledger."""
    proposal = postponement.Proposal(deadline_at=DEADLINE + timedelta(days=3), reason="答疑较多")
    schedule, _ = await postponement.propose(world.db, world.actors["agency"], world.lot, proposal)
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, schedule)
    await world.tick()


async def shown(world: World) -> Shown:
    """The lot's newest schedule with its leaf and proof."""
    async with reading(world.db, "bidding") as connection:
        kept = await kept_statement(connection, (await world.held()).schedule or "")
        assert kept is not None
        [leaf], proofs = await public_leaves(connection, [kept])
    return kept.statement, leaf, proofs[str(leaf["index"])]


async def rows(world: World) -> list[bytes]:
    async with reading(world.db, "bidding") as connection:
        return await address_store.of_lot(connection, world.lot)


@pytest.mark.misuse(110)
async def test_everybody_who_left_an_address_is_told_once_without_the_tenders_name(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await followed(world)
    async with relay() as (got, mailer):
        assert await tell_changes(world.db, world.desk.signer, mailer) == 0
        await postponed(world)
        assert await tell_changes(world.db, world.desk.signer, mailer) == 1
        assert got.mails.keys() == set(TAKERS)
        assert await tell_changes(world.db, world.desk.signer, mailer) == 0
    held = await world.held()
    for to, mail in got.mails.items():
        assert "https://bid.example/changes" in mail
        # Each by itself: nobody sees who else is told, no relay which tender somebody follows.
        for marker in (str(held.id), str(held.tender), held.tender_number, held.title):
            assert marker not in mail
        assert not [other for other in TAKERS if other != to and other in mail]
    assert not [one for one in TAKERS if one in caplog.text]


@pytest.mark.misuse(105)
@pytest.mark.threat("T7")
async def test_no_address_stands_in_the_database_and_all_are_of_one_length(world: World) -> None:
    await followed(world)
    await leave_address(world.db, world.lot, f"{'x' * 60}@{'y' * 100}.example")
    kept = await rows(world)
    assert {len(row) for row in kept} == {337}
    assert not [one for one in TAKERS for row in kept if one.encode() in row]


async def test_the_signer_opens_addresses_for_a_proven_change_alone(world: World) -> None:
    await followed(world)
    await world.tick()
    first = await shown(world)
    kept, signer = await rows(world), world.desk.signer
    assert sorted(await signer.open_addresses(world.lot, *first, kept)) == sorted(TAKERS)
    await postponed(world)
    statement, leaf, proof = await shown(world)
    # Unsigned, signed by one, with the leaf of another, of a type that is no change.
    [by_buyer, _] = statement.sigs
    for no, call in (
        (ChangeRefused, (replace(statement, sigs=()), leaf, proof)),
        (ChangeRefused, (replace(statement, sigs=(by_buyer,)), leaf, proof)),
        (ChangeRefused, (replace(statement, sigs=(by_buyer, by_buyer)), leaf, proof)),
        (ReleaseRefused, (statement, first[1], first[2])),
        (ReleaseRefused, (statement, leaf, first[2])),
        (ReleaseRefused, (Statement(type="stage", body=statement.body), leaf, proof)),
    ):
        assert isinstance(await refused(signer.open_addresses(world.lot, *call, kept)), no)
    assert len(await signer.open_addresses(world.lot, statement, leaf, proof, kept)) == 3
    # The same again after a crash, an older one never.
    assert len(await signer.open_addresses(world.lot, statement, leaf, proof, kept)) == 3
    no_more = await refused(signer.open_addresses(world.lot, *first, kept))
    assert isinstance(no_more, ChangeRefused)
    assert world.keeper.counts(world.lot)["addresses"] == 12


async def test_a_bids_row_is_no_address(world: World) -> None:
    await followed(world)
    act = await world.bid(world.bidder(1))
    await world.tick()
    call = world.desk.signer.open_addresses(world.lot, *await shown(world), [act.sealed_row])
    assert isinstance(await refused(call), BadRow)


async def test_a_relay_that_is_away_and_one_that_knows_not_everybody(world: World) -> None:
    await followed(world)
    await postponed(world)
    nobody = Mailer(host="127.0.0.1", port=9, sender="a@b.example", changes="x")
    no = await refused(tell_changes(world.db, world.desk.signer, nobody))
    assert isinstance(no, MailAway)
    assert not [one for one in TAKERS if one in no.message]
    async with relay(unknown=TAKERS[:1]) as (got, mailer):
        assert await tell_changes(world.db, world.desk.signer, mailer) == 1
    assert got.mails.keys() == set(TAKERS[1:])


async def test_addresses_go_when_the_lot_closes_and_nobody_is_told_of_old_changes(
    world: World,
) -> None:
    await followed(world)
    await postponed(world)
    await forget_addresses(world.db)
    assert len(await rows(world)) == 4
    async with transaction(world.db, "bidding") as connection:
        await connection.execute("UPDATE bidding.lot SET status = 'terminated'")
    await forget_addresses(world.db)
    assert await rows(world) == []

    async def nobody(_: Sequence[str]) -> None:
        raise AssertionError

    assert await tell_changes(world.db, world.desk.signer, nobody) == 0


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b\r\nBcc: c@d", "a b@c.cn", "名@例.cn", "a@", f"{'x' * 65}@b.cn", "<a@b.cn>"],
)
async def test_what_is_no_address(world: World, address: str) -> None:
    await world.published_lot()
    assert isinstance(await refused(leave_address(world.db, world.lot, address)), BadAddress)


async def test_lots_that_tell_nothing(world: World) -> None:
    await world.draft()
    assert isinstance(await refused(leave_address(world.db, world.lot, TAKERS[0])), UnknownLot)
    await world.announce()
    await world.publish()
    await world.set_clock(DEADLINE)
    assert isinstance(await refused(leave_address(world.db, world.lot, TAKERS[0])), WrongStatus)
    await world.set_clock(DEADLINE - timedelta(seconds=1))
    await leave_address(world.db, world.lot, TAKERS[0])


def test_settings_of_mail() -> None:
    assert Mailer.of(Settings()) is None
    assert read_settings({"SUNBID_MAIL_RELAY": "mail.example:25"}).mail_relay == "mail.example:25"
    for wrong in ("mail.example", ":25", "mail:x", "mail:0", "mail:70000"):
        with pytest.raises(BadSetting):
            read_settings({"SUNBID_MAIL_RELAY": wrong})
