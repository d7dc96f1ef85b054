"""The parent's side of the child that reads bidders' files: ask, wait, survive its death."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from typing import IO, Final

import msgspec

from supervision.forensics.child import Asked, FileRead, Request
from supervision.forensics.domain import Archive, Comparison, PairComparison

FILE_S: Final = 60.0
COMPARE_S: Final = 600.0
MOST_DEATHS: Final = 20

log = logging.getLogger(__name__)


class Reading(msgspec.Struct, frozen=True):
    """The child's word on which file it is at."""

    reading: int


@dataclass(slots=True)
class Reader:
    """Files of one tender, read and compared by a child; every call blocks."""

    files: Sequence[Asked]
    codes: dict[str, list[str]]
    skip: list[int] = field(default_factory=list)
    child: "subprocess.Popen[bytes] | None" = None

    def read(self) -> list[FileRead]:
        """Read all files; one that the child dies of is left out and said, the rest read again."""
        for _ in range(MOST_DEATHS):
            at = self._begin()
            answer: bytes = b""
            for line in self._lines(FILE_S):
                if not line.startswith(b'{"reading"'):
                    answer = line
                    break
                at = msgspec.json.decode(line, type=Reading).reading
            if answer:
                return msgspec.json.decode(answer, type=list[FileRead])
            log.warning("the reader of files died of %s", self.files[at].name if at >= 0 else "?")
            self.close()
            self.skip.append(at)
        self.skip = list(range(len(self.files)))
        return self.read()

    def compare(self, archive: Archive | None) -> Comparison:
        """Compare what was read; where the child fails, every pair comes back empty and said."""
        sent = None
        if archive is not None:
            counted = [[name, value, count] for (name, value), count in archive.seen.items()]
            sent = [archive.documents, *counted]
        try:
            self._send(sent)
            answer = next(self._lines(COMPARE_S), b"")
        except BrokenPipeError:
            answer = b""
        if answer:
            return msgspec.json.decode(answer, type=Comparison)
        log.warning("the comparison of documents broke off")
        return Comparison(
            pairs=tuple(PairComparison(a=a, b=b) for a, b in combinations(sorted(self.codes), 2)),
            common_grams=0,
            problems=("the texts could not be compared: the comparison broke off",),
        )

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self.child is None:
            return
        self.child.kill()
        for pipe in (self.child.stdin, self.child.stdout):
            _close(pipe)
        self.child.wait()
        self.child = None

    def _begin(self) -> int:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "supervision.forensics.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._send(Request(files=list(self.files), codes=self.codes, skip=self.skip))
        return -1

    def _send(self, message: object) -> None:
        assert self.child is not None
        assert self.child.stdin is not None
        self.child.stdin.write(msgspec.json.encode(message) + b"\n")
        self.child.stdin.flush()

    def _lines(self, limit_s: float) -> Iterator[bytes]:
        """The child's lines; none takes longer than the limit, or the child is ended."""
        assert self.child is not None
        assert self.child.stdout is not None
        while True:
            guard = threading.Timer(limit_s, self.child.kill)
            guard.start()
            try:
                line = self.child.stdout.readline()
            finally:
                guard.cancel()
            if not line:
                return
            yield line


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        return


@contextmanager
def reader(files: Sequence[Asked], codes: dict[str, list[str]]) -> Iterator[Reader]:
    """A reader whose child is gone at the end."""
    made = Reader(files=files, codes=codes)
    try:
        yield made
    finally:
        made.close()
