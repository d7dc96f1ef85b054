"""Everybody for whom the development authority's phone can sign: licences, and people."""

from dataclasses import dataclass

from bidding.licence.file import FileAuthority
from bidding.licence.operators import Operator, Operators
from bidding.licence.uscc import LENGTH
from foundation.statements.signed import Signer, Statement, sign
from sunbid.authority.people import People, UnknownPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A licence (`id` is the USCC) or the key of a person or an operator (`id` is the kid)."""

    id: str
    name: str
    is_person: bool
    # An operator whose key was made on this phone.
    operator: Operator | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """The licences of the authority and, in a demonstration, the people beside it."""

    files: FileAuthority
    people: People | None

    def all(self) -> list[Holder]:
        """Organisations first, then operators, then people."""
        licences = [self.holder(uscc) for uscc in self.files.folder.holders()]
        people = [] if self.people is None else self.people.all()
        return [
            *sorted(licences, key=lambda holder: holder.name),
            *(_holder(operator) for operator in self.operators.all()),
            *(Holder(id=person.kid, name=person.name, is_person=True) for person in people),
        ]

    @property
    def operators(self) -> Operators:
        """The operators' keys on this phone."""
        return Operators(self.files.folder)

    def holder(self, holder_id: str) -> Holder:
        """One holder; refuses an unknown one."""
        if len(holder_id) == LENGTH:
            name = self.files.folder.licence(holder_id).subject.name
            return Holder(id=holder_id, name=name, is_person=False)
        operator = self.operators.operator(holder_id)
        if operator is not None:
            return _holder(operator)
        person = self._people().person(holder_id)
        return Holder(id=person.kid, name=person.name, is_person=True)

    async def sign(self, holder: Holder, asked: Statement) -> Statement:
        """The statement with the holder's signature; whoever calls this has the holder's yes."""
        signer: Signer
        if holder.operator is not None:
            signer = holder.operator.signer
        elif holder.is_person:
            signer = self._people().signer(holder.id)
        else:
            signer = self.files.folder.licence(holder.id).signer
        return sign(asked, signer, await self.files.now())

    def _people(self) -> People:
        if self.people is None:
            raise UnknownPerson("this authority holds licences only; start it with --people DIR")
        return self.people


def _holder(operator: Operator) -> Holder:
    return Holder(id=operator.kid, name=operator.name, is_person=True, operator=operator)
