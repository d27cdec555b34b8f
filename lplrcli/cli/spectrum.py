"""``lplr inspect --spectrum``: the energy of L R by mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lplrcli.cli import render
from lplrcli.errors import printable

if TYPE_CHECKING:
    from lplrcli.container.reader import Container

SHOWN = 20
"""Modes in a table, and the last one; JSON has all."""


def described(container: Container, i: int, threads: int | None) -> list[dict[str, Any]]:
    """Singular value and energy of every mode of matrix `i`, as `--json` prints them.

    Raises
    ------
    PlanError
        If the matrix was coded directly.
    ContainerError
        If its factors are damaged.
    """
    from threadpoolctl import threadpool_limits

    from lplrcli.pipeline.decode.factor_reader import FactorReader
    from lplrcli.pipeline.decode.singular_vectors import decoded_factors, decompose
    from lplrcli.runtime.parallel import usable_cpus

    factorization = container.factorization(i)
    name = container.path if container.count == 1 else f"{container.path}[{i}]"
    reader = FactorReader(factorization, threads or usable_cpus())
    # One thread in BLAS: the last digits do not depend on the number of processors.
    with threadpool_limits(1, "blas"):
        left, right = decoded_factors(factorization, reader, name)
        found = decompose(left, right, factorization.plan.exponent, name)
    shares = found.energy_shares
    # Of a matrix of zeros no mode has a share; JSON has no NaN.
    known = len(shares) > 0 and found.core_values[0] > 0
    return [
        {
            "mode": mode,
            "singular_value": float(value),
            "energy_share": float(share) if known else None,
            "cumulative_share": min(float(total), 1.0) if known else None,
        }
        for mode, (value, share, total) in enumerate(
            zip(found.singular_values, shares, shares.cumsum(), strict=True), start=1
        )
    ]


def print_spectra(documents: list[dict[str, Any]]) -> None:
    """Print a table of energy by mode for every matrix of every file."""
    for document in documents:
        for i, matrix in enumerate(document["matrices"]):
            several = len(document["matrices"]) > 1
            name = f"{document['path']}[{i}]" if several else document["path"]
            product = _product(matrix["factors"])
            render.print_lines(f"\n{_text(name, product, matrix['spectrum'])}")


def _product(factors: dict[str, Any]) -> str:
    """What the modes are of: L R, and what is not in it."""
    apart = [key.replace("_", " ") for key in ("mean_row", "mean_column") if key in factors]
    apart += ["residual"] if "residual" in factors else []
    return f"L R, without the {' and the '.join(apart)}," if apart else "L R"


def _text(name: str, product: str, modes: list[dict[str, Any]]) -> str:
    if not modes:
        return f"{printable(name)}: no modes, L R is zero"
    lines = [["mode", "singular value", "energy, %", "cumulative, %"]]
    lines += [_line(mode) for mode in modes[:SHOWN]]
    title = f"{printable(name)}: energy of {product} by mode"
    if len(modes) > SHOWN + 1:
        lines.append(["...", "", "", ""])
        title += f", the first {SHOWN} and the last of {len(modes)}; --json lists all"
    if len(modes) > SHOWN:
        lines.append(_line(modes[-1]))
    return f"{title}\n{render.aligned(lines, left=0)}"


def _line(mode: dict[str, Any]) -> list[str]:
    share, total = mode["energy_share"], mode["cumulative_share"]
    return [
        str(mode["mode"]),
        f"{mode['singular_value']:.6g}",
        "-" if share is None else f"{100 * share:.4g}",
        "-" if total is None else f"{100 * total:.6f}",
    ]
