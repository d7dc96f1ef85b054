"""What is wrong with a key."""

from foundation.problems import Invalid


class KeyUnusable(Invalid):
    """This key cannot be used here."""

    code = "key-unusable"
