"""An identity number has so few digits that its tag must need the authority's key."""

import hashlib
import hmac
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bidding.licence.folder import AuthorityFolder, open_folder
from licences import a_uscc

pytestmark = pytest.mark.domain

NUMBER = "34060019900101123X"
AT = datetime(2026, 11, 22, tzinfo=UTC)


def guesses(folder: AuthorityFolder) -> Iterator[str]:
    """What somebody makes of the right number without the authority's key."""
    number = NUMBER.encode()
    public = [b"", folder.root, hashlib.sha256(folder.root).digest(), b"sunbid", bytes(32)]
    for name, key in itertools.product(("sha256", "sha3_256", "blake2s"), public):
        yield hashlib.new(name, key + number).hexdigest()
        yield hashlib.new(name, number + key).hexdigest()
        yield hmac.digest(key, number, name).hex()


@pytest.mark.misuse(112)
def test_a_tag_is_not_guessed_without_the_authoritys_key(tmp_path: Path) -> None:
    folder, other = open_folder(tmp_path / "one"), open_folder(tmp_path / "other")
    licences = [
        folder.issue(a_uscc(n), f"公司{n}", "enterprise", AT, "http://127.0.0.1/crl", NUMBER)
        for n in (1, 2)
    ]
    tags = {licence.subject.info.person_tag for licence in licences}
    assert len(tags) == 1, "one person has one tag: a person in two seats is found"
    (tag,) = tags
    assert tag is not None
    assert tag not in set(guesses(folder))
    assert folder.person_tag(NUMBER[:-1] + "1") != tag
    assert other.person_tag(NUMBER) != tag
    # With the key it is that number's tag and no other's.
    key = (folder.path / "person.key").read_bytes()
    assert hmac.digest(key, NUMBER.encode(), "sha256").hex() == tag
    assert (folder.path / "person.key").stat().st_mode & 0o077 == 0
    for path in folder.path.rglob("*"):
        assert not path.is_file() or NUMBER.encode() not in path.read_bytes()
    assert open_folder(tmp_path / "one").person_tag(NUMBER) == tag
