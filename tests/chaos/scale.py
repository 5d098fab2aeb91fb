"""How hard the fault suite tries: a short form in every test run, the whole in `make chaos` (CHAOS=full)."""

import os

import pytest

FULL = os.environ.get("CHAOS") == "full"
SEEDS = 200 if FULL else 20
INPUTS = 100_000 if FULL else 2_000

only_in_full = pytest.mark.skipif(not FULL, reason="takes minutes: make chaos")
