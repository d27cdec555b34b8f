"""The registry of codings."""

from __future__ import annotations

from lplrcli.coding import CODINGS, PackedCoding, RansCoding


def test_every_coding_of_the_format_is_there():
    assert CODINGS["packed"] is PackedCoding
    assert CODINGS["rans"] is RansCoding
    assert len(CODINGS) == 2
