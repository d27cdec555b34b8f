"""What the package promises as a package: it starts fast, and its format is documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import lplrcli
from lplrcli.coding import CODINGS
from lplrcli.linalg.sketching import _OPERATORS
from lplrcli.model.compressed import KLT
from lplrcli.model.plan import METHODS, SKETCHES
from lplrcli.quantize import QUANTIZERS
from lplrcli.runtime.format_files import format_folder
from lplrcli.transform import TRANSFORMS

SPECIFICATION = (format_folder() / "SPEC.md").read_text(encoding="utf-8")
HEAVY = {"numpy", "numba", "h5py", "scipy", "ml_dtypes"}


def imported_by(code, *arguments):
    """Top-level packages in a fresh interpreter after running `code`."""
    script = f"{code}\nimport sys; print('imported', *{{m.split('.')[0] for m in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("imported "))
    return set(line.split()[1:])


RUN = """
import sys
import lplrcli.__main__
from lplrcli.cli.main import run
try:
    run()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
"""


def test_importing_the_package_imports_nothing_heavy():
    assert not imported_by("import lplrcli; lplrcli.__version__; lplrcli.errors") & HEAVY


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_command_line_starts_without_anything_heavy(option):
    assert not imported_by(RUN, option) & HEAVY


def test_slicing_and_multiplying_do_not_wait_for_numba(tmp_path):
    path = tmp_path / "a.lplr"
    lplrcli.compress(np.array([[1.0, 2.0], [3.0, 4.0]]), 1).save(path)
    code = "import sys, lplrcli\nwith lplrcli.open(sys.argv[1]) as c: c[:]; c @ [1.0, 2.0]"
    assert not imported_by(code, str(path)) & {"numba", "h5py", "scipy"}


def test_public_names_are_there():
    for name in lplrcli.__all__:
        assert getattr(lplrcli, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lplrcli.nonsense  # noqa: B018


def section(title):
    """Text of a second-level section of SPEC.md."""
    return re.search(rf"^## {title}\n(.*?)(?=^## )", SPECIFICATION, re.M | re.S).group(1)


def registered(kind):
    """Names in a row of the table under "Registries"."""
    row = re.search(rf"^\| {kind} \|(.*)\|$", section("Registries"), re.M).group(1)
    return set(re.findall(r"`([^`]+)`", row))


TABLES = {"Quantizers": QUANTIZERS, "Codings": CODINGS, "Transforms": [*TRANSFORMS, KLT]}


@pytest.mark.parametrize("title", TABLES)
def test_every_key_has_a_section_in_the_specification(title):
    documented = set(re.findall(r"^### `([^`]+)`$", section(title), re.M))
    assert documented == set(TABLES[title])


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("quantizers", QUANTIZERS), ("codings", CODINGS), ("transforms", [*TRANSFORMS, KLT]),
        ("methods", METHODS), ("sketches", SKETCHES), ("sketches", _OPERATORS),
    ],
)  # fmt: skip
def test_every_key_is_registered(kind, names):
    assert registered(kind) == set(names)


def test_the_schema_names_what_the_specification_registers():
    schema = (format_folder() / "metadata.schema.json").read_text()
    json.loads(schema)
    for kind in ("quantizers", "codings", "transforms", "methods", "sketches", "dtypes", "bases"):
        for name in registered(kind):
            assert f'"{name}"' in schema, f"{name} of {kind}"
