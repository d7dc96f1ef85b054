"""The keys by which a bidder unwraps its own half: recovery code, opening key, licence app.

`add_own_key` gives a command the arguments; what they name is the same for sealing, rehearsing and
releasing.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bidding.sealing.bidder import unwrap_b
from bidding.sealing.envelope import Head
from bidding.sealing.keys import exchange_of, public_point
from bidding.sealing.recovery import read_code, recovery_key
from bidding.sealing.refusals import Reason, SealFailed, WrongB
from bidding.sealing.rehearse import OwnKey
from bidding.sealing.suites import Suite
from bidding.sealing.unseal import fits_half
from foundation.problems import Invalid
from foundation.statements.canonical import unb64
from foundation.statements.signed import kid_of
from sunbid.commands.signing import APP_FORMS, DEFAULT_APP, KEY_FORMS, host_of, read_passphrase
from sunbid.keys.adapters import Agreement, open_key

OPENING_KEY: Final = "opening-key.json"
RECOVERY_CODE: Final = "recovery-code.txt"


@dataclass(slots=True)
class AppKey:
    """The key of one lot that a licence app made and holds, and the consent to use it."""

    app: str
    holder: str
    host: str
    lot: str
    yes: bool
    ticket: str = ""
    public: bytes = b""

    def half(self, head: Head) -> bytes:
        """B of an envelope, opened in the app; refuses a value that does not fit."""
        kid = kid_of(self.public)
        for entry in head.wraps.b:
            if entry.kid == kid:
                info, ct = head.binding.info("B", entry.i), unb64(entry.ct)
                value = asyncio.run(self._opened(kid, info, ct))
                if not fits_half(head, "B", value):
                    raise WrongB("expected the key that this envelope was sealed with, got another")
                return value
        raise SealFailed(Reason.UNWRAP, "this envelope was not sealed for the licence app's key")

    async def ask(self) -> Any:
        """Wait for the holder's consent to make and use this key; returns the app."""
        # Imported here: whoever uses no app need not wait for what reads certificates.
        from bidding.licence.authority import SignRequest
        from sunbid.commands.licence_app import app_of, consented_ticket

        app, lot = app_of(self.app), UUID(self.lot)
        asked = SignRequest(holder=self.holder, host=self.host, purpose="opening", lot=lot)
        self.ticket, _ = await consented_ticket(app, asked, yes=self.yes)
        return app

    async def _opened(self, kid: str, info: bytes, ct: bytes) -> bytes:
        """What a wrap hides; the holder is asked again where a consent is over."""
        from bidding.licence.authority import NoConsent
        from sunbid.commands.licence_app import app_of

        try:
            return bytes(await app_of(self.app).unwrap(self.ticket, kid, info, ct))
        except NoConsent:
            # Sealing large files takes longer than a consent lasts.
            app = await self.ask()
            return bytes(await app.unwrap(self.ticket, kid, info, ct))


def add_own_key(parser: argparse.ArgumentParser) -> None:
    """The arguments that say by which key a bidder unwraps."""
    add = parser.add_argument
    add("--opening-key", metavar="FILE", help=f"{KEY_FORMS}; without: the folder's own")
    add("--passphrase-file", type=Path, metavar="FILE", help="of the opening key (a token's PIN)")
    add(
        "--recovery-code-file",
        type=Path,
        metavar="FILE",
        help="the recovery code (解密凭证) instead of the opening key",
    )
    add("--licence-app", action="store_true", help="the key of this lot in the licence app")
    add("--app", default=DEFAULT_APP, metavar="URL", help=APP_FORMS)
    add("--yes", action="store_true", help="consent for the licence holder (development)")


def app_key(args: argparse.Namespace, uscc: str, lot: str, host: str = "sunbid seal") -> AppKey:
    """Have the licence app make or find its key of a lot; waits for the holder's consent."""
    return asyncio.run(_app_key(args, uscc, lot, host))


async def _app_key(args: argparse.Namespace, uscc: str, lot: str, host: str) -> AppKey:
    held = AppKey(app=args.app, holder=uscc, host=host, lot=lot, yes=args.yes)
    key = await (await held.ask()).opening_key(held.ticket, UUID(lot))
    if key is None:
        raise Invalid("this licence app makes no opening keys; use a key file or a token")
    held.public = key.public
    return held


def opening_own(key: Agreement) -> OwnKey:
    """The bidder's opening key as the rehearsal takes it."""
    return OwnKey(name="opening key", exchange=key.exchange, public=key.public)


def recovery_own(suite: Suite, code: str, lot: str) -> OwnKey:
    """The key of a recovery code as the rehearsal takes it."""
    key = recovery_key(suite, read_code(code), lot)
    return OwnKey(name="recovery code", exchange=exchange_of(key), public=public_point(key))


def code_in(path: Path) -> str:
    """The recovery code of a file: the first line, as the command and the sealing page write it."""
    return path.read_text(encoding="utf-8").strip().partition("\n")[0]


def own_key(args: argparse.Namespace, folder: Path, suite: Suite, lot: str) -> OwnKey:
    """The key that the arguments name, without an app: recovery code, a key, or the folder's."""
    if args.recovery_code_file is not None:
        return recovery_own(suite, code_in(args.recovery_code_file), lot)
    word = args.opening_key or str(folder / OPENING_KEY)
    return opening_own(open_key(word, read_passphrase(args.passphrase_file, word)).exchange)


def own_halves(
    args: argparse.Namespace, folder: Path, uscc: str, heads: Mapping[str, Head], server: str
) -> dict[str, bytes]:
    """B of every envelope by tree, by whichever key the arguments name."""
    first = next(iter(heads.values()))
    if args.licence_app:
        held = app_key(args, uscc, first.header.lot, host_of(server))
        return {tree: held.half(head) for tree, head in heads.items()}
    own = own_key(args, folder, first.suite, first.header.lot)
    return {tree: unwrap_b(head, own.exchange, own.public) for tree, head in heads.items()}
