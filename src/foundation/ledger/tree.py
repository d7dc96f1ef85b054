"""The hash tree of RFC 6962: roots, inclusion and consistency proofs, and their strict checks.

Pure: nodes come in as values, proofs go out as values. A *node* is (level, index): the hash of
the 2^level leaves from index * 2^level on; only complete nodes are ever stored.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from foundation.problems import Invalid

HASH_LENGTH: Final = 32
LARGEST_TREE: Final = 2**63 - 1

Node: TypeAlias = tuple[int, int]
Range: TypeAlias = tuple[int, int]


class BadProof(Invalid):
    """The proof does not fit the tree."""

    code = "bad-proof"


def hash_leaf(leaf: bytes) -> bytes:
    """The leaf hash: the prefix 0x00 keeps a leaf from passing for a node (RFC 6962 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children (prefix 0x01)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; the root of nothing is SHA-256 of nothing."""
    # One pass with a stack of complete nodes: no recursion, no slices of slices.
    stack: list[bytes] = []
    for count, leaf in enumerate(leaf_hashes, start=1):
        top = leaf
        # As many complete nodes merge as the count ends in zero bits.
        for _ in range((count & -count).bit_length() - 1):
            top = hash_node(stack.pop(), top)
        stack.append(top)
    return fold(stack)


def fold(nodes: Sequence[bytes]) -> bytes:
    """The root over complete nodes in falling size, left to right."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for left in reversed(nodes[:-1]):
        root = hash_node(left, root)
    return root


def nodes_of(part: Range) -> list[Node]:
    """The complete nodes, left to right, that make up a range of leaves of a tree.

    The range must begin where a node of the tree begins, as all ranges of proofs do.
    """
    begin, end = part
    nodes: list[Node] = []
    while begin < end:
        fitting = (end - begin).bit_length() - 1
        if begin:
            fitting = min(fitting, (begin & -begin).bit_length() - 1)
        nodes.append((fitting, begin >> fitting))
        begin += 1 << fitting
    return nodes


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges of leaves whose roots are the inclusion proof, from the leaf's sibling upwards."""
    if not 0 <= index < size:
        raise BadProof(f"expected an index below the tree size {size}, got {index}")
    begin, end, ranges = 0, size, list[Range]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    ranges.reverse()
    return ranges


def consistency_ranges(old_size: int, size: int) -> list[Range]:
    """The ranges whose roots prove that the tree of `size` extends the one of `old_size`.

    Empty for equal sizes and for an old size of 0, where there is nothing to prove.
    """
    if not 0 <= old_size <= size:
        raise BadProof(f"expected an old size of at most {size}, got {old_size}")
    if old_size in (0, size):
        return []
    begin, end, ranges = 0, size, list[Range]()
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    # The old tree's own last node is known to the verifier only when it is the whole old tree.
    if begin:
        ranges.append((begin, end))
    ranges.reverse()
    return ranges


def hash_range(part: Range, hashes: Mapping[Node, bytes]) -> bytes:
    """The root of a range from its complete nodes; refuses when a node is missing."""
    try:
        return fold([hashes[node] for node in nodes_of(part)])
    except KeyError as missing:
        raise BadProof(f"expected the node {missing.args[0]} of the tree, got none") from None


def new_nodes(
    size: int, leaf_hashes: Sequence[bytes], edge: Mapping[Node, bytes]
) -> dict[Node, bytes]:
    """All complete nodes that appear when leaves are appended to a tree of `size` leaves.

    `edge` holds the complete nodes of the old tree (`nodes_of((0, size))`).
    """
    nodes: dict[Node, bytes] = {}
    level, begin, row = 0, size, list(leaf_hashes)
    while row:
        nodes.update(((level, begin + offset), value) for offset, value in enumerate(row))
        if begin & 1:
            # The left sibling of the first new node is the last complete node of the old row.
            begin -= 1
            row.insert(0, edge[level, begin])
        row = [hash_node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        level, begin = level + 1, begin >> 1
    return nodes


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that a leaf and its inclusion proof lead to.

    Refuses an index outside the tree, a hash that is not 32 bytes, and a proof that is not
    exactly as long as this index and size need.
    """
    if not 0 < size <= LARGEST_TREE:
        raise BadProof(f"expected a tree of at least one leaf, got size {size}")
    if not 0 <= index < size:
        raise BadProof(f"expected an index below the tree size {size}, got {index}")
    _refuse_lengths([leaf_hash, *proof])
    inner, border = _inner_border(index, size)
    if len(proof) != inner + border:
        raise BadProof(f"expected a proof of {inner + border} hashes, got {len(proof)}")
    value = _climb(leaf_hash, proof[:inner], index)
    for left in proof[inner:]:
        value = hash_node(left, value)
    return value


def check_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Refuses unless the proof shows the leaf at this index of the tree with this root."""
    _refuse_lengths([root])
    if root_from_inclusion(leaf_hash, index, size, proof) != root:
        raise BadProof(f"the proof of leaf {index} does not lead to the root of size {size}")


def check_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Refuses unless the tree (`size`, `root`) only appends to the tree (`old_size`, `old_root`).

    An old size of 0 proves nothing (any tree extends the empty one) and is refused, so that a
    caller has to decide that case by itself.
    """
    if not 0 < old_size <= size <= LARGEST_TREE:
        raise BadProof(f"expected 0 < old size <= size, got {old_size} and {size}")
    _refuse_lengths([old_root, root, *proof])
    if old_size == size:
        if proof or old_root != root:
            raise BadProof(f"two different trees of one size {size}, or a proof where none belongs")
        return
    shift = (old_size & -old_size).bit_length() - 1
    inner, border = _inner_border(old_size - 1, size)
    inner -= shift
    # A complete old tree is its own first node; otherwise the proof begins with that node.
    whole = old_size == 1 << shift
    start = 0 if whole else 1
    if len(proof) != start + inner + border:
        raise BadProof(f"expected a proof of {start + inner + border} hashes, got {len(proof)}")
    seed = old_root if whole else proof[0]
    below, above = proof[start : start + inner], proof[start + inner :]
    if _old_root(seed, below, above, (old_size - 1) >> shift) != old_root:
        raise BadProof(f"the proof does not lead to the old root of size {old_size}")
    value = _climb(seed, below, (old_size - 1) >> shift)
    for left in above:
        value = hash_node(left, value)
    if value != root:
        raise BadProof(f"the proof does not lead to the root of size {size}")


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _inner_border(index: int, size: int) -> tuple[int, int]:
    """How many hashes lie below the point where the paths to `index` and the last leaf meet,
    and how many above it on the left border."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climb(value: bytes, siblings: Sequence[bytes], index: int) -> bytes:
    for step, sibling in enumerate(siblings):
        right_child = index >> step & 1
        value = hash_node(sibling, value) if right_child else hash_node(value, sibling)
    return value


def _old_root(value: bytes, below: Sequence[bytes], above: Sequence[bytes], index: int) -> bytes:
    for left in _left_siblings(below, index):
        value = hash_node(left, value)
    for left in above:
        value = hash_node(left, value)
    return value


def _left_siblings(siblings: Sequence[bytes], index: int) -> Iterator[bytes]:
    return (sibling for step, sibling in enumerate(siblings) if index >> step & 1)


def _refuse_lengths(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_LENGTH:
            raise BadProof(f"expected hashes of {HASH_LENGTH} bytes, got one of {len(value)}")
