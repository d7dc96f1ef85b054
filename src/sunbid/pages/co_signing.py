"""The page where a member of a consortium signs the list of the joint bid.

The list comes in a file from the lead and is read by the page's script alone: the platform learns
of it when the phone is asked, and keeps that encrypted under the id of the code.
"""

from dataclasses import dataclass

from sunbid.pages.elements import Crumb, words


@dataclass(frozen=True, slots=True, kw_only=True)
class CoSignView:
    """Who signs here, and the code that the phone has signed, once there is one."""

    uscc: str
    name: str
    # An operator has a mandate for acts of its own company; a list takes the licence itself.
    is_operator: bool
    is_demo: bool
    challenge: str | None

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """Where this page stands."""
        return (
            Crumb(label=words("bid.list_title"), href="/bids"),
            Crumb(label=words("joint.sign_title")),
        )
