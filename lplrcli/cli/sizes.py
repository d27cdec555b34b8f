"""Sizes in bytes, as the command line takes them."""

from __future__ import annotations

import re
from decimal import Decimal

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(k|m|g|ki|mi|gi|)b?", re.IGNORECASE)


def parse_size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Bytes of ``4096``, ``20k`` or ``1.5Mi``, rounded down.

    Raises
    ------
    click.BadParameter
        If `value` is not of that form, or less than a byte.
    """
    if value is None:
        return None
    match = _SIZE.fullmatch(value.strip())
    count = int(Decimal(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if count < 1:
        raise click.BadParameter(
            f"{value!r} is not a size: write a number of bytes, or one with k, M, G (1000s) "
            "or Ki, Mi, Gi (1024s).",
            ctx,
            param,
        )
    return count
