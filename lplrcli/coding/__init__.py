"""Codings: integer codes to bytes and back, one chunk at a time.

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
    """What a class of this package provides to a decoder."""

    @classmethod
    def of(cls, factor: QuantizedFactor) -> Coding:
        """The coding of a factor, with its tables."""
        ...

    def decode_chunk(self, payload: bytes, rows: int) -> Sequence[NDArray[Any]] | NDArray[Any]:
        """Codes of each component, given the bytes of a chunk."""
        ...


CODINGS: dict[str, type[Coding]] = {"packed": PackedCoding, "rans": RansCoding}
