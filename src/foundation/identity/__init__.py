"""Who acts here: actors with their role, sessions, and the challenges that open them."""

from foundation.identity.actor import Actor, require

__all__ = ["Actor", "require"]
