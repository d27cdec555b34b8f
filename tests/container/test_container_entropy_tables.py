"""Tables of coding ``rans``, checked before a chunk is decoded, against the slow twin."""

from __future__ import annotations

import re

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rans_samples import Tables, differences, tables_for

from lplrcli.container import entropy_tables
from lplrcli.errors import CorruptSectionError
from lplrcli.runtime.format_files import format_folder

SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")


@st.composite
def all_tables(draw):
    components = draw(st.integers(1, 9))
    machine = draw(st.sampled_from([0, 3, 4, 5, 6, 7, 8]))
    classes = draw(st.integers(1, 255))
    context = draw(st.integers(0, 1))
    weights = st.lists(st.integers(0, 47), max_size=230)
    lists = draw(st.lists(st.tuples(weights, st.integers(1, 47)), min_size=1, max_size=4))
    lists = [[*head, last] for head, last in lists]
    size = classes * (32 if context else 1) * (2 if machine else 1)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    tables = Tables(
        machine, context, rng.integers(0, classes, components).tolist(),
        rng.integers(0, len(lists), size).tolist(), lists, classes=classes,
    )  # fmt: skip
    return tables, components


@settings(deadline=None)
@given(all_tables())
def test_tables_mean_the_same_to_the_check_and_to_the_slow_twin(drawn):
    tables, components = drawn
    quantizer = "trellis" if tables.machine else "deadzone"
    expected = [naive.rans_frequencies(weights) for weights in tables.weights]
    assert [entropy_tables.frequencies(bytes(w)) for w in tables.weights] == expected
    raw = tables.build()

    def read():
        return entropy_tables.check_rans_tables(raw + b"side", components, quantizer, "left")

    if any(max(f) < 1 or min(f) < 0 or f[-1] < 1 for f in expected):
        with pytest.raises(CorruptSectionError, match="frequency"):
            read()
        return
    assert read() == len(raw)
    assert all(sum(f) == 4096 for f in expected)
    machine, context, class_of, table_of, found = naive.rans_read_tables(raw, components)
    assert (machine, context) == (tables.machine, tables.context)
    assert (class_of, table_of, found) == (tables.class_of, tables.table_of, expected)


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 9), st.sampled_from(["deadzone", "trellis"]))
def test_arbitrary_tables_are_read_or_refused(raw, components, quantizer):
    for head in (b"", bytes([3, 0, 1, 1]), bytes([0, 1, 2, 2])):
        try:
            size = entropy_tables.check_rans_tables(head + raw, components, quantizer, "left")
        except CorruptSectionError:
            continue
        naive.rans_read_tables((head + raw)[:size], components)


@given(st.binary(max_size=99), st.sampled_from([1, 2]))
def test_differences_are_undone(raw, lag):
    assert entropy_tables.undo_differences(differences(raw, lag), lag) == raw


def test_weights_are_those_of_the_specification():
    listed = [entropy_tables.weight(w) for w in range(48)]
    assert listed[:15] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24]
    assert listed[47] == 7168 and listed == sorted(set(listed))


def test_the_machines_are_made_of_the_polynomials_that_the_specification_names():
    rows = {
        name: [int(cell) for cell in re.search(rf"\n\| {name} \|(.*)\|\n", SPEC)[1].split("|")]
        for name in ("v", "H0", "H1")
    }
    found = dict(zip(rows["v"], zip(rows["H0"], rows["H1"], strict=True), strict=True))
    assert found == naive.TRELLIS_MACHINES
    assert tuple(found) == entropy_tables.MACHINES["trellis"]


def test_many_components_are_checked_fast():
    tables = tables_for(100_000, classes=3)
    assert entropy_tables.check_rans_tables(tables, 100_000, "deadzone", "left") == len(tables)
