"""The slow twin of every kernel and of the paper's methods, written from their definitions."""

from __future__ import annotations

import math
from functools import partial
from itertools import product

import numpy as np
from scipy.linalg import hadamard

# -- kernels/packing.py


def pack_codes(codes, bits):
    """The codes as digits of one little-endian integer, in whole bytes."""
    number = sum(int(code) << (bits * t) for t, code in enumerate(codes))
    return number.to_bytes((bits * len(codes) + 7) // 8, "little")


def unpack_codes(run, bits, count):
    number = int.from_bytes(run, "little")
    return [(number >> (bits * t)) % 2**bits for t in range(count)]


# -- kernels/quantization.py


def nearest_codes(values, scale, thresholds):
    """How many thresholds lie strictly below each value of unit scale, compared in float32."""
    with np.errstate(over="ignore"):  # infinity lies above every threshold, as it should
        unit = (np.asarray(values, np.float64) * (1.0 / scale)).astype(np.float32)
    return np.searchsorted(thresholds, unit, side="left")


def uniform_codes(values, low, step, top):
    values = np.asarray(values, np.float64)
    if step == 0:
        return np.zeros(values.shape, int)
    with np.errstate(over="ignore"):  # infinitely many steps above low, clipped to the last
        return np.clip(np.rint((values - low) / step), 0, top).astype(int)


def squared_error(values, codes, levels, scale):
    return sum(
        (float(v) - scale * float(levels[c])) ** 2 for v, c in zip(values, codes, strict=True)
    )


# -- kernels/hadamard.py


def hadamard_rows(rows):
    return rows.astype(np.float64) @ hadamard(rows.shape[1])


# -- kernels/sparse.py


def dense_of_csr(indptr, indices, data, columns):
    dense = np.zeros((len(indptr) - 1, columns))
    for i in range(len(indptr) - 1):
        for p in range(indptr[i], indptr[i + 1]):
            dense[i, indices[p]] += data[p]
    return dense


def csr_times_dense(indptr, indices, data, x):
    return dense_of_csr(indptr, indices, data, len(x)) @ x.astype(np.float64)


def csr_transposed_times_dense(indptr, indices, data, y, columns):
    return dense_of_csr(indptr, indices, data, columns).T @ y.astype(np.float64)


def csr_gram(indptr, indices, data, columns):
    dense = dense_of_csr(indptr, indices, data, columns)
    return dense.T @ dense


def csr_inner_product(indptr, indices, data, left, right):
    dense = dense_of_csr(indptr, indices, data, len(right))
    return float(np.sum(dense * (left.astype(np.float64) @ right.T.astype(np.float64))))


def sparse_sign_matrix(columns, signs, width):
    matrix = np.zeros((len(columns), width))
    for j, (places, values) in enumerate(zip(columns, signs, strict=True)):
        matrix[j, places] = values
    return matrix


def dense_times_sparse_sign(values, columns, signs, width):
    return values.astype(np.float64) @ sparse_sign_matrix(columns, signs, width)


# -- kernels/statistics.py


def sum_of_squares(values):
    return float(np.sum(np.asarray(values, np.float64) ** 2))


def squared_distance(first, second):
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(np.sum(difference**2)), float(np.abs(difference).max(initial=0.0))


# -- kernels/rans.py


TRELLIS_MACHINES = {
    3: (0o13 >> 1, 0o04 >> 1),
    4: (0o23 >> 1, 0o04 >> 1),
    5: (0o45 >> 1, 0o10 >> 1),
    6: (0o103 >> 1, 0o024 >> 1),
    7: (0o235 >> 1, 0o126 >> 1),
    8: (0o515 >> 1, 0o362 >> 1),
}
"""State bits v to (H0, H1): Ungerboeck's parity-check polynomials without their last digit."""


def rans_frequencies(weights):
    """Frequencies out of 4096 of tokens whose weights have these indices."""
    values = [w if w < 4 else (4 + w % 4) << (w // 4 - 1) for w in weights]
    found = [max(1, 4096 * v // sum(values)) if v else 0 for v in values]
    found[found.index(max(found))] += 4096 - sum(found)
    return found


def rans_read_tables(tables, components):
    """Machine, context, class of each component, context map and frequencies of each table."""

    def summed(part, lag):
        out = []
        for i, difference in enumerate(part):
            out.append((difference + (out[i - lag] if i >= lag else 0)) % 256)
        return out

    machine, context, classes, count = tables[:4]
    at = 4
    component_class = summed(tables[at : at + components], 1)
    at += components
    size = classes * (32 if context else 1) * (2 if machine else 1)
    table_of = summed(tables[at : at + size], 1)
    at += size
    frequencies = []
    for _ in range(count):
        listed = tables[at]
        frequencies.append(rans_frequencies(summed(tables[at + 1 : at + 1 + listed], 2)))
        at += 1 + listed
    assert at == len(tables)
    return machine, context, component_class, table_of, frequencies


def rans_token(k):
    """Token, number of extra bits and extra bits of a coded integer."""
    m = abs(k)
    bucket, count, extra = m, 0, 0
    if m >= 16:
        length = m.bit_length()
        bucket, count = 16 + 4 * (length - 5) + (m >> (length - 3)) % 4, length - 3
        extra = m % 2**count
    return (0 if m == 0 else 2 * bucket - (k < 0)), count, extra


def rans_integer(token, read):
    """The coded integer of a token; `read(n)` gives n extra bits."""
    bucket = (token + 1) // 2
    m = bucket
    if bucket >= 16:
        count = (bucket - 16) // 4 + 2
        m = (4 + bucket % 4 << count) + read(count)
    return -m if token % 2 else m


def rans_order(components, rows):
    """Component and row of the entries, in the order in which they are decoded."""
    for first in range(0, components, 4):
        for row in range(rows):
            for component in range(first, min(first + 4, components)):
                yield component, row


def rans_level(weight):
    """Half octave of a sum of magnitudes: 0, 1, then those from 2**(j / 2) on."""
    if weight < 2:
        return weight
    length = weight.bit_length()
    return min(2 * length - 2 + (weight >= 3 * 2 ** (length - 2)), 31)


def rans_level_around(before, grid, context=2):
    """Level of the entry that follows the entries `before` of a component, laid on `grid`."""
    width = grid[-1] if len(grid) > 1 else 2**62
    height = grid[-2] if len(grid) > 1 else 1

    def magnitude(plane, line, place):
        if plane < 0 or not 0 <= line < height or not 0 <= place < width:
            return 0
        return abs(int(before[(plane * height + line) * width + place]))

    plane, rest = divmod(len(before), width * height)
    line, place = divmod(rest, width)
    beside = (
        magnitude(plane, line, place - 1)
        + magnitude(plane, line - 1, place)
        + magnitude(plane - 1, line, place)
    )
    beyond = (
        magnitude(plane, line, place - 2)
        + magnitude(plane, line - 2, place)
        + magnitude(plane - 2, line, place)
        + magnitude(plane, line - 1, place - 1)
        + magnitude(plane, line - 1, place + 1)
        + magnitude(plane - 1, line, place - 1)
        + magnitude(plane - 1, line, place + 1)
        + magnitude(plane - 1, line - 1, place)
        + magnitude(plane - 1, line + 1, place)
    )
    weight = 2 * beside + beyond
    if context == 3:
        weight *= 2
        if before:
            weight += magnitude(plane // 2, line // 2, place // 2)
    if context == 4:
        weight *= 2
        if place > 0:
            weight += magnitude(plane, line, place // 2)
        if line > 0:
            weight += magnitude(plane, line // 2, place)
        if plane > 0:
            weight += magnitude(plane // 2, line, place)
    return rans_level(weight)


class RansWalk:
    """What encoder and decoder both know before an entry: its table, and what parity it has."""

    def __init__(self, tables, components, grid=(1,)):
        parts = rans_read_tables(tables, components)
        self.machine, self.context, self.classes, self.table_of, self.frequencies = parts
        self.states = [0] * 4
        self.grid = grid
        self.before = [[] for _ in range(components)]

    def union(self, component):
        return self.states[component % 4] % 2 if self.machine else 0

    def place(self, component):
        """Context of the next entry of a component."""
        if self.context >= 2:
            return rans_level_around(self.before[component], self.grid, self.context)
        if self.context == 1:
            b, a = [0, 0, *self.before[component]][-2:]
            t = 2 * a + b
            return min(abs(t).bit_length(), 15) + (16 if t < 0 else 0)
        return 0

    def table(self, component):
        contexts, unions = 32 if self.context else 1, 2 if self.machine else 1
        context = self.place(component)
        index = (self.classes[component] * contexts + context) * unions + self.union(component)
        return self.frequencies[self.table_of[index]]

    def integer(self, component, code):
        return (code - self.union(component)) // 2 if self.machine else code

    def code(self, component, k):
        return 2 * k + self.union(component) if self.machine else k

    def step(self, component, code):
        if self.machine:
            h0, h1 = TRELLIS_MACHINES[self.machine]
            state, k = self.states[component % 4], self.integer(component, code)
            after = (state >> 1) ^ (h0 if state % 2 else 0) ^ (h1 if k % 2 else 0)
            self.states[component % 4] = after
        self.before[component].append(code)


def rans_encode_chunk(codes, tables, grid=(1,)):
    """Payload of a chunk of coding ``rans`` (SPEC.md): codes (components, rows) of any integers.

    With a machine, every code has the parity that its state demands.
    """
    components, rows = codes.shape
    walk = RansWalk(tables, components, grid)
    # Forward: what to put, as (lane, slots below, slots taken, bits of a slot) or raw bits.
    puts = []
    for component, row in rans_order(components, rows):
        code, frequencies = int(codes[component, row]), walk.table(component)
        k = walk.integer(component, code)
        assert walk.code(component, k) == code, "a code of the wrong parity"
        token, count, extra = rans_token(k)
        assert frequencies[token] > 0, "a token that the table does not have"
        puts.append((component % 4, sum(frequencies[:token]), frequencies[token], 12))
        if count:
            puts.append((component % 4, extra % 2 ** min(count, 16), 1, min(count, 16)))
        if count > 16:
            puts.append((component % 4, extra >> 16, 1, count - 16))
        walk.step(component, code)
    # Backward: extra bits are symbols of frequency 1 out of 2**bits.
    states, words = [2**16] * 4, []
    for lane, start, frequency, bits in reversed(puts):
        x = states[lane]
        if x >= frequency << (32 - bits):
            words.append(x % 2**16)
            x >>= 16
        states[lane] = (x // frequency << bits) + x % frequency + start
    head = b"".join(x.to_bytes(4, "little") for x in states)
    return head + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def rans_decode_chunk(payload, tables, components, rows, grid=(1,)):
    """Codes of a chunk, int64 of shape (components, rows); ValueError for one that is damaged."""
    if len(payload) < 16 or len(payload) % 2:
        raise ValueError("length")
    states = [int.from_bytes(payload[4 * i : 4 * i + 4], "little") for i in range(4)]
    if min(states) < 2**16:
        raise ValueError("state")
    words = iter([int.from_bytes(payload[i : i + 2], "little") for i in range(16, len(payload), 2)])

    def refill(lane):
        if states[lane] < 2**16:
            word = next(words, None)
            if word is None:
                raise ValueError("words run out")
            states[lane] = states[lane] * 2**16 + word

    def raw(lane, count):
        value = states[lane] % 2**count
        states[lane] >>= count
        refill(lane)
        return value

    def extra_bits(lane, count):
        low = raw(lane, min(count, 16))
        return low + (raw(lane, count - 16) << 16 if count > 16 else 0)

    walk = RansWalk(tables, components, grid)
    codes = np.zeros((components, rows), np.int64)
    for component, row in rans_order(components, rows):
        lane, frequencies = component % 4, walk.table(component)
        slot = states[lane] % 4096
        token, start = 0, 0
        while slot >= start + frequencies[token]:
            start += frequencies[token]
            token += 1
        states[lane] = frequencies[token] * (states[lane] // 4096) + slot - start
        refill(lane)
        k = rans_integer(token, partial(extra_bits, lane))
        codes[component, row] = walk.code(component, k)
        walk.step(component, int(codes[component, row]))
    if states != [2**16] * 4 or next(words, None) is not None:
        raise ValueError("states or words left")
    return codes


# -- kernels/lifting.py


def split_line(line, factors, gains):
    """Low and high part of a line: odd and even entries get their neighbours in turn."""
    line = list(line)
    for step, factor in enumerate(factors):
        for i in range(1 - step % 2, len(line), 2):
            after = i + 1 if i + 1 < len(line) else i - 1
            line[i] += factor * (line[abs(i - 1)] + line[after])
    return [gains[0] * v for v in line[0::2]] + [gains[1] * v for v in line[1::2]]


# -- kernels/deadzone.py


def price_of(n, prices):
    """Price of an integer; beyond the table, that of its last one."""
    span = len(prices) // 2
    return float(prices[min(max(n, -span), span) + span])


def rough_codes(values, inverse):
    """Magnitudes in units, rounded at 0.6 instead of at one half."""
    return [
        [min(math.floor(abs(value * unit) + 0.4), 2**29 - 8) for value in row]
        for row, unit in zip(values.tolist(), inverse.tolist(), strict=True)
    ]


def deadzone_code(value, prices):
    """The nearest integer, halves to even, or its neighbour towards zero if that is cheaper."""
    nearest = round(value)
    if nearest == 0 or len(prices) == 1:
        return nearest
    towards = nearest - (1 if nearest > 0 else -1)

    def cost(n):
        return (value - n) ** 2 + price_of(n, prices)

    return towards if cost(towards) < cost(nearest) else nearest


def cell_offsets(values, codes):
    """How many codes have magnitude 1, 2 and more, and how far outside them the values lie."""
    counts, sums = [0] * 3, [0.0] * 3
    for value, code in zip(values, codes, strict=True):
        if code:
            cell = min(abs(code), 3) - 1
            counts[cell] += 1
            sums[cell] += (value - code) * (1 if code > 0 else -1)
    return counts, sums, sum((v - c) ** 2 for v, c in zip(values, codes, strict=True))


# -- kernels/trellis.py


def trellis_step(state, code, machine):
    """The state after a code, which must have the parity that the state demands."""
    h0, h1 = TRELLIS_MACHINES[machine]
    assert code % 2 == state % 2, "a code of the wrong parity"
    return (state >> 1) ^ (h0 if state % 2 else 0) ^ (h1 if (code - state % 2) // 2 % 2 else 0)


def trellis_candidates(value):
    """The nearest integer of each subset j + 4 Z, and the next one of it towards zero."""
    lowest = math.floor(value) - 1
    return [n + far for n in range(lowest, lowest + 4) for far in (0, -4 if value > 0 else 4)]


def trellis_states(codes, machine):
    """State after each component of a chunk: it goes on from one of a lane to the next."""
    states, lanes = [], [0] * 4
    for component, run in enumerate(codes):
        for code in run:
            lanes[component % 4] = trellis_step(lanes[component % 4], int(code), machine)
        states.append(lanes[component % 4])
    return states


def trellis_least_cost(path, machine, candidates, start=0, end=None):
    """Least sum of squared error and price over all ways of the machine from one state on.

    `path`: the coefficients in units, each with its table of prices. To any state, or to `end`.
    """
    least = {start: 0.0}
    for value, prices in path:
        priced = [(n, (value - n) ** 2 + price_of(n, prices)) for n in candidates(value)]
        reached = {}
        for state, so_far in least.items():
            for n, cost in priced:
                if n % 2 == state % 2:
                    after = trellis_step(state, n, machine)
                    reached[after] = min(reached.get(after, math.inf), so_far + cost)
        least = reached
    return min(least.values()) if end is None else least[end]


def trellis_cost(path, machine, codes, start=0, end=None):
    """What the codes cost; they obey the machine, which starts, and may have to end, in a state."""
    state, total = start, 0.0
    for (value, prices), code in zip(path, codes, strict=True):
        state = trellis_step(state, int(code), machine)
        total += (value - int(code)) ** 2 + price_of(int(code), prices)
    assert end is None or state == end, "another state than the one to end in"
    return total


# -- kernels/substitution.py


def substituted_codes(values, units, tables, reach, codes):
    """The nearest codes that tables know in the place of those they do not; None if there is none.

    `tables` and `codes`, of all rows of a chunk, as SPEC.md has them; `values` of its last rows.
    Candidates as far away on either side are compared by what they cost, the lower one first.
    """
    codes = np.array(codes, np.int64)
    components, rows = codes.shape
    first, stride = rows - values.shape[1], 4 if tables[0] else 1
    for component in range(components):
        for row in range(rows):
            # A walk of its own for every entry: states of lanes do not depend on substitutes.
            walk = RansWalk(tables, components)
            for i in range(component % 4, component, 4):
                for code in codes[i]:
                    walk.step(i, int(code))
            for code in codes[component, :row]:
                walk.step(component, int(code))
            table = walk.table(component)

            def known(code, walk=walk, table=table, component=component):
                token = rans_token(walk.integer(component, code))[0]
                return token < len(table) and table[token] > 0

            code = int(codes[component, row])
            if row < first or known(code):
                continue
            value = float(values[component, row - first]) / units[component]
            found = [
                min(near, key=lambda other, value=value: (value - other) ** 2)
                for step in range(1, reach + 1)
                if (near := [n for n in (code - step * stride, code + step * stride) if known(n)])
            ]
            if not found:
                return None
            codes[component, row] = found[0]
    return codes


# -- the paper's methods (arXiv 2310.11028, section 5; design/ALGORITHM.md, section 1)


def quantize_uniform(x, bits):
    """Q_B: 2**B levels spread over [min, max] of the whole tensor, nearest level."""
    x = np.asarray(x, np.float64)
    low, high = x.min(), x.max()
    step = (high - low) / (2**bits - 1)
    return low + step * uniform_codes(x, low, step, 2**bits - 1)


def refit(left, a, bits):
    """Q_B'(argmin_W ‖L W − A‖)."""
    return quantize_uniform(np.linalg.lstsq(left, a, rcond=None)[0], bits)


def lplr(a, sketch, bits, bits_right):
    left = quantize_uniform(a @ sketch, bits)
    return left @ refit(left, a, bits_right)


def lsvd(a, rank, bits, bits_right):
    u, s, _ = np.linalg.svd(a, full_matrices=False)
    left = quantize_uniform(u[:, :rank] * s[:rank], bits)
    return left @ refit(left, a, bits_right)


def dsvd(a, rank, bits, bits_right):
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    right = quantize_uniform(s[:rank, None] * vt[:rank], bits_right)
    return quantize_uniform(u[:, :rank], bits) @ right


def relative_error(a, decoded):
    a, decoded = np.asarray(a, np.float64), np.asarray(decoded, np.float64)
    norm = np.linalg.norm(a)
    return float(np.linalg.norm(a - decoded) / norm) if norm else 0.0


# -- planning/bit_allocation.py


def expected_error(energies, depths, distortion):
    """Sum of σ² (1 − (1 − c)(1 − c')); components without depths are dropped."""
    depths = [*depths, *[(0, 0)] * (len(energies) - len(depths))]
    return sum(
        e * (1 - (1 - distortion[b]) * (1 - distortion[c]))
        for e, (b, c) in zip(energies, depths, strict=True)
    )


def best_allocation(energies, left_cost, right_cost, table_cost, budget, distortion, most):
    """Least expected error over all choices of depths up to `most`, one component at a time."""
    pairs = [(0, 0), *product(range(1, most + 1), repeat=2)]
    cost = np.array([0, *[left_cost[b] + right_cost[c] + table_cost for b, c in pairs[1:]]])
    loss = np.array([1 - (1 - distortion[b]) * (1 - distortion[c]) for b, c in pairs])
    # least[m]: least error of the components so far within m bytes.
    least = np.zeros(budget + 1)
    for energy in energies:
        grown = np.full(budget + 1, np.inf)
        for c, weight in zip(cost, loss, strict=True):
            if c <= budget:
                grown[c:] = np.minimum(grown[c:], least[: budget + 1 - c] + energy * weight)
        least = grown
    return float(least[budget])
