"""Keys of people in a demonstration: `DIR/<persona>/*.json` with the file `passphrase` beside.

The authority's phone page stands for each persona's own device; the platform never reads these.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from foundation.problems import NotFound
from foundation.statements.keyfile import BadKeyFile, load_key, read_public
from foundation.statements.signed import KeySigner

# The name of a file, not a passphrase.
PASSPHRASE_FILE: Final = "passphrase"  # noqa: S105


class UnknownPerson(NotFound):
    """Nobody here has this key."""

    code = "unknown-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A persona with a signing key; the name of its folder is what it is called."""

    name: str
    kid: str
    path: Path


@dataclass(slots=True, kw_only=True)
class People:
    """The folder of personas; it is read again whenever somebody is not found in it."""

    folder: Path
    _known: dict[str, Person] = field(default_factory=dict)
    _signers: dict[str, KeySigner] = field(default_factory=dict)

    def all(self) -> list[Person]:
        """Everybody who can sign, by name."""
        self._known = {}
        for path in sorted(self.folder.glob("*/*.json")):
            if not (path.parent / PASSPHRASE_FILE).is_file():
                continue
            try:
                kid = read_public(path).sign_kid
            except BadKeyFile:
                # Other files of a persona lie there too: sessions, receipts, sealing records.
                continue
            if kid is not None:
                self._known[kid] = Person(name=path.parent.name, kid=kid, path=path)
        return sorted(self._known.values(), key=lambda person: (person.name, person.kid))

    def person(self, kid: str) -> Person:
        """Who has a key; refuses a key that nobody has."""
        if kid not in self._known:
            self.all()
        if kid not in self._known:
            raise UnknownPerson(f"nobody in {self.folder.name} has the key {kid[:16]}")
        return self._known[kid]

    def signer(self, kid: str) -> KeySigner:
        """The signing key of a person, opened with the passphrase beside it."""
        if kid not in self._signers:
            person = self.person(kid)
            passphrase = (person.path.parent / PASSPHRASE_FILE).read_text().strip()
            self._signers[kid] = load_key(person.path, passphrase).signer
        return self._signers[kid]
