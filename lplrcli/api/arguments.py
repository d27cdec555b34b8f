"""Numbers that functions are given: taken as what they are, or refused by name."""

from __future__ import annotations

import math
import operator
from typing import Any

from lplrcli.errors import PlanError


def whole(name: str, value: Any) -> int | None:
    """Return a whole number, or None, as Python's own type.

    Parameters
    ----------
    name : str
        What it is called, for the message.
    value : int, numpy.integer, float or None
        A float has no fraction: ``20e6`` is a size.

    Raises
    ------
    PlanError
        It is a bool, has a fraction, or is no number.

    Examples
    --------
    >>> whole("size", 20e6)
    20000000
    """
    if value is None:
        return None
    if not _is_bool(value):
        try:
            return operator.index(value)
        except TypeError:
            number = _as_float(value)
            if number is not None and number.is_integer():
                return int(number)
    raise _refused(name, value, "a whole number")


def integer(name: str, value: Any) -> int | None:
    """Return what counts axes or points of a grid, or None; a float does not, and no bool.

    Raises
    ------
    TypeError
        It is of another type.

    Examples
    --------
    >>> integer("unfold", 2)
    2
    """
    if value is None:
        return None
    if _is_bool(value) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is not an integer: found {value!r}")
    return operator.index(value)


def real(name: str, value: Any) -> float | None:
    """Return a real number, or None, as Python's own type.

    Parameters
    ----------
    name : str
        What it is called, for the message.
    value : int, float, numpy.number or None
        NaN and infinity are numbers too.

    Raises
    ------
    PlanError
        It is a bool, or no number.

    Examples
    --------
    >>> real("rel_error", 1)
    1.0
    """
    if value is None:
        return None
    number = None if _is_bool(value) else _as_float(value)
    if number is None:
        raise _refused(name, value, "a number")
    return number


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


def _as_float(value: Any) -> float | None:
    """Convert a number, and nothing that only looks like one, such as a text."""
    if isinstance(value, (str, bytes, bytearray)) or (
        not hasattr(value, "__float__") and not hasattr(value, "__index__")
    ):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):  # an array of several numbers
        return None


def _refused(name: str, value: Any, expected: str) -> PlanError:
    found = repr(value)
    return PlanError(f"{name} is not {expected}", found=found, expected=expected)
