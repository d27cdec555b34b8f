"""New rows on their way into the factors of a file: projected, coded, decoded and compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lplrcli.linalg.operands import Dense, dense_rows, scaled, stored_entries
from lplrcli.linalg.passes import Passes
from lplrcli.linalg.projection import least_squares
from lplrcli.model.compressed import Factorization, QuantizedFactor
from lplrcli.model.report import ErrorReport
from lplrcli.model.source import RowBlock
from lplrcli.pipeline.append.factor_growth import Continuation, continuation_of, extended
from lplrcli.pipeline.decode.factors import decode_factor
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.measure.error import (
    compare,
    distance,
    report_of,
    square_safe_exponent,
    summed,
)
from lplrcli.pipeline.predict import refusals
from lplrcli.runtime.parallel import ordered_map

_SLAB = 2**18
"""Entries of rows that are coded directly at a time, where chunks do not say."""


class Extension:
    """A matrix that rows are appended to.

    Parameters
    ----------
    passes : Passes
        The new rows; two are made.
    factorization : Factorization
        The matrix they follow.
    threads : int
        The result does not depend on it.
    thrift : float
        As for `lplrcli.pipeline.append.factor_growth.continuation_of`.

    Attributes
    ----------
    grown : Factorization
        The matrix, of which `code` completes one factor after another.
    """

    def __init__(
        self, passes: Passes, factorization: Factorization, threads: int, thrift: float
    ) -> None:
        self.passes = passes
        self.threads = threads
        self.thrift = thrift
        self.before = factorization.shape[0]
        rows, columns = passes.shape
        extent = passes.source.unfolding.array_shape[0]
        first, *rest = factorization.array_shape
        self.grown = replace(
            factorization,
            shape=(self.before + rows, columns),
            array_shape=(first + extent, *rest),
        )
        self._exponent = factorization.plan.exponent
        self._right, self._mean_row = (
            None if factor is None else decode_factor(factor, passes.dtype, threads=threads)
            for factor in (factorization.right, factorization.mean_row)
        )
        self._left = np.empty((0, rows), passes.dtype)
        self._mean_column: NDArray[Any] | None = None

    def code(self) -> tuple[ErrorReport, float]:
        """Code the new rows; the error of what they decode to, and its Frobenius norm."""
        self._project()
        scan = self.passes.scan()
        exponent = square_safe_exponent(scan, 0.0)
        if self.grown.residual is None:
            task = partial(
                compare,
                reconstruction=Reconstruction(self.grown, threads=self.threads),
                exponent=exponent,
                before=self.before,
            )
            squares, largest = summed(self.passes.map_stored("measurement", task, self._left))
        else:
            squares, largest = self._code_residual(self.grown.residual, exponent)
        report = report_of(squares, largest, scan, exponent)
        return replace(report, passes=self.passes.count), math.ldexp(math.sqrt(squares), exponent)

    def _project(self) -> None:
        """The first pass: mean column and left factor of the new rows, coded."""
        passes, factor, column = self.passes, self.grown.left, self.grown.mean_column
        operand = None
        if self._right is not None and len(self._right):
            operand = Dense(np.ascontiguousarray(self._right.T))
        task = partial(
            _projected,
            operand=operand,
            mean_row=self._mean_row,
            centered=column is not None,
            exponent=self._exponent,
        )
        parts = passes.scanned("projection", task)
        means = np.concatenate([mean for mean, _ in parts])
        if column is not None:
            column, decoded = extended(
                "mean_column", column, means[None], self.thrift, self.threads
            )
            self.grown = replace(self.grown, mean_column=column)
            self._mean_column = decoded[0]
        if factor is None or self._right is None:
            return
        fitted = self._left[: factor.components]
        if operand is not None:
            product = np.concatenate([part for _, part in parts]).T
            if self._mean_column is not None:
                # What was subtracted were the exact means.
                sums = self._right.sum(axis=1)
                product = product + np.multiply.outer(sums, means - self._mean_column)
            if not np.isfinite(product).all():
                raise refusals.out_of_scale(passes.source.name)
            fitted = least_squares(self._right, product)
        left, self._left = extended("left", factor, fitted, self.thrift, self.threads)
        self.grown = replace(self.grown, left=left)

    def _code_residual(self, residual: QuantizedFactor, exponent: int) -> tuple[float, float]:
        """The second pass: what the factors leave of each slab, coded, decoded and compared."""
        rows, columns = self.passes.shape
        by_columns = residual.length == self.before
        entries = rows if by_columns else rows * columns
        continuation = continuation_of("residual", residual, entries, self.thrift)
        height = max(1, _SLAB // columns)
        ends = continuation.ends if by_columns else [*range(height, rows, height), rows]
        reconstruction = Reconstruction(self.grown, threads=self.threads)
        task = partial(
            self._coded_slab, continuation, reconstruction, by_columns=by_columns, exponent=exponent
        )
        blocks = self.passes.map_stored("residual", _stored)
        codes: list[NDArray[Any]] = []
        distances: list[tuple[float, float]] = []
        for part, found in ordered_map(task, _slabs(blocks, ends), self.threads):
            codes.append(part)
            distances.append(found)
        finished = continuation.finished(codes, self.threads)
        self.grown = replace(self.grown, residual=finished)
        return summed(distances)

    def _coded_slab(
        self,
        continuation: Continuation,
        reconstruction: Reconstruction,
        slab: tuple[int, int, NDArray[Any]],
        by_columns: bool,
        exponent: int,
    ) -> tuple[NDArray[Any], tuple[float, float]]:
        """Codes of some rows of the residual, and how far what they decode to is off."""
        number, start, stored = slab
        stop = start + len(stored)
        left = self._left[:, start:stop]
        with np.errstate(over="ignore", invalid="ignore"):
            rest = scaled(stored.astype(self.passes.dtype, copy=False), -self._exponent)
            if self._mean_row is not None:
                rest = rest - self._mean_row
            if self._mean_column is not None:
                rest = rest - self._mean_column[start:stop, None]
            if self._right is not None:
                rest = rest - left.T @ self._right
        values = np.ascontiguousarray(rest.T) if by_columns else rest.reshape(1, -1)
        codes = continuation.quantize(number, values)
        found = continuation.decoded(codes, reconstruction.working)
        found = found.T.copy() if by_columns else found.reshape(stored.shape)
        decoded = reconstruction.combined(left, self.before + start, found)
        return codes, distance(stored, decoded, exponent)


def _projected(
    block: RowBlock,
    operand: Dense | None,
    mean_row: NDArray[Any] | None,
    centered: bool,
    exponent: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Means of the rows of a block, if they are stored, and ``A Rᵀ`` of what is left."""
    values = block.values
    means = np.zeros(values.shape[0], stored_entries(values).dtype)
    # What overflows here is noticed in the product.
    with np.errstate(over="ignore", invalid="ignore"):
        if mean_row is not None or centered:
            values = scaled(dense_rows(values, means.dtype), -exponent)
            if mean_row is not None:
                values = values - mean_row
            if centered:
                means = values.mean(axis=1, dtype=np.float64).astype(means.dtype)
                values = values - means[:, None]
            exponent = 0
        product = np.empty((values.shape[0], 0), means.dtype)
        if operand is not None:
            product = scaled(operand.multiply(values), -exponent)
    return means, product


def _stored(block: RowBlock) -> NDArray[Any]:
    """Rows of a block, dense, as they are stored."""
    return dense_rows(block.values, stored_entries(block.values).dtype)


def _slabs(
    blocks: Iterable[NDArray[Any]], ends: list[int]
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Number, first row and rows of each slab: the rows of the blocks, cut elsewhere."""
    waiting: list[NDArray[Any]] = []
    stream, held = iter(blocks), 0
    for number, (start, stop) in enumerate(pairwise([0, *ends])):
        while held < stop - start:
            waiting.append(next(stream))
            held += len(waiting[-1])
        joined = waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
        yield number, start, joined[: stop - start]
        waiting, held = [joined[stop - start :]], held - (stop - start)
    for _ in stream:  # to its end, so that the pass is known to be over
        pass
