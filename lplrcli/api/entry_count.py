"""``c.size``: a number of entries, which once was the report on sizes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from lplrcli.model.report import SizeReport


class EntryCount(int):
    """Number of entries of an array; attributes of the report on its size are deprecated here."""

    _report: Callable[[], SizeReport]

    @classmethod
    def of(cls, entries: int, report: Callable[[], SizeReport]) -> EntryCount:
        """Count `entries`, with a function that gives the report to those who ask for it here."""
        count = cls(entries)
        count._report = report
        return count

    @property
    def file_bytes(self) -> int:
        """Deprecated: `CompressedMatrix.size_report` has it."""
        return self._told("file_bytes").file_bytes

    @property
    def bits_per_coordinate(self) -> float:
        """Deprecated: `CompressedMatrix.size_report` has it."""
        return self._told("bits_per_coordinate").bits_per_coordinate

    @property
    def compression_ratio(self) -> float:
        """Deprecated: `CompressedMatrix.size_report` has it."""
        return self._told("compression_ratio").compression_ratio

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)

    def _told(self, name: str) -> SizeReport:
        warnings.warn(
            f"size.{name} is deprecated: take size_report.{name}", DeprecationWarning, stacklevel=3
        )
        return self._report()
