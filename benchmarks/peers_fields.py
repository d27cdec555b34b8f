"""Compressors of fields on grids, each on every view of a matrix: SZ3, zfp and SPERR.

Used by `snapshots.py`; see `peers.py`, which has the coders of zfp and SZ3, and
`peers_families.py` on how settings are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from peers import Cell, Decoded, Sz3, Zfp
from peers_families import Family, FieldPeer, Values


class FieldSz3(FieldPeer):
    """SZ3 with each of its predictors on every view, absolute error bounds."""

    FINE = Sz3.FINE

    def _bound(self, k: int) -> float:
        return self.task.rms * 2 ** (-k / self.FINE)

    def _code(self, predictor: str, values: Values, setting: int) -> tuple[int, Decoded]:
        from pysz import sz

        encoded = Sz3.encode(values, predictor, self._bound(setting))
        return len(encoded), sz.decompress(encoded, np.float32, values.shape)[0]

    def families(self) -> Iterator[Family]:
        """Bounds from twice the root mean square of the entries downwards."""
        settings = range(-self.FINE, 20 * self.FINE + 1)
        # Where bounds are large, sizes and errors jump: small arrays are tried closely.
        far = self.field.far
        stride = self.FINE // 16 if far == 1 else far * self.FINE // 4
        for view in self.field.views:
            for predictor in Sz3.PREDICTORS:
                name, code = f"{predictor}, bound ", partial(self._code, predictor)
                yield Family(view, name, code, lambda k: f"{self._bound(k):.4g}", settings, stride)


class FieldZfp(FieldPeer):
    """zfp in its three lossy modes on every view."""

    @staticmethod
    def _code(mode: str, values: Values, setting: int) -> tuple[int, Decoded]:
        import zfpy

        setting = -setting if mode == "tolerance" else setting
        size = len(Zfp.encode(values, mode, setting, header=False))
        return size, zfpy.decompress_numpy(Zfp.encode(values, mode, setting, header=True))

    def families(self) -> Iterator[Family]:
        """All tolerances, precisions and rates there are."""
        top = int(np.ceil(np.log2(np.abs(self.task.matrix).max())))
        powers, far = range(-top - 6, 31 - top), self.field.far
        for view, values in self.field.views.items():
            entries = 4**values.ndim
            # A block needs 9 bits at least; zfpy ends the process below.
            rates = range(9, 32 * entries + 1)
            for mode, name, text, settings, stride in (
                ("tolerance", "tolerance 2^", lambda k: f"{-k}", powers, max(1, far // 4)),
                ("precision", "precision ", str, range(1, 33), far // 3 + 1),
                ("rate", f"bits of {entries} entries ", str, rates, far * entries // 16),
            ):
                yield Family(view, name, partial(self._code, mode), text, settings, stride)


class Sperr(FieldPeer):
    """SPERR, by its HDF5 filter, with a quality, an error bound or a rate, on every view.

    The array is one chunk, and its stored bytes are the size.
    """

    FINE = 64
    # The coder is the same in every view: one that is so far behind never catches up.
    HOPELESS = 2

    @staticmethod
    def _store(values: Values, mode: str, value: float) -> tuple[int, Decoded]:
        import h5py
        import hdf5plugin

        # The filter takes the first axis to run fastest; swap tells it that the last one does.
        options = hdf5plugin.Sperr(swap=True, **{mode: value})
        # Without a cache, which would hand back small chunks as they were before coding.
        with h5py.File("sperr.h5", "w", driver="core", backing_store=False, rdcc_nbytes=0) as file:
            stored = file.create_dataset(
                "field", data=values, chunks=values.shape, compression=options
            )
            file.flush()
            return stored.id.get_storage_size(), stored[...]

    def _value(self, mode: str, k: int) -> float:
        if mode == "absolute":
            return self.task.rms * 2 ** (-k / self.FINE)
        return float(2 ** (k / self.FINE)) if mode == "rate" else 6.02 * k / self.FINE

    def _code(self, mode: str, values: Values, setting: int) -> tuple[int, Decoded]:
        return self._store(values, mode, self._value(mode, setting))

    def families(self) -> Iterator[Family]:
        """Decibels from 12 to 150, bounds down to a millionth, rates up to 32 bits."""
        for view in reversed(self.field.views):
            for mode, name, low, high in (
                ("peak_signal_to_noise_ratio", "peak ratio ", 2, 25),
                ("absolute", "bound ", -1, 20),
                ("rate", "rate ", -8, 5),
            ):
                text = partial(lambda mode, k: f"{self._value(mode, k):.4g}", mode)
                settings = range(low * self.FINE, high * self.FINE)
                code = partial(self._code, mode)
                yield Family(view, name, code, text, settings, self.field.far * self.FINE // 4)

    def best(self, budget: int) -> Cell | None:
        """Least error in at most `budget` bytes; also the rate that fills them."""
        found = super().best(budget)
        if found is None:
            return None
        views = reversed(self.field.views)
        view = next(view for view in views if found.settings.startswith(f"{view} "))
        self.fill(view, budget)
        return super().best(budget)

    def fill(self, view: str, budget: int) -> None:
        """Try rates on a view until one just fits."""
        bits = 8 * budget
        # What a chunk adds is a few bytes, nearly the same for near rates; rates are 2^-16 apart.
        unit = self.task.matrix.size // 2**16 + 1
        for _ in range(4):
            cell = self.tried(f"{view} {bits} bits", view, partial(self._filled, bits))
            if cell.size <= budget:
                break
            bits -= 8 * (cell.size - budget) + unit

    def _filled(self, bits: int, values: Values) -> tuple[int, Decoded]:
        return self._store(values, "rate", bits / values.size)
