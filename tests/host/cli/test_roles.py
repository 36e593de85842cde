"""What the command lines of the two roles change of a session's parameters."""

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


def test_maps_of_bb84_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="maps must be 0 with bb84"):
        with_options(SessionParameters(protocol="bb84", estimate_bits=0), None, maps=True)
