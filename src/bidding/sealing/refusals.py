"""Refusals of the sealing protocol, each with the code of the specification.

`SealFailed` and its reasons are the only way in which decryption fails; no other error leaves
this package for bytes that came from outside.
"""

from enum import StrEnum

from foundation.problems import Conflict, Invalid, NotAllowed


class NotSealed(Invalid):
    """This file is not encrypted (未加密). Seal it first; the bytes were deleted."""

    code = "E_MAGIC"


class Truncated(Invalid):
    """The sealed file is cut off. Send it again or seal it again."""

    code = "E_TRUNCATED"


class Trailing(Invalid):
    """The sealed file has bytes after its end. Send it again or seal it again."""

    code = "E_TRAILING"


class BadHeaderSize(Invalid):
    """The sealed file is damaged: its header has an impossible size."""

    code = "E_HEADER_SIZE"


class BadWrapsSize(Invalid):
    """The sealed file is damaged: its wraps have an impossible size."""

    code = "E_WRAPS_SIZE"


class BadLength(Invalid):
    """The lengths stated in the sealed file do not agree."""

    code = "E_LENGTH_FORMULA"


class Empty(Invalid):
    """The sealed file holds nothing."""

    code = "E_EMPTY"


class BadWraps(Invalid):
    """The keys in the sealed file do not fit this lot's opening keys."""

    code = "E_WRAPS"


class WrongSuite(Conflict):
    """The file was sealed with another suite than the lot's. Seal again."""

    code = "E_SUITE"


class WrongPolicy(Conflict):
    """The file was sealed under another policy than the lot's. Seal again."""

    code = "E_POLICY"


class WrongOpeningKeys(Conflict):
    """The file was sealed for other opening keys than those in force. Seal again."""

    code = "E_OPENING_KEYS"


class WrongTender(Conflict):
    """The file was sealed for another tender."""

    code = "E_TENDER"


class WrongLot(Conflict):
    """The file was sealed for another lot."""

    code = "E_LOT"


class WrongRound(Conflict):
    """The file was sealed for another round of the lot."""

    code = "E_ROUND"


class WrongVolumes(Invalid):
    """The bid must contain exactly the volumes that the documents ask for."""

    code = "E_VOLUMES"


class ManifestMismatch(Invalid):
    """The signed list does not agree with the uploaded files."""

    code = "E_MANIFEST_MISMATCH"


class WrongPart(Conflict):
    """This part arrived changed. It will be sent again."""

    code = "E_PART_HASH"


class WrongTree(Invalid):
    """This is not the file that the receipt names."""

    code = "E_TREE"


class NotIndependent(Invalid):
    """The members of the opening keys are not independent."""

    code = "E_INDEPENDENCE"


class WrongB(Invalid):
    """This key does not fit the sealed file."""

    code = "E_B"


class WrongShare(Invalid):
    """A released share does not fit its commitment."""

    code = "E_SHARE"


class ReleaseIncomplete(Invalid):
    """A release must contain every envelope for which you said ok."""

    code = "E_RELEASE_INCOMPLETE"


class BadRecoveryCode(Invalid):
    """The recovery code was mistyped or belongs to something else."""

    code = "recovery-code"


class BadPackage(Invalid):
    """The package breaks the limits for packages."""

    code = "package-bad"


class FileTaken(Conflict):
    """There is already a file of that name."""

    code = "file-exists"


class NotPostponed(Conflict):
    """A later version of the schedule changes times only, to later ones, before the old ones."""

    code = "not-postponed"


class SealerRefuses(NotAllowed):
    """The sealing client does not seal with what it was given."""

    code = "sealer-refuses"


class MemberRefuses(NotAllowed):
    """The member's client does not answer this question."""

    code = "member-refuses"


class OpeningUnproven(NotAllowed):
    """The closing is not proven: nothing was released."""

    code = "opening-unproven"


class TooEarly(NotAllowed):
    """The hour of the opening has not come: nothing was released."""

    code = "too-early"


class Reason(StrEnum):
    """Why something could not be unsealed."""

    UNWRAP = "unwrap"
    COMMITMENT = "commitment"
    CHUNK = "chunk"
    LENGTH = "length"
    KEY = "key"


class SealFailed(Invalid):
    """The sealed content does not open."""

    code = "sealed-wrong"

    def __init__(self, reason: Reason, message: str = "") -> None:
        super().__init__(message or f"the sealed content does not open: {reason.value}")
        self.reason = reason
