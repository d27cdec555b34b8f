"""Arrays in zip archives, mapped: where they lie plainly, or from a temporary file."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from lplrcli.errors import InputError
from lplrcli.io.files.seekable import spooled
from lplrcli.io.formats.magic import ZIP_MAGIC
from lplrcli.io.formats.npy_header import NpyHeader, read_header
from lplrcli.io.handles.mapped import map_array
from lplrcli.io.handles.unfolding import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature; lengths of name and extra field
_ENCRYPTED = 1
_METHODS = {
    zipfile.ZIP_STORED: "stored",
    zipfile.ZIP_DEFLATED: "deflate",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "LZMA",
}
if hasattr(zipfile, "ZIP_ZSTANDARD"):
    _METHODS[zipfile.ZIP_ZSTANDARD] = "zstd"
_NOT_READ = {9: "deflate64", 93: "zstd", 95: "xz", 98: "PPMd"}


class NpyArchive:
    """The .npy members of a zip archive.

    Parameters
    ----------
    file : binary file
        File of the file system.
    zipped : zipfile.ZipFile
        The archive in it.
    name : str
        Name of the archive, for messages.

    Attributes
    ----------
    members : dict of str to zipfile.ZipInfo
        By their names without ``.npy``.
    """

    def __init__(self, file: BinaryIO, zipped: zipfile.ZipFile, name: str) -> None:
        self.name = name
        self._file = file
        self._zipped = zipped
        self.members = {
            info.filename.removesuffix(".npy"): info
            for info in zipped.infolist()
            if info.filename.endswith(".npy")
        }

    def name_of(self, member: str) -> str:
        """What to call a member in messages."""
        return f"{self.name}:{shorten(member)}"

    def header(self, member: str) -> NpyHeader:
        """Header of the array in a member.

        Raises
        ------
        InputError
            It is damaged, or compressed in a way that is not read.
        """
        info = self._checked(member)
        with self._zipped.open(info) as stream:
            return read_header(stream, info.file_size, self.name_of(member))

    @contextmanager
    def plain(self, member: str) -> Iterator[tuple[BinaryIO, int, int]]:
        """Yield a file that holds the bytes of a member plainly, where they begin, how many.

        The archive itself where the member is stored; then its checksum is not looked at.
        Otherwise a temporary file, which it is inflated to and checked on the way. Nothing is
        inflated whose header does not account for it to the byte.

        Raises
        ------
        NotAMatrixError
            It holds Python objects.
        InputError
            The member is damaged.
        """
        info = self._checked(member)
        if info.compress_type == zipfile.ZIP_STORED:
            yield self._file, self._data_offset(info), info.file_size
            return
        name = self.name_of(member)
        self.header(member).check_size(info.file_size, name)
        # ZipExtFile gives no more than the size checked, and raises where the sum is wrong.
        with self._zipped.open(info) as stream, spooled(stream, name) as copy:
            yield copy, 0, copy.seek(0, 2)

    def array(self, member: str) -> NDArray[Any]:
        """Map the array of a member, of any shape; read-only.

        Raises
        ------
        NotAMatrixError
            It holds Python objects.
        InputError
            The member is damaged.
        """
        name = self.name_of(member)
        with self.plain(member) as (file, begin, size):
            file.seek(begin)
            header = read_header(file, size, name)
            header.check_size(size, name)
            array, _ = map_array(
                file, header.stored, header.shape, begin + header.offset, header.fortran_order
            )
            return array

    def _checked(self, member: str) -> zipfile.ZipInfo:
        info = self.members[member]
        if info.flag_bits & _ENCRYPTED:
            raise InputError("the member is encrypted", path=self.name_of(member))
        if info.compress_type not in _METHODS:
            known = _NOT_READ.get(info.compress_type)
            raise InputError(
                "the member is compressed in a way that is not read here",
                path=self.name_of(member),
                found=f"method {info.compress_type}" + (f" ({known})" if known else ""),
                expected=", ".join(_METHODS.values()),
                advice="Save it again with numpy.savez or numpy.savez_compressed.",
            )
        return info

    def _data_offset(self, info: zipfile.ZipInfo) -> int:
        """Where the bytes of a stored member begin."""
        self._file.seek(info.header_offset)
        raw = self._file.read(_LOCAL_HEADER.size)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(raw)
        begin: int = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if (
            signature != ZIP_MAGIC
            or info.compress_size != info.file_size
            or begin + info.file_size > self._zipped.start_dir
        ):
            raise zipfile.BadZipFile(f"the place of {info.filename} in it is wrong")
        return begin
