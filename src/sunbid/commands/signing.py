"""Signing for the commands: with a licence in the holder's app, or with a key file.

`add_signer` gives a command the arguments, `signed_by` does what they say.
"""

import argparse
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from foundation.problems import Invalid, Unavailable
from foundation.statements.signed import Statement, sign

DEFAULT_APP: Final = "http://127.0.0.1:8001"
APP_FORMS: Final = "the licence app: its address, or the settings file of a licence service"
KEY_FORMS: Final = "a key file, a PKCS#12 file (.p12) or pkcs11:token=…;object=…?module-path=…"


class CannotWrite(Unavailable):
    """The file cannot be written."""

    code = "cannot-write"


def add_signer(parser: argparse.ArgumentParser) -> None:
    """The arguments that say who signs."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--licence", metavar="USCC", help="sign with this licence in its app")
    who.add_argument("--key", metavar="FILE", help=f"sign with {KEY_FORMS}")
    parser.add_argument("--app", default=DEFAULT_APP, metavar="URL", help=APP_FORMS)
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE")
    parser.add_argument(
        "--yes", action="store_true", help="consent for the licence holder (development)"
    )


async def signed_by(arguments: argparse.Namespace, asked: Statement, host: str) -> Statement:
    """The statement with one more signature, by whom the arguments name."""
    if arguments.licence is not None:
        # Imported here: whoever signs with a key file need not wait for what reads certificates.
        from sunbid.commands.licence_app import sign_with_licence

        return await sign_with_licence(
            arguments.app, arguments.licence, asked, host=host, yes=arguments.yes
        )
    from sunbid.keys.adapters import open_key

    passphrase = read_passphrase(arguments.passphrase_file, arguments.key)
    return sign(asked, open_key(arguments.key, passphrase).signer)


def read_passphrase(path: Path | None, key: Path | str) -> str:
    """The passphrase from a file, or asked for at the terminal."""
    if path is not None:
        try:
            return path.read_text().strip()
        except OSError as error:
            raise Invalid(f"cannot read the passphrase in {path}: {error.strerror}") from None
    if not sys.stdin.isatty():
        raise Invalid(f"expected --passphrase-file for {key}, as nobody can be asked here")
    import getpass

    return getpass.getpass(f"Passphrase of {Path(key).name}: ")


def write_statement(path: Path, signed: Statement) -> None:
    """Write a statement file."""
    try:
        path.write_bytes(signed.file())
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}") from None
    sys.stderr.write(f"{signed.type} {signed.sid} -> {path}\n")


def host_of(origin: str) -> str:
    """The host of an address, as a login names its platform."""
    return urlsplit(origin).netloc
