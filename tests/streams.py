"""Bytes as they come from a network."""

from collections.abc import AsyncIterator


async def blocks(*parts: bytes) -> AsyncIterator[bytes]:
    """These blocks, one after another."""
    for part in parts:
        yield part
