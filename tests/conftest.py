"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Where a change is checked, the examples are the same every time; so many are enough then.
settings.register_profile("ci", settings.get_profile("ci"), max_examples=40)
if os.environ.get("CI"):
    settings.load_profile("ci")
