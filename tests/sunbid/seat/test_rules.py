"""A seat against a platform that shows it something else than it should (8.2)."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bidding.bid import service as bids
from bidding.bid.store import acts_of_lot
from bidding.opening.closings.omissions import take_omission
from bidding.sealing.bodies import OpeningStep
from bidding.sealing.refusals import MemberRefuses, WrongOpeningKeys
from bidding.tender import drill
from foundation.ledger.receipt import receipt_file
from foundation.problems import Refused
from foundation.statements.canonical import unb64
from foundation.statements.signed import Statement, decode_body, from_json, read, sign, unsigned
from opening_world import WINDOW, later, with_bids
from seat_world import InProcess, at_device, policy_text, seat_of, witness_lines, witnessed
from sunbid.client import NotADemonstration, ServerRefused
from sunbid.seat.acts import (
    Seat,
    answer_drills,
    keep_appointment,
    look,
    send_check,
    send_release,
)
from sunbid.seat.question import NO_OUTSIDE_TIME, NothingAsked, _extended
from world import DEADLINE, BidderOf, World

Patch = pytest.MonkeyPatch


async def appointed(world: World, name: str = "T1", **named: Any) -> tuple[Seat, InProcess]:
    seat, client = seat_of(world, name)
    await at_device(keep_appointment, seat, str(world.lot), **named)
    return seat, client


async def asked(world: World, name: str = "T1") -> tuple[Seat, InProcess, list[BidderOf]]:
    """A seat with its appointment, and an opening in phase 1."""
    bidders = await with_bids(world)
    seat, client = await appointed(world, name)
    await world.begin_opening()
    await world.tick()
    return seat, client, bidders


async def checked(world: World, name: str = "T1") -> tuple[Seat, InProcess, list[BidderOf]]:
    seat, client, bidders = await asked(world, name)
    await at_device(send_check, seat, str(world.lot))
    return seat, client, bidders


async def refuses(act: Any, seat: Seat, world: World, words: str = "") -> Refused:
    """The act is refused by the seat itself, and nothing is sent."""
    client: Any = seat.client
    before = len(client.posted)
    with pytest.raises(Refused) as found:
        await at_device(act, seat, str(world.lot))
    assert not isinstance(found.value, ServerRefused), found.value
    assert len(client.posted) == before
    assert words in found.value.message, found.value.message
    return found.value


def without(kind: str) -> Any:
    """What is shown, without one list of it."""
    return lambda shown: {**shown, kind: []}


async def test_a_seat_checks_and_releases_by_its_own_rules(world: World) -> None:
    seat, client, bidders = await asked(world)
    lot = str(world.lot)
    done = await at_device(send_check, seat, lot)
    assert {r["result"] for r in done.statement.body["results"]} == {"ok"}
    assert done.remarks == (NO_OUTSIDE_TIME,)
    await refuses(send_release, seat, world, "phase1")
    closing = (await world.kept("closing"))[-1]
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.tick()
    await world.step("phase3")
    await world.tick()
    released = await at_device(send_release, seat, lot)
    assert len(released.statement.body["shares"]) == 6
    # The same again after an answer that was lost: the same statement, accepted before.
    again = await at_device(send_release, seat, lot)
    assert again.statement.sid == released.statement.sid
    assert [s.type for s in client.posted] == ["share-check", "release-t", "release-t"]


async def test_nothing_is_asked_before_the_closing(world: World) -> None:
    await with_bids(world)
    seat, _ = await appointed(world)
    with pytest.raises(ServerRefused):
        await at_device(look, seat, str(world.lot))
    await world.close()
    seat.client.changes["member-material"] = without("closings")  # type: ignore[attr-defined]
    with pytest.raises(NothingAsked):
        await at_device(look, seat, str(world.lot))


# --- rule 1: its own appointment ---------------------------------------------------------------


@pytest.mark.misuse(66)
async def test_an_appointment_is_what_the_organisation_was_given(world: World) -> None:
    await world.published_lot()
    sid = (await world.keys()).sid
    seat, client = seat_of(world, "T1")
    lot = str(world.lot)
    for wrong in ("0" * 20, sid[:12]):
        with pytest.raises(WrongOpeningKeys):
            await at_device(keep_appointment, seat, lot, expected=wrong)
    assert not seat.folder(lot).is_appointed
    digits = " ".join(sid[at : at + 4] for at in range(0, 20, 4))
    held = await at_device(keep_appointment, seat, lot, expected=digits)
    assert (held.appointment.group, held.appointment.i) == ("T", 1)

    def own_keys(material: Any) -> Any:
        """The platform's own opening keys: signed by nobody else."""
        body = {**material["opening_keys"]["body"], "version": 2}
        made = sign(unsigned("opening-keys", body), world.desk.platform)
        return {**material, "opening_keys": made.json()}

    client.changes["sealing-material"] = own_keys
    with pytest.raises(Refused):
        await at_device(keep_appointment, seat, lot, expected=sid)


async def test_an_appointment_is_not_taken_from_keys_that_are_not_in_the_ledger(
    world: World,
) -> None:
    await world.published_lot()
    seat, client = seat_of(world, "T1")
    client.changes["sealing-material"] = without("leaves")
    with pytest.raises(MemberRefuses, match="no leaf"):
        await at_device(keep_appointment, seat, str(world.lot))


async def test_rule_1_keys_that_do_not_stand_in_the_appointment_answer_nothing(
    world: World,
) -> None:
    await asked(world)
    stranger, _ = seat_of(world, "T2", world.folder / "seat-T1")
    await refuses(send_check, stranger, world, "keys that stand in the appointment")


# --- rule 2: signatures and the ledger ---------------------------------------------------------


async def test_rule_2_a_closing_that_the_platform_did_not_sign_is_refused(world: World) -> None:
    seat, client, _ = await asked(world)

    def by_another(shown: Any) -> Any:
        last = shown["closings"][-1]
        made = sign(unsigned("closing", last["body"]), world.licence(world.members["T2"].uscc))
        return {**shown, "closings": [made.json()]}

    client.changes["member-material"] = by_another
    await refuses(send_check, seat, world, "signed by the platform")


@pytest.mark.parametrize("kind", ["closing", "cut", "schedule"])
async def test_rule_2_what_is_not_in_the_ledger_does_not_count(world: World, kind: str) -> None:
    seat, client, _ = await asked(world)

    def unproven(shown: Any) -> Any:
        return {**shown, "leaves": [x for x in shown["leaves"] if x["body"]["t"] != kind]}

    client.changes["member-material"] = unproven
    await refuses(send_check, seat, world, f"leaf of {kind}")

    def other_proofs(shown: Any) -> Any:
        index = next(str(x["index"]) for x in shown["leaves"] if x["body"]["t"] == kind)
        other = next(p for i, p in shown["proofs"].items() if i != index)
        return {**shown, "proofs": {**shown["proofs"], index: other}}

    client.changes["member-material"] = other_proofs
    await refuses(send_check, seat, world)


@pytest.mark.parametrize("change", ["another", "later"])
async def test_rule_2_the_cut_is_the_closings_and_before_it(
    world: World, monkeypatch: Patch, change: str
) -> None:
    """With every proof and signature right: a dishonest platform signs what it likes."""
    seat, client, _ = await asked(world)
    shown = await at_device(client.get, f"/api/v1/lots/{world.lot}/member-material")
    made = json.loads(json.dumps(shown))
    closing = made["closings"][-1]
    leaf = next(x for x in made["leaves"] if x["body"]["t"] == "closing")
    cut = next(x for x in made["leaves"] if x["body"]["t"] == "cut")
    if change == "another":
        cut["salt"] = leaf["salt"]
    else:
        cut["index"] = leaf["index"] + 1
        closing["body"]["cut"] = cut
        signed = sign(unsigned("closing", closing["body"]), world.desk.platform)
        made["closings"] = [signed.json()]
        leaf["body"]["subject"] = signed.sid
    client.changes["member-material"] = lambda _: made
    monkeypatch.setattr("sunbid.evidence.check_proven", lambda *_: 0)
    await refuses(send_check, seat, world, "the cut")


# --- rule 3: the hour --------------------------------------------------------------------------


@pytest.mark.misuse(63)
async def test_rule_3_the_seat_counts_by_its_own_clock(world: World, monkeypatch: Patch) -> None:
    seat, _, _ = await asked(world)
    monkeypatch.delenv("SUNBID_MODE")
    with pytest.raises(NotADemonstration):
        await at_device(send_check, seat, str(world.lot))
    monkeypatch.setenv("SUNBID_MODE", "demo")
    await world.set_clock(DEADLINE - timedelta(seconds=1))
    await refuses(send_check, seat, world, "not before")


@pytest.mark.misuse(63)
async def test_rule_3_a_time_that_the_platform_did_not_sign_is_no_time(world: World) -> None:
    seat, client, _ = await asked(world)

    def forged(value: Any) -> Any:
        body = {**value["statement"]["body"]}
        made = sign(unsigned("platform-time", body), world.licence(world.members["T2"].uscc))
        return {"statement": made.json()}

    client.changes["time"] = forged
    await refuses(send_check, seat, world)


@pytest.mark.misuse(63)
async def test_rule_3_a_schedule_needs_buyer_and_supervisor(world: World) -> None:
    """A platform cannot bring the hour forward with a schedule of its own."""
    seat, client, _ = await asked(world)

    def forged(shown: Any) -> Any:
        made = sign(unsigned("schedule", shown["schedules"][-1]["body"]), world.desk.platform)
        return {**shown, "schedules": [made.json()]}

    client.changes["member-material"] = forged
    await refuses(send_check, seat, world, "as the notice pins it")


@pytest.mark.misuse(63)
async def test_rule_3_a_schedule_older_than_one_that_was_seen_is_refused(world: World) -> None:
    seat, _, _ = await asked(world)
    folder = seat.folder(str(world.lot))
    seen = folder.seen()
    await at_device(look, seat, str(world.lot))
    assert folder.seen().version == 1
    folder.keep_seen(type(seen)(schedule="e" * 64, version=2))
    await refuses(send_check, seat, world, "version 2 of the schedule, which was seen before")
    folder.keep_seen(type(seen)(schedule="e" * 64, version=1))
    await refuses(send_check, seat, world, "which was seen before")


@pytest.mark.misuse(63)
async def test_rule_3_witnesses_must_have_seen_the_closing_after_the_hour(world: World) -> None:
    witness = Ed25519PrivateKey.generate()
    policy = await policy_text(world, *witness_lines(witness))
    await with_bids(world)
    await witnessed(world, witness, DEADLINE - timedelta(hours=1))
    seat, client = await appointed(world, policy_text=policy)
    await world.begin_opening()
    await world.tick()
    await refuses(send_check, seat, world, "witnesses on the checkpoint")
    await witnessed(world, witness, DEADLINE - timedelta(seconds=1))
    await refuses(send_check, seat, world, "outside time")
    # A later look at a later checkpoint does not make an early list a timely one.
    await world.tick()
    await witnessed(world, witness, DEADLINE + timedelta(minutes=1))
    await refuses(send_check, seat, world, "outside time")
    assert client.posted == []


async def test_rule_3_with_witnesses_nothing_is_waived(world: World) -> None:
    witness = Ed25519PrivateKey.generate()
    policy = await policy_text(world, *witness_lines(witness))
    await with_bids(world)
    await witnessed(world, witness, DEADLINE - timedelta(hours=1))
    seat, _ = await appointed(world, policy_text=policy)
    await world.begin_opening()
    await world.tick()
    at = DEADLINE + timedelta(minutes=1)
    await witnessed(world, witness, at)
    done = await at_device(send_check, seat, str(world.lot))
    assert done.remarks == ()
    _, found = await at_device(look, seat, str(world.lot))
    assert found.question.evidence_at == at
    # The window counts from the first evidence, however often the checkpoint is seen again.
    await world.tick()
    await witnessed(world, witness, at + timedelta(hours=1))
    await world.set_clock(at + timedelta(minutes=50))
    _, found = await at_device(look, seat, str(world.lot))
    assert found.ripe.waited == timedelta(minutes=50)


# --- rules 4 to 8, through the device ----------------------------------------------------------


@pytest.mark.misuse(60, 64, 65)
@pytest.mark.threat("T6")
@pytest.mark.parametrize("change", ["entry", "extra", "missing", "swapped", "count"])
async def test_rules_4_to_6_another_list_is_refused(world: World, change: str) -> None:
    seat, client, _ = await asked(world)

    def changed(shown: Any) -> Any:
        made = json.loads(json.dumps(shown))
        if change == "entry":
            made["entries"].pop()
        elif change == "extra":
            made["trees"].append("e" * 64)
            made["headers"].append(made["headers"][0])
            made["wraps"].append(made["wraps"][0])
        elif change == "missing":
            for name in ("trees", "headers", "wraps"):
                made[name].pop()
        elif change == "swapped":
            made["headers"].reverse()
            made["wraps"].reverse()
        else:
            made["headers"].pop()
        return made

    client.changes["member-material"] = changed
    await refuses(send_check, seat, world, "expected")


@pytest.mark.misuse(64)
@pytest.mark.threat("T6")
async def test_rule_8_the_guard_survives_and_allows_one_list(world: World) -> None:
    seat, _, _ = await checked(world)
    folder = seat.folder(str(world.lot))
    guard = folder.guard(1, 1)
    assert guard.state == "checked"
    # Another process on the same folder sees the same guard.
    again, _ = seat_of(world, "T1")
    assert again.folder(str(world.lot)).guard(1, 1) == guard
    folder.keep_guard(1, 1, type(guard)(state="checked", closing="d" * 64, trees=("e" * 64,)))
    await refuses(send_check, seat, world, "replaces the first")
    await refuses(send_release, seat, world)


async def test_a_guard_that_does_not_read_is_not_an_empty_one(world: World) -> None:
    seat, _, _ = await checked(world)
    path = seat.folder(str(world.lot)).path / "guard.json"
    path.write_text("{")
    await refuses(send_check, seat, world, "guard.json")


async def test_the_guard_lies_on_the_disk_before_anything_is_sent(
    world: World, monkeypatch: Patch
) -> None:
    seat, client, _ = await asked(world)
    order: list[str] = []
    sync = os.fsync
    send = client.post_statement

    def noted_sync(handle: int) -> None:
        order.append("fsync")
        sync(handle)

    def noted_send(path: str, statement: Statement) -> Any:
        order.append("send")
        return send(path, statement)

    monkeypatch.setattr("os.fsync", noted_sync)
    monkeypatch.setattr(client, "post_statement", noted_send)
    folder = seat.folder(str(world.lot))
    folder.keep_seen((await at_device(look, seat, str(world.lot)))[1].seen)
    order.clear()
    await at_device(send_check, seat, str(world.lot))
    # File and folder of the guard, then the statement, then that it was accepted.
    assert order[:3] == ["fsync", "fsync", "send"]


# --- rules 11 and 12: what the device verifies around them -------------------------------------


async def in_phase_3(world: World) -> tuple[Seat, InProcess]:
    """Every bidder released; the custodian checked."""
    seat, client, bidders = await checked(world)
    closing = (await world.kept("closing"))[-1]
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.tick()
    await world.step("phase3")
    await world.tick()
    return seat, client


@pytest.mark.misuse(79)
@pytest.mark.parametrize("change", ["acks", "leaves", "signature", "stage"])
async def test_rule_12_an_acknowledgement_counts_with_signature_and_leaf(
    world: World, change: str
) -> None:
    """A phase 3 that the platform declares is not enough."""
    seat, client = await in_phase_3(world)

    def changed(shown: Any) -> Any:
        if change == "acks":
            return {**shown, "acks": []}
        if change == "leaves":
            leaves = [x for x in shown["leaves"] if x["body"]["t"] != "release-b"]
            return {**shown, "leaves": leaves}
        acks = json.loads(json.dumps(shown["acks"]))
        for ack in acks:
            if change == "stage":
                ack["body"]["stage"] = 2
            made = sign(
                unsigned("release-ack", ack["body"]), world.licence(world.members["T2"].uscc)
            )
            ack["sigs"] = made.json()["sigs"]
        return {**shown, "acks": acks}

    client.changes["member-material"] = changed
    await refuses(send_release, seat, world)
    client.changes.clear()
    await at_device(send_release, seat, str(world.lot))


async def absent(world: World, name: str) -> tuple[Seat, InProcess, list[BidderOf]]:
    """One bidder did not come; the remedy list is signed."""
    seat, client, bidders = await checked(world, name)
    closing = (await world.kept("closing"))[-1]
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    for label, holder in world.members.items():
        if label != name:
            await world.check(holder)
    await world.tick()
    await later(world, WINDOW)
    await world.remedied(count=0)
    return seat, client, bidders


@pytest.mark.misuse(69)
async def test_rule_11_a_remedy_list_needs_both_signatures_and_its_leaf(world: World) -> None:
    seat, client, _ = await absent(world, "R1")
    start = (await world.kept("remedy-start"))[-1]
    by_platform, by_supervisor = start.sigs

    def signed_by(*sigs: Any) -> Any:
        return lambda shown: {
            **shown,
            "remedy_starts": [type(start)(type=start.type, body=start.body, sigs=sigs).json()],
        }

    for sigs in ((by_platform,), (by_supervisor,)):
        client.changes["member-material"] = signed_by(*sigs)
        await refuses(send_release, seat, world, "signed by")
    client.changes["member-material"] = lambda shown: {
        **shown,
        "leaves": [x for x in shown["leaves"] if x["body"]["t"] != "remedy-start"],
    }
    await refuses(send_release, seat, world, "leaf of remedy-start")
    client.changes["member-material"] = without("acks")
    await refuses(send_release, seat, world, "exactly the 6 envelopes")
    client.changes.clear()
    done = await at_device(send_release, seat, str(world.lot))
    assert len(done.statement.body["shares"]) == 2


@pytest.mark.threat("T11")
async def test_rule_12_the_remedy_counts_by_the_leaves_of_its_own_members(world: World) -> None:
    seat, client, _ = await absent(world, "T1")
    first, second, _ = world.group("R")
    await world.accept(first, await world.remedy_release(first))
    await world.tick()
    _, found = await at_device(look, seat, str(world.lot))
    assert found.ripe.remedied == frozenset()
    shown = await at_device(client.get, f"/api/v1/lots/{world.lot}/member-material")
    [own] = [x for x in shown["leaves"] if x["body"]["t"] == "release-r"]

    def doubled(shown: Any) -> Any:
        """A release of another lot, or of an earlier stage, is none of this remedy."""
        foreign = {**own, "body": {**own["body"], "lot": str(world.tender), "subject": "a" * 64}}
        return {**shown, "leaves": [*shown["leaves"], foreign]}

    client.changes["member-material"] = doubled
    _, found = await at_device(look, seat, str(world.lot))
    assert found.ripe.remedied == frozenset()
    client.changes.clear()
    await world.accept(second, await world.remedy_release(second))
    await world.tick()
    _, found = await at_device(look, seat, str(world.lot))
    assert len(found.ripe.remedied) == 2


async def test_rule_12_an_outage_lengthens_the_windows(world: World) -> None:
    _, client, _ = await checked(world)
    shown = await at_device(client.get, f"/api/v1/lots/{world.lot}/member-material")
    phase1 = next(s for s in shown["steps"] if s["body"]["step"] == "phase1")
    body = {**phase1["body"], "step": "extended", "until": "2026-10-12T01:40:01.000Z"}
    extended = sign(unsigned("opening-step", body), world.desk.platform)

    steps = [(decode_body(from_json(phase1), OpeningStep), None)]
    assert _extended(steps) == timedelta(0)  # type: ignore[arg-type]
    steps.append((decode_body(extended, OpeningStep), None))
    assert _extended(steps) == timedelta(minutes=10)  # type: ignore[arg-type]


# --- rule 9: omissions -------------------------------------------------------------------------


async def left_out(world: World) -> tuple[Seat, InProcess, bytes]:
    """A platform that drops a bid with a receipt from its list."""
    bidders = await with_bids(world, 4)
    seat, client = await appointed(world)
    state = await bids.show_act(world.desk, bidders[0].acts[-1].sid)
    assert state.act.receipt is not None
    assert state.proof is not None
    raw = receipt_file(read(state.act.receipt), state.proof)
    dropped = bidders[0].acts[-1].sid

    async def shorter(*arguments: Any) -> Any:
        return [act for act in await acts_of_lot(*arguments) if act.sid != dropped]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bidding.opening.closings.closing.bid_store.acts_of_lot", shorter)
        await world.close()
    await world.tick(2)
    await world.step("phase1")
    await world.tick()
    return seat, client, raw


@pytest.mark.misuse(83)
async def test_rule_9_a_receipt_that_the_list_leaves_out_stops_the_seat(world: World) -> None:
    seat, client, raw = await left_out(world)
    folder = seat.folder(str(world.lot))
    # A receipt that the list honours, and junk, stop nothing.
    folder.keep_omission(raw)
    await refuses(send_check, seat, world, "not honoured")
    # The platform's own word does not answer it, nor does another bidder's act.
    value = json.loads(raw)
    omission = unsigned(
        "omission",
        {"v": 1, "closing": "c" * 64, "receipt": value["statement"], "proof": value["proof"]},
    )
    other = world.bidder(9)
    act = value["statement"]["body"]["act"]
    foreign = {
        "v": 1, "tender": str(world.tender), "lot": str(world.lot), "round": 1, "seq": 2,
        "prev": act, "bidder": {"uscc": other.uscc, "name": other.name}, "mandate": None,
        "client_time": "2026-10-12T00:00:00.000Z",
    }  # fmt: skip
    answer = sign(unsigned("withdraw", foreign), other.signer)
    client.changes["member-material"] = lambda shown: {
        **shown,
        "omissions": [omission.json()],
        "omission_answers": {omission.sid: [answer.json()]},
    }
    await refuses(send_check, seat, world, "not honoured")


@pytest.mark.misuse(83)
async def test_rule_9_a_receipt_that_the_platform_did_not_sign_stops_nothing(
    world: World,
) -> None:
    seat, _, raw = await left_out(world)
    value = json.loads(raw)
    body = value["statement"]["body"]
    forged = sign(unsigned("receipt", body), world.licence(world.members["T2"].uscc))
    made = json.dumps({**value, "statement": forged.json()}).encode()
    seat.folder(str(world.lot)).keep_omission(made)
    await at_device(send_check, seat, str(world.lot))


@pytest.mark.misuse(83)
async def test_rule_9_the_bidders_own_later_act_answers(world: World) -> None:
    bidders = await with_bids(world, 4)
    seat, client = await appointed(world)
    first = bidders[0].acts[-1]
    state = await bids.show_act(world.desk, first.sid)
    assert state.act.receipt is not None
    assert state.proof is not None
    raw = receipt_file(read(state.act.receipt), state.proof)
    await world.hand_in(bidders[0], world.withdrawal(bidders[0]))
    await world.tick()
    await world.begin_opening()
    await world.tick()
    seat.folder(str(world.lot)).keep_omission(raw)
    await refuses(send_check, seat, world, "not honoured")
    value = json.loads(raw)
    omission = unsigned(
        "omission",
        {"v": 1, "closing": "c" * 64, "receipt": value["statement"], "proof": value["proof"]},
    )
    chain = [first.json(), bidders[0].acts[-1].json()]

    def answered(*acts: Any) -> Any:
        return lambda shown: {
            **shown,
            "omissions": [omission.json()],
            "omission_answers": {omission.sid: list(acts)},
        }

    for wrong in ([chain[1]], [chain[0]], [{**chain[0], "sigs": []}, chain[1]], []):
        client.changes["member-material"] = answered(*wrong)
        await refuses(send_check, seat, world, "not honoured")
    client.changes["member-material"] = answered(*chain)
    await at_device(send_check, seat, str(world.lot))


@pytest.mark.misuse(83)
@pytest.mark.threat("T10")
async def test_rule_9_the_platform_itself_shows_what_answers_an_older_receipt(
    world: World,
) -> None:
    """Else anybody with the receipt of a replaced bid could stop an opening for good."""
    bidders = await with_bids(world, 4)
    seat, _ = await appointed(world)
    older = await bids.show_act(world.desk, bidders[0].acts[-1].sid)
    made = await world.seal(bidders[0])
    await world.upload(made)
    await world.hand_in(bidders[0], made)
    await world.tick()
    closing = await world.begin_opening()
    raised = unsigned(
        "omission",
        {
            "v": 1,
            "closing": closing.sid,
            "receipt": read(older.act.receipt or b"").json(),
            "proof": older.proof,
        },
    )
    await take_omission(world.desk, world.lot, raised)
    await world.tick()
    await at_device(send_check, seat, str(world.lot))


@pytest.mark.misuse(83)
async def test_rule_9_what_proves_nothing_stops_nothing(world: World) -> None:
    bidders = await with_bids(world)
    seat, _ = await appointed(world)
    state = await bids.show_act(world.desk, bidders[0].acts[-1].sid)
    assert state.act.receipt is not None
    assert state.proof is not None
    raw = receipt_file(read(state.act.receipt), state.proof)
    await world.begin_opening()
    await world.tick()
    folder = seat.folder(str(world.lot))
    folder.keep_omission(raw)  # honoured by the list
    value = json.loads(raw)
    body = {**value["statement"]["body"], "act": "d" * 64}
    forged = sign(unsigned("receipt", body), world.licence(world.members["T2"].uscc))
    folder.keep_omission(json.dumps({**value, "statement": forged.json()}).encode())
    by_platform = sign(unsigned("receipt", body), world.desk.platform)
    folder.keep_omission(json.dumps({**value, "statement": by_platform.json()}).encode())
    await at_device(send_check, seat, str(world.lot))


# --- 8.3: the drill ----------------------------------------------------------------------------


@pytest.mark.misuse(61)
@pytest.mark.threat("T6")
async def test_a_real_wrap_sent_as_a_drill_gives_nothing(world: World) -> None:
    seat, client, _ = await asked(world)
    shown = await at_device(client.get, f"/api/v1/lots/{world.lot}/member-material")
    wraps = json.loads(unb64(shown["wraps"][0]))
    question = {
        "opening_keys": (await world.keys()).sid,
        "group": "T",
        "i": 1,
        "nonce": "A" * 21 + "A",
        "wrap": wraps["t"]["shares"][0]["ct"],
        "passed": None,
    }
    client.changes["drills"] = lambda _: [question]
    await refuses(answer_drills, seat, world)


async def test_a_drill_is_answered_under_ones_own_opening_keys_alone(world: World) -> None:
    await world.published_lot()
    seat, client = await appointed(world)
    await drill.begin_drill(world.db, world.actors["agency"], world.lot)
    client.changes["drills"] = lambda found: [{**q, "opening_keys": "e" * 64} for q in found]
    assert await at_device(answer_drills, seat, str(world.lot)) == 0
    client.changes["drills"] = lambda found: [{**found[0], "group": "T", "i": 1}, *found]
    with pytest.raises(Refused):
        await at_device(answer_drills, seat, str(world.lot))
    # The honest question beside the junk was answered all the same.
    assert [s.type for s in client.posted] == ["readiness"]
    client.changes.clear()
    assert await at_device(answer_drills, seat, str(world.lot)) == 0
