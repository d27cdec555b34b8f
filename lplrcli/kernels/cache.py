"""Machine code of the kernels, kept on disk from run to run where that is possible.

Numba keeps it, and takes for granted that there is a folder to write to and that what it reads
there is whole. Here no kernel depends on either. Where nothing can be kept, kernels are compiled
for one run; what is damaged is compiled again and replaced; both are said once.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.misc.appdirs import AppDirs

from lplrcli.errors import printable

_log = logging.getLogger(__name__)
_said: set[str] = set()

_DIGEST_BYTES = hashlib.sha256().digest_size


def keep_machine_code(dispatcher: Any) -> None:
    """Let a compiled function load its machine code from disk, and save it there if it can.

    Parameters
    ----------
    dispatcher : numba.core.dispatcher.Dispatcher
        What `numba.njit` made of a function of a module.
    """
    try:
        dispatcher._cache = _Cache(dispatcher.py_func)
    except Exception as error:  # no folder can be written to, or the path of the module is no text
        _say_not_kept(error)


class _CheckedFiles(IndexDataCacheFile):
    """The files of one function: machine code with its key and a digest.

    Numba writes the index first. If the disk is full then, an index of today may name a file of
    long ago, with machine code for other types; and files that a loss of power has cut, or filled
    with zeros, have the right name too.
    """

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def load(self, key: Any) -> Any:
        found = super().load(key)
        return found[1] if found is not None and found[0] == key else None

    def remove(self) -> None:
        """Forget all that was kept; files of machine code are overwritten when it is made anew."""
        os.unlink(self._index_path)  # noqa: PTH108 - as Numba has it

    def _dump(self, obj: Any) -> bytes:
        data: bytes = super()._dump(obj)
        return data + hashlib.sha256(data).digest()  # what follows a pickle is not read

    def _load_data(self, name: str) -> Any:
        data = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(data[:-_DIGEST_BYTES]).digest() != data[-_DIGEST_BYTES:]:
            raise ValueError(f"{name} is damaged")
        return super()._load_data(name)


class _Locations(CompileResultCacheImpl):
    """The folders that may be taken: not one in the home of a user who has none.

    Numba would create a folder named ``~`` in the working folder.
    """

    _locator_classes = [  # noqa: RUF012 - as the class above has it
        each
        for each in CompileResultCacheImpl._locator_classes
        if Path(AppDirs(appname="numba", appauthor=False).user_cache_dir).is_absolute()
        or not each.__name__.endswith(("UserWideCacheLocator", "ZipCacheLocator"))
    ]


class _Cache(FunctionCache):
    """Numba's cache, of which no failure ends a command."""

    _impl_class = _Locations

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file: _CheckedFiles = _CheckedFiles(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was kept for these types, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # unpickling bytes that are no pickle may raise anything
            _say_once(
                f"damaged {self._cache_path}",
                f"the machine code of kernels in {self._cache_path} is damaged: it is compiled "
                "again and replaced",
            )
        try:
            self._cache_file.remove()
        except OSError as error:
            _say_not_kept(error)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for these types, if there is room for it."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # the disk is full, or what is there cannot be replaced
            _say_not_kept(error)


def _say_not_kept(error: Exception) -> None:
    reason = error.strerror if isinstance(error, OSError) else None
    _say_once(
        "not kept",
        "the machine code of kernels cannot be kept"
        f"{f' ({reason})' if reason else ''}, and is compiled for this run alone; set "
        "NUMBA_CACHE_DIR to a folder that you may write to",
    )


def _say_once(which: str, text: str) -> None:
    if which not in _said:
        _said.add(which)
        _log.warning("lplr: %s", printable(text))
