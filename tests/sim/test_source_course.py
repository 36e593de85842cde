"""A source whose g² changes follows its course, and a course that cannot be read is refused."""

import pytest

from hexkey.errors import ConfigurationError
from hexkey_sim.link import OpticalLink, preset
from hexkey_sim.source_course import Change, ChangingSource, parse_changes


def test_changes_are_in_order_of_time() -> None:
    assert parse_changes(["8:0.2", "2.5:0.95"]) == (Change(2.5, 0.95), Change(8.0, 0.2))
    assert parse_changes([]) == ()


@pytest.mark.parametrize("spec", ["", "5", "5:", ":0.5", "5:1.1", "-1:0.5", "5:nan", "nan:0.5"])
def test_what_is_no_change_is_refused(spec: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the change .* of g2 cannot be read"):
        parse_changes([spec])


def test_the_source_changes_when_it_is_due() -> None:
    link = preset("table-ii").at_source(0.2).link(1)
    assert isinstance(link, OpticalLink)
    source = ChangingSource(link, parse_changes(["0.01:0.9", "0.02:0.1"]))
    second = link.parameters.pulse_rate_hz
    course = []
    for _ in range(6):
        source.advance(second // 200)
        course.append(link.parameters.g2)
    assert course == [0.2, 0.2, 0.9, 0.9, 0.1, 0.1]


def test_more_pairs_are_emitted_from_then_on() -> None:
    """Photons of a pulse: two with g² μ²/2."""
    link = preset("table-ii").at_source(0.1).link(1)
    two = link.parameters.photon_probabilities[1]
    ChangingSource(link, [Change(0.0, 0.8)]).advance(1_000)
    assert link.parameters.photon_probabilities[1] == pytest.approx(8 * two)
