"""What the proofs share."""

import pytest

from hexkey_sim.formal import MISSING_PROVER, prover_is_missing

needs_prover = pytest.mark.skipif(prover_is_missing(), reason=MISSING_PROVER)
