"""The signer process and its client: newline JSON over a local socket that only its user opens.

The process has no database and no network; what it decides stands in `keeper`.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from foundation.ledger.keeper import (
    ChangeRefused,
    Keeper,
    ReleaseRefused,
    UnknownScope,
)
from foundation.ledger.key_folder import BadSetting, StateLost
from foundation.ledger.login_proof import LoginRefused
from foundation.ledger.note import BadNote, Checkpoint
from foundation.ledger.rows import BadRow
from foundation.ledger.signing import NotAnExtension, SignedState
from foundation.ledger.tree import BadProof
from foundation.problems import Conflict, Invalid, Refused, Unavailable
from foundation.statements.canonical import (
    BadField,
    Json,
    NotCanonical,
    b64,
    parse_time,
    time_text,
    unb64,
)
from foundation.statements.certificates import BadChain, CertificateNotInTime
from foundation.statements.signed import BadSignature, Statement, read

LARGEST_MESSAGE: Final = 8 * 1024 * 1024
LARGEST_STATEMENT: Final = 4 * 1024 * 1024
ANSWER_TIMEOUT_S: Final = 10.0


class SignerAway(Unavailable):
    """The signer does not answer."""

    code = "signer-away"


class SignerRefused(Conflict):
    """The signer refused."""

    code = "signer-refused"


class BadCall(Invalid):
    """The signer does not know this call."""

    code = "bad-signer-call"


# What the signer refuses reaches the caller as the same refusal.
_KINDS: Final[dict[str, type[Refused]]] = {
    kind.code: kind
    for kind in (
        BadCall,
        BadChain,
        BadField,
        BadNote,
        BadProof,
        BadRow,
        BadSignature,
        CertificateNotInTime,
        ChangeRefused,
        LoginRefused,
        NotAnExtension,
        NotCanonical,
        ReleaseRefused,
        StateLost,
        UnknownScope,
    )
}


def answer(keeper: Keeper, request: Json) -> Json:
    """The keeper's answer to one call; refusals leave as refusals."""
    match request:
        case {"call": "last"}:
            last = keeper.last()
            return {
                "origin": last.origin,
                "vkey": last.vkey,
                "size": last.size,
                "root": b64(last.root),
            }
        case {"call": "sign", "old_size": int(old), "proof": list(proof), "checkpoint": str(text)}:
            return {"note": keeper.sign_checkpoint(old, [unb64(_text(h)) for h in proof], text)}
        case {"call": "new_scope", "scope": str(scope)}:
            return {"access": b64(keeper.new_scope(_uuid(scope)))}
        case {"call": "subject_key", "scope": str(scope), "login": str(login), "at": at, **more}:
            given = None if at is None else parse_time(_text(at))
            statement = read(unb64(login), limit=LARGEST_STATEMENT)
            file = more.get("mandate")
            mandate = None if file is None else read(unb64(_text(file)), limit=LARGEST_STATEMENT)
            return {"key": b64(keeper.subject_key(_uuid(scope), statement, given, mandate))}
        case {"call": "open_row", "scope": str(scope), "sealed": str(sealed), "sid": str(sid)}:
            return {"value": b64(keeper.open_row(_uuid(scope), unb64(sealed), sid))}
        case {
            "call": "open_addresses",
            "scope": str(scope),
            "statement": str(file),
            "opening": dict(opening),
            "proof": str(proof_text),
            "sealed": list(sealed_rows),
        }:
            change = read(unb64(file), limit=LARGEST_STATEMENT)
            raws = [unb64(_text(row)) for row in sealed_rows]
            told = keeper.open_addresses(_uuid(scope), change, opening, proof_text, raws)
            return {"addresses": list(told)}
        case {
            "call": "release_scope",
            "scope": str(scope),
            "statement": str(file),
            "opening": dict(opening),
            "proof": str(proof_text),
        }:
            statement = read(unb64(file), limit=LARGEST_STATEMENT)
            secret = keeper.release_scope(_uuid(scope), statement, opening, proof_text)
            return {"secret": b64(secret)}
        case _:
            raise BadCall("expected a call of the signer, got another message")


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise BadCall("expected text in the call, got another value")
    return value


def _uuid(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise BadCall(f"expected a scope as a UUID, got {text[:40]!r}") from None
    if str(found) != text:
        raise BadCall("expected a scope as a lower-case UUID")
    return found


async def serve_signer(keeper: Keeper, path: Path, on_ready: Callable[[], None]) -> None:
    """Serves until it is cancelled; refuses a socket on which another signer answers."""
    _free_socket(path)
    clients: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer)
        try:
            await _serve_client(keeper, reader, writer)
        finally:
            clients.discard(writer)
            writer.close()

    # The mask keeps others out from the first moment, not only after a chmod.
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(serve, path=str(path), limit=LARGEST_MESSAGE)
    except OSError as error:
        raise BadSetting(f"expected a socket at {path}: {error.strerror}") from None
    finally:
        os.umask(mask)
    on_ready()
    try:
        # Not `serve_forever`: from Python 3.12 on its end waits for clients that stay connected.
        await asyncio.Event().wait()
    finally:
        server.close()
        for writer in clients:
            writer.close()
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _free_socket(path: Path) -> None:
    if len(os.fsencode(path)) > 107:
        raise BadSetting(f"expected a socket path of at most 107 bytes, got {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"expected a folder for {path}: {error.strerror}") from None
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            # Left by a process that was killed: nobody listens.
            path.unlink(missing_ok=True)
        except OSError as error:
            raise BadSetting(f"expected a free socket at {path}: {error}") from None
        else:
            raise BadSetting(f"another signer answers at {path}; end it first")


async def _serve_client(
    keeper: Keeper, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(ConnectionError):
        while line := await _read_line(reader):
            writer.write(json.dumps(_reply(keeper, line)).encode() + b"\n")
            await writer.drain()


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        # Longer than any call can be: this client is dropped.
        return b""


def _reply(keeper: Keeper, line: bytes) -> Json:
    try:
        return {"ok": answer(keeper, json.loads(line))}
    except (ValueError, RecursionError):
        return {"refused": BadCall.code, "message": "expected JSON on one line"}
    except Refused as refused:
        return {"refused": refused.code, "message": refused.message}


@dataclass(slots=True)
class SignerClient:
    """The server's side of the socket; one call at a time, connects again after a break."""

    path: Path
    timeout_s: float = ANSWER_TIMEOUT_S
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(
        default=None, repr=False
    )

    async def last(self) -> SignedState:
        """What the signer signed last, its origin and its verifier key."""
        found = await self._call({"call": "last"})
        return SignedState(
            origin=found["origin"],
            vkey=found["vkey"],
            size=found["size"],
            root=unb64(found["root"], 32),
        )

    async def sign_checkpoint(
        self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint
    ) -> str:
        """The signed note of a checkpoint that extends what was signed last."""
        found = await self._call(
            {
                "call": "sign",
                "old_size": old_size,
                "proof": [b64(value) for value in proof],
                "checkpoint": checkpoint.text(),
            }
        )
        return str(found["note"])

    async def new_scope(self, scope: UUID) -> bytes:
        """The access public key (65 bytes) of a scope, whose secret is made on the first call."""
        found = await self._call({"call": "new_scope", "scope": str(scope)})
        return unb64(found["access"], 65)

    async def subject_key(
        self,
        scope: UUID,
        login: Statement,
        at: datetime | None = None,
        mandate: Statement | None = None,
    ) -> bytes:
        """The pseudonym (32 bytes) of the login's signer, or of whose `mandate` it has.

        `at` is the platform's time; a signer believes it in a demonstration only.
        """
        found = await self._call(
            {
                "call": "subject_key",
                "scope": str(scope),
                "login": b64(login.file()),
                "at": None if at is None else time_text(at),
                "mandate": None if mandate is None else b64(mandate.file()),
            }
        )
        return unb64(found["key"], 32)

    async def open_row(self, scope: UUID, sealed: bytes, sid: str) -> bytes:
        """The content of one sealed row, to decide it after a crash."""
        found = await self._call(
            {"call": "open_row", "scope": str(scope), "sealed": b64(sealed), "sid": sid}
        )
        return unb64(found["value"])

    async def open_addresses(
        self, scope: UUID, statement: Statement, opening: Json, proof: str, sealed: Sequence[bytes]
    ) -> list[str]:
        """Whom to tell of a new statement of a scope, by its leaf opening and a tlog-proof."""
        found = await self._call(
            {
                "call": "open_addresses",
                "scope": str(scope),
                "statement": b64(statement.file()),
                "opening": opening,
                "proof": proof,
                "sealed": [b64(row) for row in sealed],
            }
        )
        return [str(address) for address in found["addresses"]]

    async def release_scope(
        self, scope: UUID, statement: Statement, opening: Json, proof: str
    ) -> bytes:
        """The secret of a scope on its release statement, the leaf opening and a tlog-proof."""
        found = await self._call(
            {
                "call": "release_scope",
                "scope": str(scope),
                "statement": b64(statement.file()),
                "opening": opening,
                "proof": proof,
            }
        )
        return unb64(found["secret"], 32)

    async def close(self) -> None:
        """Ends the connection; the next call makes a new one."""
        async with self._lock:
            await self._drop()

    async def _call(self, request: Json) -> dict[str, Any]:
        line = json.dumps(request).encode() + b"\n"
        async with self._lock:
            try:
                reply = await self._again(self._exchange, line)
            except BaseException:
                # An answer that comes later must not be taken for that of the next call.
                await self._drop()
                raise
        if "refused" in reply:
            kind = _KINDS.get(reply["refused"], SignerRefused)
            raise kind(str(reply.get("message", "")))
        return dict(reply["ok"])

    async def _again(
        self, exchange: Callable[[bytes], Awaitable[dict[str, Any]]], line: bytes
    ) -> dict[str, Any]:
        fresh = self._streams is None
        with contextlib.suppress(OSError, EOFError):
            try:
                return await exchange(line)
            except TimeoutError:
                raise
            except (OSError, EOFError):
                # The signer was started anew since the last call; every call may be made twice.
                await self._drop()
                if not fresh:
                    return await exchange(line)
        raise SignerAway(
            f"no signer answered at {self.path} within {self.timeout_s:.0f} s; start "
            "`sunbid signer` with that socket"
        )

    async def _exchange(self, line: bytes) -> dict[str, Any]:
        async with asyncio.timeout(self.timeout_s):
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(
                    str(self.path), limit=LARGEST_MESSAGE
                )
            reader, writer = self._streams
            writer.write(line)
            await writer.drain()
            raw = await reader.readline()
        if not raw.endswith(b"\n"):
            raise EOFError
        found: dict[str, Any] = json.loads(raw)
        return found

    async def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
