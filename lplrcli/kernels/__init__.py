"""The Numba kernels: inner loops over single entries, and nothing else.

Every kernel releases the interpreter lock and works on one chunk or one block of rows; the
caller's threads run many at a time. So the same bytes come out for any number of threads, and no
second thread pool competes with the first. Machine code is cached on disk at the first call.
Each kernel's slow twin is in tests/naive.py.
"""
