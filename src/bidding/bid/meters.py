"""How far the files of a lot are worked through: counts alone, in the memory of who does it.

Nothing of it is stored: after a crash the work begins again, and so does its count.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final
from uuid import UUID

# Each byte is worked on twice: read back against its tree, then decrypted and examined.
PASSES: Final = 2
FULL: Final = 100
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many files of so many are through, and so many of their bytes."""

    files: int
    through: int
    size: int
    done: int

    @property
    def percent(self) -> int:
        """Of the bytes; 100 only once every file is through."""
        if self.files and self.through == self.files:
            return FULL
        return min(FULL - 1, self.done * FULL // max(1, self.size))


class Meter:
    """Counts one piece of work from several threads."""

    def __init__(self) -> None:
        self._files, self._size = 0, 0
        self._through, self._work = 0, 0
        self._lock = Lock()

    def begin(self, sizes: Sequence[int]) -> None:
        """Say what there is to do."""
        self._files, self._size = len(sizes), sum(sizes)

    @contextmanager
    def file(self, size: int) -> Iterator[Tell]:
        """A file that is worked on; what is yielded hears of bytes that were read back."""
        read = 0

        def tell(count: int) -> None:
            nonlocal read
            read += count
            self._add(count)

        yield tell
        # Whatever became of it, it is through.
        self._add(PASSES * size - read, 1)

    def _add(self, work: int, files: int = 0) -> None:
        with self._lock:
            self._work += work
            self._through += files

    def count(self) -> Count:
        """Where it stands."""
        with self._lock:
            done = self._work // PASSES
            return Count(files=self._files, through=self._through, size=self._size, done=done)


class Meters:
    """The meters of the lots that this process works on."""

    def __init__(self) -> None:
        self._running: dict[UUID, Meter] = {}

    @contextmanager
    def running(self, lot: UUID) -> Iterator[Meter]:
        """A meter that everybody may read while the work lasts."""
        meter = self._running[lot] = Meter()
        try:
            yield meter
        finally:
            del self._running[lot]

    def of(self, lot: UUID) -> Count | None:
        """Where the work on a lot stands; None when nobody here works on it."""
        meter = self._running.get(lot)
        return meter.count() if meter is not None else None
