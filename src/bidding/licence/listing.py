"""A revocation list that is fetched whole, kept for a while, and asked for once by all."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bidding.licence.authority import Status, Unknown
from bidding.licence.revocation import OLDEST_LIST, RevocationList, read_list
from foundation.problems import Refused
from foundation.statements.certificates import load_certificate

# A revocation shows within seconds; the list is fetched whole, so nobody is named by asking.
LIST_LIFE_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class KeptList:
    """The newest list of one authority; `fetch` gets its bytes and may refuse."""

    fetch: Callable[[], bytes]
    anchors: Sequence[bytes]
    known: RevocationList | None = None
    until: float = 0.0
    away: str | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`; Unknown where no list can be had."""
        # One asks for all: a rush of acts must not become a rush of the same question.
        async with self.asking:
            if self._must_ask(at):
                try:
                    raw = await asyncio.to_thread(self.fetch)
                    self.known, self.away = read_list(raw, self.anchors), None
                except Refused as refused:
                    self.away = refused.message
                self.until = time.monotonic() + LIST_LIFE_S
        if self.known is None:
            return Unknown(self.away or "no list was had")
        return self.known.status(load_certificate(certificate), at)

    def _must_ask(self, at: datetime) -> bool:
        """Whether a newer list must be asked for; not at once again after silence."""
        if time.monotonic() >= self.until:
            return True
        known = self.known
        return self.away is None and (known is None or known.made_at < at - OLDEST_LIST)
