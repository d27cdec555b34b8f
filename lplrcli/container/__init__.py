"""Reading and writing of ``.lplr`` files: `reader.open_container` and `writer.write_container`.

The normative text is ``formats/lplr/SPEC.md``. Opening a file and reading its metadata needs no
NumPy, and reads nothing but the header, the index and the sections asked for.
"""
