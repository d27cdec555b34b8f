"""Who maps the blocks: the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import batched, pairwise
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
