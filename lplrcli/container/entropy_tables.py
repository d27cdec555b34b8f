"""Tables of coding ``rans``: checked to the last rule before a chunk is decoded (SPEC.md, rans).

In plain Python, so that opening a file needs neither NumPy nor the decoder.
"""

from __future__ import annotations

from itertools import accumulate

from lplrcli.container.quantizer_parameters import refuse
from lplrcli.model.rans_constants import TOKENS, TOTAL

HEAD = 4
"""Bytes: machine, context, number of classes, number of tables."""

MACHINES = {"deadzone": (0,), "trellis": (3, 4, 5, 6, 7, 8)}
"""State bits of the trellis machine that each quantizer may name; 0 for none."""

CONTEXTS = {0: 1, 1: 32, 2: 32, 3: 32, 4: 32}
"""Contexts that each value of the field ``context`` distinguishes."""

WEIGHTS = 48

MOST_COUNTED = 255
"""Classes, and tables, that a byte can count."""


def weight(index: int) -> int:
    """Return the weight with this index: 0 to 3, then four in each octave."""
    return index if index < 4 else (4 + (index & 3)) << ((index >> 2) - 1)


def frequencies(weights: bytes) -> list[int]:
    """Frequencies of the tokens, out of `TOTAL`, given the indices of their weights.

    Some weight must not be zero. The greatest frequency takes up what rounding leaves; where
    that makes it less than 1, the weights are not ones that a file may hold.
    """
    values = [weight(index) for index in weights]
    whole = sum(values)
    found = [max(1, TOTAL * value // whole) if value else 0 for value in values]
    greatest = found.index(max(found))
    found[greatest] += TOTAL - sum(found)
    return found


def longest_tables(components: int) -> int:
    """Return how many bytes the tables of a factor may be, whatever is in them."""
    maps = MOST_COUNTED * max(CONTEXTS.values()) * 2
    return HEAD + components + maps + MOST_COUNTED * (1 + TOKENS)


def check_rans_tables(content: bytes, components: int, quantizer: str, factor: str) -> int:
    """Check the tables of coding ``rans`` and return how many bytes of `content` they are.

    Parameters
    ----------
    content : bytes
        The tables, and whatever follows them.
    components : int
        Of the factor.
    quantizer : str
        Of the factor: it decides about the machine.
    factor : str
        ``left``, ``right`` or ``residual``, for messages.

    Raises
    ------
    CorruptSectionError
        A field is outside its range, or missing.
    """
    machine, context, classes, count = _take(content, 0, HEAD, factor)
    if machine not in MACHINES[quantizer]:
        allowed = MACHINES[quantizer]
        refuse(factor, "machine", machine, f"{allowed[0]} to {allowed[-1]} with {quantizer}")
    if context not in CONTEXTS:
        refuse(factor, "context", context, "0 to 4")
    for name, number in (("classes", classes), ("tables", count)):
        if (number == 0) != (components == 0):
            refuse(factor, name, number, "at least 1" if components else 0)
    at = HEAD
    _check_below(_take(content, at, components, factor), classes, "class", factor)
    at += components
    size = classes * CONTEXTS[context] * (2 if machine else 1)
    _check_below(_take(content, at, size, factor), count, "context map", factor)
    at += size
    for number in range(count):
        (listed,) = _take(content, at, 1, factor)
        if not 1 <= listed <= TOKENS:
            refuse(factor, f"tokens in table {number}", listed, f"1 to {TOKENS}")
        _check_weights(_take(content, at + 1, listed, factor), number, factor)
        at += 1 + listed
    return at


def undo_differences(stored: bytes, lag: int = 1) -> bytes:
    """Sums mod 256 of bytes that were stored as differences from those `lag` before."""
    found = bytearray(len(stored))
    for start in range(lag):
        found[start::lag] = bytes(total & 255 for total in accumulate(stored[start::lag]))
    return bytes(found)


def _check_below(stored: bytes, bound: int, field: str, factor: str) -> None:
    greatest = max(undo_differences(stored), default=0)
    if stored and greatest >= bound:
        refuse(factor, field, greatest, f"at most {bound - 1}")


def _check_weights(stored: bytes, number: int, factor: str) -> None:
    weights = undo_differences(stored, lag=2)
    if max(weights) >= WEIGHTS:
        refuse(factor, f"weight in table {number}", max(weights), f"at most {WEIGHTS - 1}")
    if weights[-1] == 0:
        refuse(factor, f"last weight in table {number}", 0, "at least 1")
    found = min(f for f, index in zip(frequencies(weights), weights, strict=True) if index)
    if found < 1:
        refuse(factor, f"frequency in table {number}", found, "at least 1")


def _take(content: bytes, at: int, size: int, factor: str) -> bytes:
    part = content[at : at + size]
    if len(part) < size:
        refuse(factor, "length of tables", f"{len(content)} bytes", f"at least {at + size}")
    return part
