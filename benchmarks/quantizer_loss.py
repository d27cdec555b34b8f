"""What the quantizers lose against the rate-distortion bound, in coded bytes.

Usage: python benchmarks/quantizer_loss.py [--coefficients N] [--model]

Normal coefficients of several deviations are quantized and coded as one component. Bits are those
of the coded chunk and its tables; the loss is what they exceed ``1/2 log2(variance / error)`` by.
The limit is 0.10 bits from 0.7 to 5 bits, for every number of states. `--model` prints the table
of `lplrcli/planning/rate_model.py`: 8 states, four steps an octave, from deviation 1/2 on.
"""

from __future__ import annotations

import argparse
import math
import sys

import numpy as np

from lplrcli.pipeline.encode.coefficients import CoefficientCoder, code_coefficients
from lplrcli.quantize import SteppedQuantizer
from lplrcli.transform.component_layout import Layout

LIMIT, LOW, HIGH = 0.10, 0.7, 5.0


def coded(values: np.ndarray, deviation: float, state_bits: int) -> tuple[float, float]:
    """Bits per coefficient, and squared error over variance."""
    scaled = (values * deviation).astype(np.float32)
    quantizer = SteppedQuantizer(1.0, np.zeros(1, np.int64))
    layout = Layout("identity", scaled.shape[1:])
    coder = CoefficientCoder(quantizer, np.array([deviation]), state_bits, layout)
    result = code_coefficients([scaled], [scaled], coder, 2)
    factor = result.factor(2, scaled.shape[1])
    size = sum(len(chunk) for chunk in factor.chunks) + len(factor.tables)
    decoded = result.decoded(np.dtype(np.float64))
    error = float(np.mean((decoded - scaled) ** 2)) / float(np.mean(scaled.astype(float) ** 2))
    return 8 * size / scaled.size, error


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--coefficients", type=int, default=200_000)
    parser.add_argument("--model", action="store_true", help="print the rate model's table")
    options = parser.parse_args()
    values = np.random.default_rng(0).standard_normal((1, options.coefficients))
    if options.model:
        for octave in np.arange(-1, 3.01, 0.25):
            bits, error = coded(values, 2.0**octave, 3)
            print(f"{octave:5.2f}  {bits:.4f}  {error * 4.0**octave:.4f}")
        return 0
    print("| deviation / unit | " + " | ".join(
        ["scalar", *(f"{2**bits} states" for bits in range(3, 9))]) + " |")  # fmt: skip
    print("|--:|" + "---|" * 7)
    worst = 0.0
    for deviation in (0.8, 1.0, 1.5, 2.0, 4.0, 8.0, 16.0):
        cells = []
        for state_bits in (0, *range(3, 9)):
            bits, error = coded(values, deviation, state_bits)
            loss = bits - 0.5 * math.log2(1 / error)
            cells.append(f"{bits:.2f} bits, loss {loss:.3f}")
            if state_bits and LOW <= bits <= HIGH:
                worst = max(worst, loss)
        print(f"| {deviation:g} | " + " | ".join(cells) + " |", flush=True)
    print(f"\nlargest loss of a trellis from {LOW} to {HIGH} bits: {worst:.3f} (limit {LIMIT})")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
