"""The unattended seat: looks at the platform again and again, and answers when its rules allow.

Each round fetches the question anew and judges it by every rule; a refusal is logged in plain
words and changes nothing. Keys are opened once at the start; the guard lies on the disk.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bidding.sealing.refusals import MemberRefuses
from foundation.problems import Refused, Unauthenticated, Unavailable
from sunbid.client import ServerRefused
from sunbid.seat.acts import (
    Done,
    Seat,
    answer_drills,
    answer_possession,
    done_key,
    look,
    plain,
    send_check,
    send_release,
)
from sunbid.seat.home import LotFolder, lot_folders
from sunbid.seat.question import NothingAsked

log = logging.getLogger("sunbid.seat")

ROUND_S: Final = 15.0
LONGEST_ROUND_S: Final = 300.0
# What the platform says while nothing is asked of a seat: no fault, and not worth a line.
QUIET: Final = frozenset({"E_PHASE", "nothing-asked"})

LogIn = Callable[[], Seat]


@dataclass(slots=True, kw_only=True)
class Service:
    """One seat's rounds over all lots of its folder; `log_in` opens a session when one ended."""

    log_in: LogIn
    every_s: float = ROUND_S
    stop: threading.Event = field(default_factory=threading.Event)
    seat: Seat | None = None
    _said: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Rounds until told to stop; waits longer while the platform does not answer."""
        wait = self.every_s
        while not self.stop.is_set():
            answered = self.once()
            wait = self.every_s if answered else min(wait * 2, LONGEST_ROUND_S)
            self.stop.wait(wait)
        self._end_session()

    def once(self) -> bool:
        """One round over all lots; False when the platform did not answer."""
        try:
            seat = self._at_work()
            self._try("possession", lambda: self._possession(seat))
            for folder in lot_folders(seat.home):
                if self.stop.is_set():
                    break
                self._lot(seat, folder)
        except Unavailable as refused:
            self._say("platform", plain(refused))
            self._end_session()
            return False
        except Unauthenticated as refused:
            self._say("platform", plain(refused))
            self._end_session()
            return False
        except ServerRefused as refused:
            if refused.status == Unauthenticated.status:
                # The session ended: the next round opens another.
                self._end_session()
                return True
            self._say("platform", plain(refused))
            return False
        self._said.pop("platform", None)
        return True

    def _at_work(self) -> Seat:
        if self.seat is None:
            self.seat = self.log_in()
        return self.seat

    def _end_session(self) -> None:
        if self.seat is not None:
            self.seat.client.close()
            self.seat = None

    def _lot(self, seat: Seat, folder: LotFolder) -> None:
        """What is asked of one lot: its drill, then its check, then its release."""
        name = folder.lot
        self._try(f"{name} drill", lambda: self._drill(seat, name))
        self._try(f"{name} opening", lambda: self._opening(seat, name))

    def _possession(self, seat: Seat) -> None:
        answered = answer_possession(seat)
        if answered:
            log.info("possession of the opening key shown (%d)", answered)

    def _drill(self, seat: Seat, lot: str) -> None:
        answered = answer_drills(seat, lot)
        if answered:
            log.info("%s: drill answered (%d)", lot, answered)

    def _opening(self, seat: Seat, lot: str) -> None:
        _, asked = look(seat, lot)
        folder = seat.folder(lot)
        if not folder.is_done(done_key("check", asked)):
            self._sent(lot, send_check(seat, lot))
        if not folder.is_done(done_key("release", asked)):
            self._sent(lot, send_release(seat, lot))

    def _sent(self, lot: str, done: Done) -> None:
        for remark in done.remarks:
            log.info("%s: %s", lot, remark)
        log.info("%s: %s sent, %s", lot, done.statement.type, done.statement.sid)

    def _try(self, about: str, act: Callable[[], None]) -> None:
        """Do one thing; a refusal is said once and the question is judged anew next time."""
        try:
            act()
        except (Unavailable, Unauthenticated):
            raise
        except ServerRefused as refused:
            if refused.status in {Unauthenticated.status, *range(500, 600)}:
                raise
            self._refusal(about, refused)
            return
        except NothingAsked:
            self._said.pop(about, None)
            return
        except Refused as refused:
            self._refusal(about, refused)
            return
        except Exception:
            # What is shown may be anything; the seat outlives it and answers nothing.
            log.exception("%s: a fault, nothing was sent", about)
            return
        self._said.pop(about, None)

    def _refusal(self, about: str, refused: Refused) -> None:
        if refused.code in QUIET:
            self._said.pop(about, None)
            return
        whose = "this seat refuses" if isinstance(refused, MemberRefuses) else "refused"
        self._say(about, f"{whose}: {plain(refused)}")

    def _say(self, about: str, sentence: str) -> None:
        """One line for one cause: a round that meets the same again says nothing."""
        if self._said.get(about) != sentence:
            self._said[about] = sentence
            log.warning("%s: %s", about, sentence)
