"""The platform's desk, put together from the settings: stores, key, signer, authority."""

import secrets
from datetime import datetime
from pathlib import Path

from bidding.bid.desk import Desk
from bidding.licence.authority import LicenceAuthority
from bidding.licence.development import DevAuthority
from bidding.licence.remote import BadAuthoritySettings, HttpAuthority
from bidding.licence.several import SeveralAuthorities
from foundation.database import Database
from foundation.ledger.signer import SignerClient
from foundation.objects import ObjectStore
from foundation.settings import Settings
from foundation.statements.certificates import load_certificate
from sunbid.platform_key import load_platform_device, load_platform_key


def open_desk(db: Database, settings: Settings, now: datetime) -> Desk:
    """Return what the platform brings to every act; `now` is the platform's time."""
    platform, platform_anchor = load_platform_key(settings, now)
    device = load_platform_device(settings, now)
    anchors = tuple(path.read_bytes() for path in settings.licence_anchors)
    work = settings.data_dir / "work"
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Desk(
        db=db,
        objects=ObjectStore.open(settings.data_dir / "objects"),
        signer=SignerClient(settings.signer_socket),
        platform=platform,
        platform_anchor=platform_anchor,
        authority=_authority(settings, anchors),
        anchors=anchors,
        token_key=_token_key(settings.data_dir / "platform" / "token.key"),
        origin=settings.origin,
        work=work,
        time_anchors=tuple(_certificate(path) for path in settings.timestamp_anchors),
        platform_sm2=None if device is None else device[0],
        platform_sm2_anchor=None if device is None else device[1],
    )


def _certificate(path: Path) -> bytes:
    """A root in DER; refuses another file at the start, not at the first time stamp."""
    der = path.read_bytes()
    load_certificate(der)
    return der


def _authority(settings: Settings, anchors: tuple[bytes, ...]) -> LicenceAuthority:
    """The licence services of the settings, else the development authorities; one for each suite.

    Refuses a service whose roots are not those of `SUNBID_LICENCE_ANCHORS`: production has looked
    at those alone.
    """
    each: list[LicenceAuthority] = [_service(path, anchors) for path in settings.licence_services]
    if not each:
        each.append(DevAuthority(origin=settings.licence_url or "", anchors=anchors))
    if settings.licence_gm_url is not None:
        suites = frozenset({"GM-1"})
        each.append(DevAuthority(origin=settings.licence_gm_url, anchors=anchors, suites=suites))
    return each[0] if len(each) == 1 else SeveralAuthorities(tuple(each))


def _service(path: Path, anchors: tuple[bytes, ...]) -> HttpAuthority:
    found = HttpAuthority.from_file(path)
    if set(found.anchors) - set(anchors):
        raise BadAuthoritySettings(
            f"expected the anchors of {path.name} among those of SUNBID_LICENCE_ANCHORS, got others"
        )
    return found


def _token_key(path: Path) -> bytes:
    """The key to which bidders' tokens are sealed; made once, kept beside the platform's key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
