"""Kept entries as the model has them."""

from __future__ import annotations

import pickle

from lplr_samples import kept

from lplrcli.runtime.lazy_sequence import LazySequence


class Lazily(LazySequence[bytes]):
    """Chunks that are made on access, as those of an open file."""

    def __len__(self):
        return 2

    def _element(self, at):
        return bytes([at])


def test_held_entries_can_be_pickled():
    made = kept("sparse", step=0.5)
    entries = made.kept.__class__(**vars(made.kept) | {"chunks": Lazily()})
    assert entries.held().chunks == [b"\0", b"\1"]
    assert pickle.loads(pickle.dumps(made.held())).kept == made.kept
    assert entries.sparse and not kept().kept.sparse
