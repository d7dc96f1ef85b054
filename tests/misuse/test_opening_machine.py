"""Openings of any course against the tables of the specification.

Bidders, members, storage, host and supervisor do at any time whatever they like: right, wrong, too
early, too late, twice, or not at all. Services on PostgreSQL answer, a story told from the text of
the specification says what they should answer, and at the end, however the opening came there, a
stranger's verifier recomputes the record from the package alone.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Literal

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bidding.bid import service as bids
from bidding.bid import uploads
from bidding.opening.closings.blobs import read_back, resupply
from bidding.opening.closings.omissions import take_omission
from bidding.opening.closings.replacement import replace_closing
from bidding.opening.releases.cures import take_cure
from bidding.opening.releases.release import take_release_b
from bidding.opening.results import result_store
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.bodies import Group
from bidding.sealing.envelope import Head
from bidding.sealing.member import Guard, share_check
from bidding.sealing.shares import Halves, deal
from bidding.sealing.suites import GM_1, INTL_1
from bidding.sealing.wraps import unwrap
from fates import Fate, lose, wrong_share
from foundation.database import reading
from foundation.embedded import EmbeddedServer
from foundation.problems import Refused
from foundation.statements.canonical import b64
from foundation.statements.signed import read, unsigned
from opening_cast import CAST, FIRST, LEFT_OUT, Kept, keep
from opening_story import SEATS, Seat, Story, Told
from opening_world import ask, begin_second, end, later, nothing_decrypted, submission_of
from streams import blocks
from sunbid.export import make_package
from sunbid.verify.verifier import verify_package
from world import SeatHolder, World

STEPS = ("phase1", "phase2", "phase3", "phase4", "suspended", "resumed", "extended")
NAMES = tuple(CAST)
How = Literal["right", "less", "wrong"]
TRIED: tuple[How, ...] = ("less", "wrong", "right")
some_bid = st.sampled_from(NAMES)
some_group: st.SearchStrategy[Group] = st.sampled_from(["T", "R"])
some_seat = st.sampled_from(SEATS)
mostly_right: st.SearchStrategy[How] = st.sampled_from(["right", "right", "right", "less", "wrong"])


@pytest.fixture(scope="module", params=[INTL_1, GM_1], ids=lambda suite: suite.name)
def kept(
    request: pytest.FixtureRequest,
    server: EmbeddedServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """A lot of each suite whose closing is signed."""
    made = asyncio.run(keep(server, tmp_path_factory.mktemp("kept") / "lot", request.param))
    yield made
    made.world.keeper.close()


class Opening(RuleBasedStateMachine):
    """One opening, played and told side by side."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept
        self.stack = ExitStack()
        self.name, folder = self.stack.enter_context(kept.copied())
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.world: World = self.run(kept.begin(self.name, folder))
        # What was kept in one moment has no order.
        self.run(later(self.world, timedelta(seconds=1)))
        self.story = Story(
            bids={n: Told(fate=f, is_listed=n != LEFT_OUT) for n, f in CAST.items()},
            now=self.run(self.world.now()),
        )
        self.volume, self.is_raised = FIRST, False
        # Whoever does its part once the walk is over: bidders and seats.
        self.dutiful: set[str] = set()
        self.acknowledged: set[str] = set()
        self.supplied: set[str] = set()
        self.found: dict[tuple[Group, int, int], dict[str, bool]] = {}

    def run(self, call: Any) -> Any:
        """What a call gives."""
        return self.runner.run(call)

    def expect(self, may: bool, call: Awaitable[object]) -> bool:
        """Make a call that must be accepted, or refused, as the story says; a second passes."""

        async def made() -> Refused | None:
            try:
                await call
            except Refused as refused:
                return refused
            return None

        refused = self.run(made())
        assert (refused is None) == may, (refused, self.told())
        self.passes(timedelta(seconds=1))
        return refused is None

    def told(self) -> str:
        """The story in one line, for whoever has to look at a fault."""
        story = self.story
        return f"{story.phase} {story.now:%H:%M} until {story.until} {story}"

    def passes(self, span: timedelta) -> None:
        """The platform's clock moves on, for everybody."""
        self.run(later(self.world, span))
        self.story.now += span

    # --- what lies where ------------------------------------------------------------------------

    def head(self, name: str) -> Head:
        """Header and wraps of a bidder's envelope of this stage."""
        made = self.kept.bidders[name].bids[-1]
        return made.heads()[self.tree(name)]

    def tree(self, name: str) -> str:
        """The file of a bidder in this stage."""
        return self.kept.bidders[name].bids[-1].sealed[self.volume].listed.tree

    def trees(self) -> dict[str, str]:
        """Whose the listed files are."""
        return {self.tree(name): name for name in self.story.listed}

    def halves(self, name: str) -> Halves:
        """Both secrets of a bidder, as it knows them itself."""
        made, own = self.kept.bidders[name].bids[-1], self.kept.bidders[name].opening
        head = self.head(name)
        entry = next(e for e in head.wraps.b if e.i == 1)
        b = unwrap(head.binding, "B", 1, own.exchange, own.public, entry.ct)
        return Halves(t=made.sealed[self.volume].t, b=b)

    def committed(self, name: str, group: Group, i: int) -> bytes:
        """The share that fits the commitment of a seat."""
        if self.story.bids[name].fate.dealt(group, i) == "bent":
            return wrong_share(i)
        head = self.head(name)
        dealt = deal(head.suite, self.halves(name), head.header_hash)
        return dealt.shares(group, 2, 3)[i - 1]

    def seat(self, group: Group, i: int) -> SeatHolder:
        """Who sits there."""
        return self.world.members[f"{group}{i}"]

    def closing(self) -> str:
        """The closing in force."""
        return str(self.run(self.world.kept("closing"))[-1].sid)

    # --- bidders and anybody --------------------------------------------------------------------

    @rule(name=some_bid, is_right=st.sampled_from([True, True, True, False]))
    def a_bidder_releases(self, name: str, is_right: bool) -> None:
        """Right or wrong, in time or not, once or again."""
        story, told = self.story, self.story.bids[name]
        closing = self.run(self.world.kept("closing"))[-1]
        release = self.world.release_of(self.kept.bidders[name], closing)
        if not is_right:
            wrong = [{**v, "value": b64(bytes(32))} for v in release.body["values"]]
            release = unsigned("release-b", {**release.body, "values": wrong})
        is_open = story.phase == "phase1" and not story.window_is_over() and not story.is_ended
        is_new = is_open and told.is_listed and is_right and not told.b_from
        known = release.sid in self.acknowledged and not story.is_ended
        take = take_release_b(self.world.desk, self.world.lot, release, "open")
        if self.expect(is_new or known, take) and not known:
            self.acknowledged.add(release.sid)
            told.b_from = "bidder"

    @rule(
        name=some_bid,
        kind=st.sampled_from(["T", "B", "tshare", "rshare"]),
        i=some_seat,
        is_right=st.sampled_from([True, True, False]),
    )
    def somebody_cures(self, name: str, kind: str, i: int, is_right: bool) -> None:
        """A half or a share from whoever has it."""
        told = self.story.bids[name]
        group: Group = "T" if kind in {"T", "tshare"} else "R"
        if kind in {"T", "B"}:
            halves = self.halves(name)
            value, seat = halves.t if kind == "T" else halves.b, None
        else:
            value, seat = self.committed(name, group, i), i
        body = {
            "v": 1, "closing": self.closing(), "stage": self.world.stage, "tree": self.tree(name),
            "kind": kind, "i": seat, "value": b64(value if is_right else bytes(32)),
        }  # fmt: skip
        cure = unsigned("cure", body)
        known = cure.sid in self.supplied and not self.story.is_ended
        may = self.story.may_cure(group) and told.is_listed and is_right
        if not self.expect(may or known, take_cure(self.world.desk, cure, self.world.lot)) or known:
            return
        self.supplied.add(cure.sid)
        if kind == "T":
            told.t_cured = True
        elif kind == "B":
            told.b_from = told.b_from or "cure"
        else:
            told.cured.add((group, i))

    @rule(name=some_bid, how=st.sampled_from(["missing", "corrupt"]))
    @precondition(lambda self: self.story.phase == "closed")
    def the_storage_harms_a_file(self, name: str, how: str) -> None:
        """Before it is read back: later harm has no window (9.8)."""
        told = self.story.bids[name]
        if how == "missing" and not told.is_listed:
            # Nothing can be listed whose header and wraps are gone.
            return
        if not (told.lost or told.is_read):
            lose(self.world, self.kept.bidders[name], how, self.volume)
            told.lost = how

    @rule(name=some_bid)
    def a_file_comes_again(self, name: str) -> None:
        """The same bytes, until phase 4 begins."""
        told, made = self.story.bids[name], self.kept.bidders[name].bids[-1]
        sealed, path = made.sealed[self.volume], made.files[self.volume]

        async def sent() -> None:
            content = path.read_bytes()
            upload, secret = await uploads.begin_upload(
                self.world.desk, b"again", len(content), sealed.listed.tree, list(sealed.parts)
            )
            await uploads.store_part(
                self.world.desk, upload, secret, 0, sealed.parts[0], blocks(content)
            )
            await resupply(self.world.desk, self.world.lot, self.tree(name), upload, secret)

        if self.expect(told.is_listed and not self.story.is_over, sent()):
            told.is_read, told.lost, told.found, told.until = True, "", "", None

    @rule()
    @precondition(lambda self: self.world.stage == 1 and not self.is_raised)
    def an_omission_is_raised(self) -> None:
        """The receipt of the bid that was left out."""
        told, act = self.story.bids[LEFT_OUT], self.kept.bidders[LEFT_OUT].acts[0]

        async def raised() -> None:
            found = await bids.show_act(self.world.desk, act.sid)
            body = {
                "v": 1,
                "closing": (await self.world.kept("closing"))[-1].sid,
                "receipt": read(found.act.receipt or b"").json(),
                "proof": found.proof,
            }
            await take_omission(self.world.desk, self.world.lot, unsigned("omission", body))

        may = not told.is_listed and not self.story.is_over
        self.is_raised = self.expect(may, raised())

    # --- members --------------------------------------------------------------------------------

    @rule(group=some_group, i=some_seat, how=mostly_right, lies=st.sets(some_bid, max_size=2))
    def a_member_checks(self, group: Group, i: int, how: How, lies: set[str]) -> None:
        """What it finds, or a lie about some."""
        story, seat, said = self.story, (group, i), self.finds(group, i)
        for name in lies & said.keys():
            said[name] = not said[name]
        words = {self.tree(n): "ok" if ok else "unwrap_failed" for n, ok in said.items()}
        if how == "less":
            words.popitem()
        holder = self.seat(group, i)
        body = {
            "v": 1, "closing": self.closing(), "stage": self.world.stage, "group": group, "i": i,
            "kid": holder.exchange.kid,
            "results": [{"tree": tree, "result": words[tree]} for tree in sorted(words)],
        }  # fmt: skip
        statement = self.world.by_seat(holder, "share-check", body)
        is_first = all(seat not in bid.said for bid in story.listed.values())
        is_time = story.phase in {"phase1", "phase2", "phase3"} and not story.is_ended
        may = is_time and is_first and how != "less"
        if self.expect(may, self.world.accept(holder, statement)):
            for name, ok in said.items():
                story.bids[name].said[seat] = ok

    def finds(self, group: Group, i: int) -> dict[str, bool]:
        """What an honest client of a seat finds, which is what was dealt to it."""
        holder, trees = self.seat(group, i), self.trees()
        if (group, i, len(trees)) in self.found:
            return dict(self.found[group, i, len(trees)])

        async def asked() -> dict[str, str]:
            appointment, question = await self.world.question(holder)
            body, _ = share_check(appointment, question, Guard(), holder.exchange.exchange)
            return {one.tree: one.result for one in body.results}

        found = {trees[tree]: result == "ok" for tree, result in self.run(asked()).items()}
        assert found == {
            n: bid.fate.dealt(group, i) != "junk" for n, bid in self.story.listed.items()
        }
        self.found[group, i, len(trees)] = found
        return dict(found)

    @rule(group=some_group, i=some_seat, how=mostly_right)
    def a_member_releases(self, group: Group, i: int, how: How) -> None:
        """All that it owes, less, or something else."""
        story, seat = self.story, (group, i)
        wanted = story.listed if group == "T" else {n: story.bids[n] for n in story.remedy}
        own = sorted(n for n, bid in wanted.items() if bid.said.get(seat))
        if how == "less":
            own = own[:-1]
        shares = {self.tree(n): self.dealt(n, group, i) for n in own}
        if how == "wrong":
            shares = {tree: bytes(32) for tree in shares}
        has_all = how == "right" or not any(bid.said.get(seat) for bid in wanted.values())
        fits = all(story.bids[n].fate.dealt(group, i) != "junk" for n in own)
        is_time = story.phase == ("phase3" if group == "T" else "phase2")
        may = (
            is_time and not story.is_ended and has_all and fits and seat not in story.has_released
            and any(seat in bid.said for bid in wanted.values())
            and (group == "T" or story.is_countersigned)
        )  # fmt: skip
        holder = self.seat(group, i)
        statement = self.run(self.release(holder, shares))
        if statement is None:
            return
        if self.expect(may, self.world.accept(holder, statement)):
            story.has_released.add(seat)
            for name in own:
                story.bids[name].own.add(seat)

    def dealt(self, name: str, group: Group, i: int) -> bytes:
        """What a seat finds in its own wrap."""
        is_right = self.story.bids[name].fate.dealt(group, i) == "right"
        return self.committed(name, group, i) if is_right else wrong_share(i)

    async def release(self, holder: SeatHolder, shares: dict[str, bytes]) -> Any:
        """The statement of a member; None where there is no list to answer."""
        closing = (await self.world.kept("closing"))[-1]
        body: dict[str, Any] = {
            "v": 1, "closing": closing.sid, "stage": self.world.stage, "i": holder.i,
            "kid": holder.exchange.kid,
            "shares": [{"tree": tree, "value": b64(shares[tree])} for tree in sorted(shares)],
        }  # fmt: skip
        if holder.group == "T":
            body["list_root"] = closing.body["list_root"]
            return self.world.by_seat(holder, "release-t", body)
        starts = await self.world.kept("remedy-start")
        if not starts:
            return None
        body["remedy_start"] = starts[-1].sid
        return self.world.by_seat(holder, "release-r", body)

    # --- host, supervisor, time -----------------------------------------------------------------

    @rule(step=st.sampled_from(STEPS))
    def the_host_makes_a_step(self, step: str) -> None:
        """Whether its time has come or not."""

        async def made() -> None:
            await self.world.tick()
            await self.world.step(step)
            if step == "phase1":
                await read_back(self.world.desk, self.world.lot)
            await self.world.tick()

        told = Story.make
        may, before = self.story.may(step), self.story.now
        if may:
            told(self.story, step)
        self.expect(may, made())
        assert before < self.story.now

    @rule(minutes=st.sampled_from([5, 16, 31]))
    def time_passes(self, minutes: int) -> None:
        """Nobody does anything."""
        self.passes(timedelta(minutes=minutes))

    @rule()
    @precondition(lambda self: self.story.phase in {"phase2", "phase3"} and self.waiting_m())
    def the_supervisor_countersigns(self) -> None:
        """M is signed, in its phase or too late."""
        may = self.story.phase == "phase2" and not self.story.is_ended
        at = self.story.now
        if self.expect(may, self.world.sign_paper("supervisor", self.waiting_m()[-1])):
            self.story.now, now = at, self.story.now
            self.story.countersign()
            self.story.now = now
            self.run(self.world.tick())

    def waiting_m(self) -> list[str]:
        """Lists of absent bidders that wait for the supervisor."""
        waiting = self.run(self.world.waiting("supervisor", "remedy-start"))
        return [] if self.story.is_countersigned else list(waiting)

    @rule(decision=st.sampled_from(["go-on", "terminated"]))
    def the_supervisor_decides(self, decision: str) -> None:
        """It ends a suspension, alone or with the host; who is silent is computed."""
        before_keys = self.story.phase in {"closed", "phase1", "phase2"}
        if decision == "terminated" and before_keys and not self.story.is_suspended:
            # Two offices may end any lot whose prices nobody can know: that is another test.
            return
        silent = [{"group": group, "i": i} for group, i in self.story.silent()]

        async def decided() -> None:
            paper = await ask(self.world, decision)
            assert paper.body["members"] == silent
            if decision == "terminated":
                await end(self.world, paper)
            else:
                await self.world.sign_paper("supervisor", paper.sid)

        if self.expect(self.story.may_decide(decision), decided()):
            self.story.decided = decision
            self.run(self.world.tick())

    @rule()
    @precondition(lambda self: self.world.stage == 1)
    def the_closing_is_replaced(self) -> None:
        """It adds the bid that was left out."""
        replaced = replace_closing(self.world.desk, self.world.actors["host"], self.world.lot)
        if self.expect(self.story.may_replace(), replaced):
            self.story.replace()
            self.run(self.world.tick(2))

    @rule()
    def everybody_does_its_part(self) -> None:
        """What honest people do in this phase: a walk of faults alone seldom comes far."""
        self.duties({*NAMES, *self.world.members})

    def duties(self, dutiful: set[str]) -> None:
        """Bidders release, members check and release, after they tried what is refused."""
        if self.story.phase == "phase1":
            for name, told in self.story.listed.items():
                if name in dutiful and not told.b_from:
                    self.a_bidder_releases(name, True)
        for label in sorted(dutiful & self.world.members.keys()):
            holder = self.world.members[label]
            seat = holder.group, holder.i
            if any(seat not in told.said for told in self.story.listed.values()):
                self.a_member_checks(*seat, "right", set())
            if holder.group == self.story.group() and seat not in self.story.has_released:
                for how in TRIED:
                    self.a_member_releases(*seat, how)

    def probe(self) -> None:
        """What a host and a bidder might try now, most of which must be refused."""
        for step in STEPS:
            self.the_host_makes_a_step(step)
        if self.story.phase == "phase3":
            self.somebody_cures(min(self.story.listed), "B", 1, True)

    @rule(passed=st.sets(some_bid, min_size=1))
    @precondition(lambda self: self.world.stage == 1 and self.story.phase == "phase3")
    def the_next_stage_begins(self, passed: set[str]) -> None:
        """The first is brought to its end, some bids go on; what they sealed is right."""
        self.to_the_end()
        if self.story.is_ended:
            return
        going = [self.kept.bidders[n] for n in self.story.listed if n in passed]
        if not going:
            return

        async def began() -> None:
            found = [await submission_of(self.world, bidder) for bidder in going]
            await begin_second(self.world, *found)

        names = [n for n in self.story.listed if n in passed]
        self.run(began())
        self.volume, self.dutiful = "price", {*NAMES, *self.world.members}
        self.story = Story(
            bids={n: Told(fate=Fate(), is_read=True) for n in names}, now=self.run(self.world.now())
        )
        self.story.make("phase1")
        self.acknowledged, self.supplied, self.found = set(), set(), {}

    # --- what always holds, and the end ---------------------------------------------------------

    @initialize(
        bidders=st.sets(some_bid),
        seats=st.sets(st.sampled_from(["T1", "T2", "T3", "R1", "R2", "R3"]), min_size=1),
    )
    def who_does_its_part(self, bidders: set[str], seats: set[str]) -> None:
        """Who is there when the walk is over; the others stay away."""
        self.dutiful = bidders | seats

    @invariant()
    def nothing_is_decrypted(self) -> None:
        """While anybody can still decide whether a bid opens, there is no plaintext (9.1)."""
        if self.world.stage == 1 and self.story.phase != "record":
            assert nothing_decrypted(self.world)

    @rule()
    @precondition(lambda self: not self.story.is_over)
    def the_worker_is_asked_too_early(self) -> None:
        """It refuses whatever lacks the signed step (9.7)."""
        self.expect(False, open_lot(self.world.desk, self.world.lot))

    def to_the_end(self) -> None:
        """From wherever the opening is to its record, and the record against the story."""
        if self.story.phase == "record":
            return
        while not self.story.is_over:
            self.goes_on()
        self.run(open_lot(self.world.desk, self.world.lot))
        self.compare()
        self.story.phase = "record"
        self.run(self.world.tick())
        self.run(self.world.sign_record())
        self.verify()
        self.story.now = self.run(self.world.now())

    def goes_on(self) -> None:
        """One phase further by whatever leads on, and nothing else does."""
        story, phase = self.story, self.story.phase
        self.duties(self.dutiful)
        if story.phase == "phase2" and not story.is_countersigned:
            self.the_supervisor_countersigns()
            self.duties(self.dutiful)
        self.probe()
        if story.phase != phase:
            return
        if not story.is_suspended:
            self.time_passes(31)
            self.probe()
        if story.phase == phase and story.is_suspended:
            decision = "go-on" if story.may_decide("go-on") else "terminated"
            assert story.may_decide(decision), "nothing leads on from here"
            self.the_supervisor_decides(decision)

    def compare(self) -> None:
        """Codes, where B came from, and whom the record names, against the story."""
        trees = self.trees()

        async def found() -> Any:
            async with reading(self.world.db, "bidding") as connection:
                return await result_store.results(connection, self.world.lot)

        results = {trees[r.tree]: r for r in self.run(found()) if r.tree in trees}
        codes = {name: result.code for name, result in results.items()}
        assert codes == self.story.codes()
        for name, result in results.items():
            told = self.story.bids[name]
            named: set[Seat] = {(one["group"], one["i"]) for one in result.deal_wrong}
            assert named == told.deal_wrong(), name
            absent = result.code == "BIDDER_ABSENT"
            assert result.b_from == (None if absent else told.source()), name

    def verify(self) -> None:
        """Only what the platform really did wrong is found: the bid that it left out."""
        target = self.world.folder / "package.zip"
        target.write_bytes(self.run(make_package(self.world.desk, self.world.lot)))
        with target.open("rb") as source:
            bad = {c.id: (c.object, c.detail) for c in verify_package(source) if c.ok is False}
        expected = set()
        if self.run(self.world.kept("closing"))[-1].body["count"] < len(CAST):
            expected = {"C19", "C36"} if self.is_raised else {"C19"}
        assert bad.keys() == expected, bad

    def teardown(self) -> None:
        """The opening comes to its end, and its copy goes."""
        try:
            self.to_the_end()
        finally:
            self.run(self.kept.end(self.world, self.name))
            self.stack.close()


def play(kept: Kept, *, examples: int, steps: int) -> None:
    """So many openings of so many steps."""
    run_state_machine_as_test(
        lambda: Opening(kept),  # type: ignore[arg-type]  # whatever makes a machine will do
        # An opening takes a second: the shortest course to a fault is not worth five minutes.
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.generate],
        ),
    )


@pytest.mark.misuse(68, 70, 71, 72, 73, 74, 75, 76, 77, 78, 80, 83, 84, 85, 86)
@pytest.mark.threat("T10", "T11")
def test_any_course_of_an_opening_ends_as_the_tables_say(kept: Kept) -> None:
    play(kept, examples=3, steps=12)


@pytest.mark.soak
def test_many_courses_of_an_opening_end_as_the_tables_say(kept: Kept) -> None:
    play(kept, examples=40, steps=40)
