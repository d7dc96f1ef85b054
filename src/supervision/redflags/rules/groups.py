"""Bidders that a relation ties together, directly or through one another."""

from collections.abc import Iterable


def tied(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The groups that the pairs form, each sorted, in the order of their first member."""
    groups: list[set[str]] = []
    for a, b in pairs:
        touched = [group for group in groups if a in group or b in group]
        groups = [group for group in groups if group not in touched]
        groups.append({a, b}.union(*touched))
    return tuple(sorted(tuple(sorted(group)) for group in groups))
