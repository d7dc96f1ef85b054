"""Many clients over kept HTTP connections, with requests that were made before the clock starts."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

FIRST_ASK_S: Final = 0.6
ASK_AGAIN_S: Final = 0.3
RECEIPT_PATIENCE_S: Final = 60.0
COLLECTORS: Final = 4


@dataclass(slots=True)
class Prepared:
    """One act, ready to be sent, and what became of it (times count from the run's beginning)."""

    sid: str
    request: bytes
    question: bytes
    sent: float = 0.0
    ticket_at: float | None = None
    receipt_at: float | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    refused: str | None = None


@dataclass(slots=True)
class Connection:
    """One kept connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to the platform on loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return status and body."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        if "transfer-encoding: chunked" in head:
            return status, await self._chunks()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
        return status, await self.reader.readexactly(length)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return body

    def close(self) -> None:
        """Break it."""
        self.writer.close()


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How one run went."""

    tickets_s: float
    receipts_s: float
    latencies: Sequence[float]


async def hand_all_in(port: int, acts: Sequence[Prepared], clients: int) -> Run:
    """Send every act over so many connections at once, and collect every ticket and receipt."""
    waiting = deque(acts)
    ticketed: deque[Prepared] = deque()
    connections = [await Connection.open(port) for _ in range(clients + COLLECTORS)]
    began = time.perf_counter()
    sending = [
        asyncio.create_task(_send(one, waiting, ticketed, began)) for one in connections[:clients]
    ]
    done = asyncio.Event()
    collecting = [
        asyncio.create_task(_collect(one, ticketed, done, began)) for one in connections[clients:]
    ]
    try:
        await asyncio.gather(*sending)
        tickets_s = time.perf_counter() - began
        done.set()
        await asyncio.gather(*collecting)
    finally:
        for task in (*sending, *collecting):
            task.cancel()
        for one in connections:
            one.close()
    return Run(
        tickets_s=tickets_s,
        receipts_s=max((act.receipt_at or 0.0) for act in acts),
        latencies=[act.ticket_at - act.sent for act in acts if act.ticket_at is not None],
    )


async def _send(
    connection: Connection, waiting: deque[Prepared], ticketed: deque[Prepared], began: float
) -> None:
    while waiting:
        act = waiting.popleft()
        act.sent = time.perf_counter() - began
        status, body = await connection.ask(act.request)
        if status not in {201, 202}:
            act.refused = f"{status} {body[:300].decode(errors='replace')}"
            continue
        act.ticket_at = time.perf_counter() - began
        act.answer = json.loads(body)
        ticketed.append(act)


async def _collect(
    connection: Connection, ticketed: deque[Prepared], done: asyncio.Event, began: float
) -> None:
    """Ask for receipts by the act's sid, each act first when a tick may have passed."""
    ends = time.perf_counter() + RECEIPT_PATIENCE_S
    while time.perf_counter() < ends:
        if not ticketed:
            if done.is_set():
                return
            await asyncio.sleep(ASK_AGAIN_S / 4)
            continue
        act = ticketed.popleft()
        assert act.ticket_at is not None
        early = act.ticket_at + FIRST_ASK_S - (time.perf_counter() - began)
        if early > 0:
            await asyncio.sleep(early)
        _, body = await connection.ask(act.question)
        found = json.loads(body)
        if found.get("receipt") is not None:
            act.receipt_at = time.perf_counter() - began
            act.answer = found
        elif found.get("state") == "refused":
            act.refused = json.dumps(found["refusal"])[:300]
        else:
            ticketed.append(act)
            await asyncio.sleep(ASK_AGAIN_S / 4)
