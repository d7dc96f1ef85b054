"""What the signer decides: it never signs a second history, and opens a scope only on proof.

Every answer is on its own disk (`signer_state`) before it is given.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final, Literal, Self
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.ledger import rows
from foundation.ledger.leaf import LeafOpening, opening_from_json
from foundation.ledger.note import (
    Note,
    is_key_name,
    read_checkpoint,
    read_key,
    sign_note,
    verify_log_signature,
)
from foundation.ledger.policy import Policy
from foundation.ledger.proof import LogProof, check_leaf, read_proof
from foundation.ledger.signer_state import (
    HEAD_FILE,
    KEY_FILE,
    SCOPE_FOLDER,
    BadSignerSetting,
    HeadFile,
    ScopeFile,
    SignerStateLost,
    hold_folder,
    make_state,
    read_file,
    read_head,
    read_key_file,
    unseal_key,
    write_durably,
)
from foundation.ledger.signing import NotAnExtension, SignedState
from foundation.ledger.tree import check_consistency
from foundation.problems import NotAllowed, NotFound
from foundation.statements.canonical import Json, b64, parse_time, time_from_ms, unb64
from foundation.statements.certificates import certificate_signers
from foundation.statements.fields import B64of16, B64of65, Kid, Text200, Time, Uuid
from foundation.statements.signed import Statement, decode_body, find_signature

LOGIN_TYPE: Final = "login"
LOGIN_AGE: Final = timedelta(hours=8)
CLOCK_SKEW: Final = timedelta(seconds=60)


class UnknownScope(NotFound):
    """The signer keeps no secret of this scope."""

    code = "unknown-scope"


class LoginRefused(NotAllowed):
    """This login statement gives no access."""

    code = "login-refused"


class ReleaseRefused(NotAllowed):
    """The secret of the scope may not be released on this proof."""

    code = "release-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperRules:
    """What the signer was started with: whom it believes and what opens a scope.

    `caller_clock` takes the caller's time for its own: for demonstrations only.
    """

    anchors: tuple[bytes, ...] = ()
    release_type: str
    release_anchors: tuple[bytes, ...] = ()
    policy: Policy | None = None
    audience: str | None = None
    caller_clock: bool = False


class _Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    TYPE: ClassVar[str] = "login"
    v: Literal[1]
    aud: Text200
    challenge: Uuid
    nonce: B64of16
    match: str
    issued_at: Time
    expires_at: Time


class _Operator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person_tag: str | None
    kid: Kid
    alg: str
    pk: B64of65


# What else a mandate says, and for what it is, the contexts above have checked.
class _Mandate(msgspec.Struct, frozen=True):
    TYPE: ClassVar[str] = "mandate"
    uscc: str
    operator: _Operator
    not_before: Time
    not_after: Time


@dataclass(slots=True, kw_only=True)
class Keeper:
    """The signer's key, its last signature, the secrets of scopes; one process holds the folder."""

    folder: Path
    rules: KeeperRules
    origin: str
    vkey: str
    lock: int = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)
    storage: AESGCM = field(repr=False)
    head: HeadFile

    @classmethod
    def open(cls, folder: Path, origin: str, passphrase: str, rules: KeeperRules) -> Self:
        """Opens the folder, or makes it with a new key on the first run.

        Refuses a folder in use, another origin, a wrong passphrase, and a key without its state.
        """
        if not is_key_name(origin) or len(origin) > 120:
            raise BadSignerSetting(
                f"expected an origin of 1 to 120 characters without space or plus, got {origin!r}"
            )
        if not passphrase:
            raise BadSignerSetting("expected a passphrase for the log key, got an empty one")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / SCOPE_FOLDER).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise BadSignerSetting(
                f"expected a folder that can be written at {folder}: {error.strerror}"
            ) from None
        lock = hold_folder(folder)
        try:
            if not (folder / KEY_FILE).exists():
                make_state(folder, origin, passphrase)
            kept = read_key_file(folder, origin)
            seed, storage = unseal_key(kept, passphrase)
            return cls(
                folder=folder,
                rules=rules,
                origin=origin,
                vkey=kept.vkey,
                lock=lock,
                key=seed,
                storage=storage,
                head=read_head(folder, kept.vkey),
            )
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Lets another process hold the folder."""
        os.close(self.lock)

    def last(self) -> SignedState:
        """What was signed last."""
        return SignedState(
            origin=self.origin,
            vkey=self.vkey,
            size=self.head.size,
            root=unb64(self.head.root, 32),
        )

    def sign_checkpoint(self, old_size: int, proof: Sequence[bytes], text: str) -> str:
        """Signs a checkpoint that extends the last one; the same one again gives the same note.

        Refuses another origin, a smaller tree, another root of the same size, a bad proof.
        """
        checkpoint, last = read_checkpoint(text), self.last()
        if text != checkpoint.text() or checkpoint.origin != self.origin:
            raise NotAnExtension(
                f"expected a checkpoint of {self.origin} without further lines, got another"
            )
        if old_size != last.size or checkpoint.size < last.size:
            raise NotAnExtension(
                f"expected an extension of the {last.size} entries signed last, got one of "
                f"{old_size} to {checkpoint.size}"
            )
        if last.size:
            check_consistency(last.size, last.root, checkpoint.size, checkpoint.root, proof)
        elif checkpoint.size == 0:
            raise NotAnExtension("an empty ledger is not signed")
        self._write_head(
            HeadFile(
                v=1,
                vkey=self.vkey,
                size=checkpoint.size,
                root=b64(checkpoint.root),
                signed=self.head.signed + 1,
            )
        )
        return Note(text=text, lines=(sign_note(text, self.origin, self.key),)).to_text()

    def new_scope(self, scope: UUID) -> bytes:
        """Makes the secret of a scope, once; returns the public key to which rows are sealed."""
        if not self._scope_path(scope).exists():
            secret = secrets.token_bytes(rows.SECRET_LENGTH)
            nonce = secrets.token_bytes(12)
            self._write_scope(
                ScopeFile(
                    v=1,
                    scope=str(scope),
                    access=b64(rows.access_public(secret)),
                    sealed=b64(nonce + self.storage.encrypt(nonce, secret, str(scope).encode())),
                    subject_keys=0,
                    rows=0,
                    releases=0,
                )
            )
        return unb64(self._scope(scope).access, 65)

    def subject_key(
        self,
        scope: UUID,
        login: Statement,
        at: datetime | None,
        mandate: Statement | None = None,
    ) -> bytes:
        """The pseudonym of whoever signed this login, in this scope.

        With a mandate it is that of the organisation which lets the login's key act for it.
        Refuses a login without exactly one signature, by a certificate under the anchors or the
        mandate's key, one older than eight hours or from the future, or for another audience.
        """
        kept = self._scope(scope)
        identifier = self._who(login, self._now(at), mandate)
        self._write_scope(msgspec.structs.replace(kept, subject_keys=kept.subject_keys + 1))
        return rows.subject_key(self._secret(kept), identifier)

    def open_row(self, scope: UUID, sealed: bytes, sid: str) -> bytes:
        """Opens one sealed row, to decide it after a crash; each one is counted on this disk."""
        kept = self._scope(scope)
        value = rows.open_row(self._secret(kept), scope, sid, sealed)
        self._write_scope(msgspec.structs.replace(kept, rows=kept.rows + 1))
        return value

    def release_scope(self, scope: UUID, statement: Statement, opening: Json, proof: str) -> bytes:
        """The secret of a scope, on the release statement proven in a checkpoint signed here.

        Refuses another type, a statement or leaf of another scope, a leaf of another statement,
        a proof that fails, and a checkpoint below the policy's quorum.
        """
        kept = self._scope(scope)
        self._check_release(scope, statement, opening, proof)
        self._write_scope(msgspec.structs.replace(kept, releases=kept.releases + 1))
        return self._secret(kept)

    def counts(self, scope: UUID) -> dict[str, int]:
        """How often each call was answered for a scope."""
        kept = self._scope(scope)
        return {"subject_keys": kept.subject_keys, "rows": kept.rows, "releases": kept.releases}

    def _now(self, at: datetime | None) -> datetime:
        if self.rules.caller_clock and at is not None:
            return at
        return datetime.now(UTC)

    def _who(self, login: Statement, now: datetime, mandate: Statement | None) -> str:
        if login.type != LOGIN_TYPE:
            raise LoginRefused(f"expected a login statement, got a {login.type}")
        body = decode_body(login, _Login)
        age = now - parse_time(body.issued_at)
        if not -CLOCK_SKEW <= age <= LOGIN_AGE:
            raise LoginRefused(
                f"expected a login of the last {LOGIN_AGE}, got one issued at {body.issued_at}; "
                "log in again"
            )
        if self.rules.audience is not None and body.aud != self.rules.audience:
            raise LoginRefused(f"expected a login for {self.rules.audience}, got {body.aud!r}")
        if mandate is not None:
            return self._mandated(login, now, mandate)
        signers = certificate_signers(login, self.rules.anchors, now)
        if len(signers) != 1 or len(login.sigs) != 1:
            raise LoginRefused("expected exactly one signature, by a certificate; log in again")
        return signers[0].identifier

    def _mandated(self, login: Statement, now: datetime, mandate: Statement) -> str:
        """Who lets the login's key act for it; whether it was revoked the caller knows."""
        body = decode_body(mandate, _Mandate)
        since = parse_time(body.not_before)
        if not since <= now < parse_time(body.not_after):
            raise LoginRefused(f"expected a mandate for now, got one until {body.not_after}")
        givers = certificate_signers(mandate, self.rules.anchors, now)
        if [giver.identifier for giver in givers] != [body.uscc] or len(mandate.sigs) != 1:
            raise LoginRefused(f"expected a mandate signed by {body.uscc} alone, got another")
        if len(login.sigs) != 1 or login.sigs[0].alg != body.operator.alg:
            raise LoginRefused("expected exactly one signature, by the mandate's key")
        find_signature(login, body.operator.kid, unb64(body.operator.pk, 65))
        return body.uscc

    def _check_release(self, scope: UUID, statement: Statement, opening: Json, proof: str) -> None:
        leaf, shown = opening_from_json(opening), read_proof(proof)
        body, wanted = leaf.body, self.rules.release_type
        if statement.type != wanted or body.get("t") != wanted:
            raise ReleaseRefused(f"expected a {wanted} and its leaf, got a {statement.type}")
        if body.get("subject") != statement.sid:
            raise ReleaseRefused("the leaf names another statement than the one shown")
        if str(scope) not in statement.body.values() or str(scope) not in body.values():
            raise ReleaseRefused(f"the statement and its leaf are not about {scope}")
        self._check_place(leaf, shown)
        signed_at = time_from_ms(leaf.time_ms)
        anchors = self.rules.release_anchors
        if anchors and not certificate_signers(statement, anchors, signed_at):
            raise ReleaseRefused("the statement carries no signature by a certificate")

    def _check_place(self, leaf: LeafOpening, shown: LogProof) -> None:
        if leaf.index != shown.index or leaf.origin != self.origin:
            raise ReleaseRefused("the proof is for another leaf than the one shown")
        verify_log_signature(shown.note, read_key(self.vkey))
        if check_leaf(shown, leaf.leaf_hash).origin != self.origin:
            raise ReleaseRefused(f"expected a checkpoint of {self.origin}")
        policy = self.rules.policy
        if policy is not None:
            policy.check_log(shown.note)
            if not policy.is_met(policy.cosignatures(shown.note)):
                raise ReleaseRefused("not enough witnesses of the policy have seen the checkpoint")

    def _secret(self, kept: ScopeFile) -> bytes:
        sealed = unb64(kept.sealed)
        try:
            return self.storage.decrypt(sealed[:12], sealed[12:], kept.scope.encode())
        except (InvalidTag, ValueError):
            raise SignerStateLost(f"the secret of {kept.scope} was changed on disk") from None

    def _scope_path(self, scope: UUID) -> Path:
        return self.folder / SCOPE_FOLDER / f"{scope}.json"

    def _scope(self, scope: UUID) -> ScopeFile:
        path = self._scope_path(scope)
        if not path.exists():
            raise UnknownScope(f"no secret is kept for {scope}; it was never made here")
        kept = read_file(path, ScopeFile)
        if kept.scope != str(scope):
            raise SignerStateLost(f"the file of {scope} is that of another scope")
        return kept

    def _write_scope(self, kept: ScopeFile) -> None:
        write_durably(self._scope_path(UUID(kept.scope)), kept)

    def _write_head(self, head: HeadFile) -> None:
        write_durably(self.folder / HEAD_FILE, head)
        self.head = head
