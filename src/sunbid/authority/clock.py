"""The clock of a development authority: its own, or in a demonstration the platform's."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from foundation.problems import Invalid
from sunbid.client import Client, platform_time

TIME_PATH: Final = "/api/v1/time"


def time_origin(url: str | None) -> str | None:
    """The platform of `--time-url`; refuses another path than that of its time."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.path not in {"", "/", TIME_PATH}:
        raise Invalid(f"expected --time-url like http://127.0.0.1:8000{TIME_PATH}")
    return f"{parts.scheme}://{parts.netloc}"


async def real_time() -> datetime:
    """The authority's own clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PlatformClock:
    """The clock of a demonstration: certificates and signatures must fit its time."""

    origin: str

    async def __call__(self) -> datetime:
        """The platform's time; refuses when the platform does not answer."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> datetime:
        with Client(origin=self.origin) as client:
            return platform_time(client)[0]
