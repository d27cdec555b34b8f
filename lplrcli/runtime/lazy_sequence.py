"""Sequences whose elements are read or made when they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

Element = TypeVar("Element")


class LazySequence(Sequence[Element]):
    """A sequence of which a subclass gives the length and `_element`; slices are lazy too."""

    @abstractmethod
    def _element(self, at: int) -> Element:
        """Element `at`, which is at least 0 and less than the length."""

    @overload
    def __getitem__(self, at: int) -> Element: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Element]: ...
    def __getitem__(self, at: int | slice) -> Element | Sequence[Element]:
        places = range(len(self))[at]
        return _Some(self, places) if isinstance(places, range) else self._element(places)


class _Some(LazySequence[Element]):
    def __init__(self, whole: LazySequence[Element], places: range) -> None:
        self._whole = whole
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def _element(self, at: int) -> Element:
        return self._whole._element(self._places[at])
