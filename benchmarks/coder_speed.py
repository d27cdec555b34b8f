"""Speed of trellis search and entropy coder, in nanoseconds per coefficient and core.

Usage: python benchmarks/coder_speed.py [--coefficients N] [--runs N]

One thread, medians of several runs in turn. Beside ours: the range and ANS coders of
`constriction`, with the same integer frequencies, and what each makes of the same codes. Limits:
100 ns for the search with 8 states, 15 ns for decoding, 1 % in bytes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import constriction
import numpy as np

from lplrcli.coding import RansCoding
from lplrcli.pipeline.encode.coefficients import (
    CodedCoefficients,
    CoefficientCoder,
    code_coefficients,
)
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

SEARCH_LIMIT, DECODE_LIMIT, SIZE_LIMIT = 100.0, 15.0, 1.01
COMPONENTS = 8


def timed(calls: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of each call; all are run in turn, after once unmeasured."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(measured) for name, measured in seconds.items()}


def coded_with(values: np.ndarray, state_bits: int) -> tuple[CoefficientCoder, CodedCoefficients]:
    """Coefficients of equal deviation, so that one class and two tables suffice."""
    quantizer = SteppedQuantizer(1.0, np.zeros(len(values), np.int64))
    layout = Layout("identity", values.shape[1:])
    deviations = np.full(len(values), float(values.std()))
    coder = CoefficientCoder(quantizer, deviations, state_bits, layout)
    return coder, code_coefficients([values], [values], coder, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--coefficients", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    rows = options.coefficients // COMPONENTS
    values = 2 * np.random.default_rng(0).standard_normal((COMPONENTS, rows), np.float32)
    failed = False

    print("| search | ns per coefficient |\n|---|--:|")
    coders = {0: "scalar"} | {bits: f"{2**bits} states" for bits in range(3, 9)}
    calls = {name: _quantize(values, bits) for bits, name in coders.items()}
    for name, seconds in timed(calls, options.runs).items():
        print(f"| {name} | {seconds / values.size * 1e9:.0f} |")
        failed |= name == "8 states" and seconds / values.size * 1e9 > SEARCH_LIMIT

    print("\n| entropy coder | encode, ns | decode, ns | bytes |\n|---|--:|--:|--:|")
    _, result = coded_with(values, 3)
    factor = result.factor(1, rows)
    ours = RansCoding.of(factor)
    payload = factor.chunks[0]
    # The tokens of one table are enough for the peer: it has no contexts.
    codes = result.codes[0]
    tokens, frequencies = _tokens(codes, ours)
    models = [
        constriction.stream.model.Categorical(part / part.sum(), perfect=False)
        for part in frequencies
    ]

    def encode_peer() -> Any:
        ans = constriction.stream.stack.AnsCoder()
        for part, model in zip(tokens, models, strict=True):
            ans.encode_reverse(part, model)
        return ans.get_compressed()

    words = encode_peer()

    def decode_peer() -> None:
        ans = constriction.stream.stack.AnsCoder(words)
        for part, model in zip(tokens[::-1], models[::-1], strict=True):
            ans.decode(model, len(part))

    seconds = timed(
        {
            "encode": lambda: ours.encode_chunk(codes),
            "decode": lambda: ours.decode_chunk(payload, rows),
            "peer encode": encode_peer,
            "peer decode": decode_peer,
        },
        options.runs,
    )
    per = {name: value / values.size * 1e9 for name, value in seconds.items()}
    print(f"| ours | {per['encode']:.1f} | {per['decode']:.1f} | {len(payload)} |")
    print(
        f"| constriction, ANS | {per['peer encode']:.1f} | {per['peer decode']:.1f} "
        f"| {4 * len(words)} |"
    )
    ratio = len(payload) / (4 * len(words))
    print(f"\nours / constriction in bytes: {ratio:.4f} (limit {SIZE_LIMIT})")
    failed |= per["decode"] > DECODE_LIMIT or ratio > SIZE_LIMIT
    return int(failed)


def _quantize(values: np.ndarray, state_bits: int) -> Callable[[], Any]:
    coder, _ = coded_with(values[:, :1000], state_bits)
    return lambda: coder.quantize(values, 1)


def _tokens(codes: np.ndarray, coding: RansCoding) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Tokens of each union, and the frequencies of its table."""
    model = coding.model
    if model.context or len(model.table_map) > 1:
        sys.exit("the codes were given contexts or classes; choose another number of coefficients")
    out, tables = [], []
    for union in range(model.unions):
        q = codes[codes % 2 == union].astype(np.int64)
        k = (q - union) // 2
        out.append(np.where(k > 0, 2 * k, np.where(k < 0, -2 * k - 1, 0)).astype(np.int32))
        frequencies = model.frequencies[model.table_map[0, 0, union]]
        used = int(np.flatnonzero(frequencies)[-1]) + 1
        tables.append(np.maximum(frequencies[:used].astype(np.float64), 1e-9))
    return out, tables


if __name__ == "__main__":
    sys.exit(main())
