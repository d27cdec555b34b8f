"""Codings, which turn integer codes into bytes and back, one chunk at a time.

A coding is a class in a file of its own, named once in `CODINGS`; the key is stored in the file
and described in SPEC.md, section "Codings".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.coding.packed import PackedCoding
from lplrcli.coding.rans import RansCoding
from lplrcli.model.compressed import QuantizedFactor

__all__ = ["CODINGS", "Coding", "PackedCoding", "RansCoding"]


class Coding(Protocol):
    """Protocol of a coding, as a decoder uses it."""

    @classmethod
    def of(cls, factor: QuantizedFactor) -> Coding:
        """Build the coding of a factor from its parameters."""
        ...

    def decode_chunk(self, payload: bytes, rows: int) -> Sequence[NDArray[Any]] | NDArray[Any]:
        """Decode the bytes of a chunk of `rows` rows to the codes of each component."""
        ...


CODINGS: dict[str, type[Coding]] = {"packed": PackedCoding, "rans": RansCoding}
