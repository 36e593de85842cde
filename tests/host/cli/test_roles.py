"""What the command lines of the two roles change of a session's parameters."""

from dataclasses import replace

import pytest

from hexkey.cli.roles import with_options
from hexkey.errors import ConfigurationError
from hexkey.session.parameters import SessionParameters

GIVEN = SessionParameters(block_bits=5_000, maps=1)


def test_what_is_not_given_changes_nothing() -> None:
    assert with_options(GIVEN, None, maps=False) == GIVEN
    assert with_options(SessionParameters(), None, maps=False) == SessionParameters()


def test_options_are_above_the_configuration() -> None:
    found = with_options(SessionParameters(), 9_000, maps=True)
    assert (found.block_bits, found.maps) == (9_000, 1)


def test_maps_are_for_both_protocols_and_with_b92_for_a_sample() -> None:
    bb84 = SessionParameters(protocol="bb84", estimate_bits=0)
    assert with_options(bb84, None, maps=True) == replace(bb84, maps=1)
    with pytest.raises(ConfigurationError, match="maps need estimate_bits"):
        with_options(SessionParameters(estimate_bits=0), None, maps=True)
