"""Eavesdroppers from words, and her notes against the truth."""

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey_sim.eve.intercept_resend import InterceptResend
from hexkey_sim.eve.knowledge import Guesses, knowledge
from hexkey_sim.eve.specification import FORMS, parse_eve
from hexkey_sim.eve.time_shift import TimeShift
from hexkey_sim.eve.unambiguous import UnambiguousDiscrimination
from hexkey_sim.link.light import Notes
from hexkey_sim.link.presets import preset

B92, SKEWED = preset("bench"), preset("bb84-skewed")


def test_every_form_in_the_sentences_can_be_read() -> None:
    for name, form in FORMS.items():
        chosen = B92 if name == "usd" else SKEWED
        assert type(parse_eve(form, chosen)) is type(parse_eve(name, chosen))


def test_values_arrive() -> None:
    assert parse_eve("intercept-resend: share=0.3, key=0.25", B92) == InterceptResend(
        B92.parameters, 0.3, 0.25
    )
    assert parse_eve("usd:photons=4", B92) == UnambiguousDiscrimination(B92.parameters, photons=4)
    assert parse_eve("time-shift:share=0.5", SKEWED) == TimeShift(
        SKEWED.parameters, 0.5, SKEWED.gate
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("trojan-horse", "is unknown: use one of intercept-resend"),
        ("usd:clones=2", "'clones=2', which it cannot have.*write it like usd:share=1"),
        ("usd:photons=2,photons=3", "has twice"),
        ("usd:photons=1.5", "not whole"),
        ("usd:photons=0", "photons from 1 to 1000"),
        ("usd:share=all", "is no number"),
        ("intercept-resend:share=1.5", "share from 0 to 1"),
        ("intercept-resend:key=nan", "key_basis from 0 to 1"),
        ("time-shift:share=-1", "choose a preset with a skew"),
        ("faked-states:share=1", "which it cannot have"),
    ],
)
def test_what_cannot_be_is_refused_by_name(spec: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_eve(spec, B92)


def test_notes_count_in_the_announced_basis_the_best_kind_first() -> None:
    notes = [
        Notes(
            np.array([10, 30, 20]),
            np.array([1, 0, 0], np.uint8),
            np.array([[1, -1], [-1, 0], [0, 1]], np.int8),
        ),
        Notes(np.array([10]), np.array([0], np.uint8), np.array([[0, -1]], np.int8)),
    ]
    pulse = np.array([30, 10, 20, 40])
    found = knowledge(
        notes,
        ("sure", "likely"),
        pulse,
        np.array([False, True, False, True]),
        np.array([0, 0, 0, 1], np.uint8),
        np.array([1, 0, 1, 1], np.uint8),
    )
    # 30: test basis, says 0; 10: two notes, the sure one says 0; 20: test basis, says 1; 40: none.
    assert found.kinds == (Guesses("sure", 3, 2, 2), Guesses("likely", 0, 0, 0))
    assert found.information == pytest.approx(0.75 * (1 - 0.9182958340544896))


def test_without_notes_she_knows_nothing() -> None:
    pulse, bits = np.array([1, 2]), np.array([0, 1], np.uint8)
    found = knowledge([], ("kind",), pulse, np.array([True, False]), bits, bits)
    assert (found.bits, found.kinds[0].bits, found.information) == (2, 0, 0.0)
