"""Volumes of an earlier bid that a replacement names unchanged: sealed once, sent once."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bidding.sealing.bidder import RecordedVolume
from bidding.sealing.bodies import Manifest, SealedVolume
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.refusals import WrongOpeningKeys
from foundation.problems import Invalid
from foundation.statements.signed import decode_body
from sunbid.bid_folder import UPLOADS, BidFolder

_KEEP: Final = re.compile(r"([a-z][a-z0-9-]{0,15})=(.+)", re.DOTALL)


class BadArgument(Invalid):
    """The command was called in a way that cannot be done."""

    code = "bad-argument"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVolume:
    """A volume of an earlier bid: its line in the record and in the manifest."""

    recorded: RecordedVolume
    listed: SealedVolume


def kept_folders(texts: Sequence[str], volumes: Mapping[str, Path]) -> dict[str, BidFolder]:
    """Read `NAME=DIR` of each kept volume; all lie in the folder of the one bid before."""
    found: dict[str, BidFolder] = {}
    for text in texts:
        match = _KEEP.fullmatch(text)
        if match is None or match[1] in found or match[1] in volumes:
            raise BadArgument(f"expected --keep NAME=DIR, each name once, got {text[:60]!r}")
        found[match[1]] = BidFolder(Path(match[2]))
    if len({folder.path.resolve() for folder in found.values()}) > 1:
        raise BadArgument("expected kept volumes of one earlier bid, got several folders")
    return found


def keep_volumes(kept: Mapping[str, BidFolder], folder: Path, keys: LotKeys) -> list[KeptVolume]:
    """Bring the kept volumes into the new folder, with what is known of their uploads.

    Refuses a bid that was sealed for other opening keys, and one without that volume.
    """
    made = [_keep(volume, earlier, folder, keys) for volume, earlier in sorted(kept.items())]
    for earlier in kept.values():
        trees = {one.recorded.tree for one in made}
        known: dict[str, Any] = {t: u for t, u in earlier.uploads().items() if t in trees}
        target = folder / UPLOADS
        target.write_text(json.dumps(known))
        target.chmod(0o600)
        break
    return made


def _keep(volume: str, earlier: BidFolder, folder: Path, keys: LotKeys) -> KeptVolume:
    record, manifest = earlier.record(), decode_body(earlier.manifest(), Manifest)
    if record.opening_keys != keys.sid:
        raise WrongOpeningKeys("the kept volume was sealed for other opening keys; seal it again")
    recorded = next((one for one in record.volumes if one.volume == volume), None)
    listed = next((one for one in manifest.envelopes if one.volume == volume), None)
    if recorded is None or listed is None or recorded.tree != listed.tree:
        raise BadArgument(f"expected the volume {volume} in {earlier.path}, got none; seal it")
    source, target = earlier.path / recorded.file, folder / recorded.file
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or one that knows no second name of a file.
        shutil.copyfile(source, target)
        target.chmod(0o600)
    return KeptVolume(recorded=recorded, listed=listed)
