"""What no click can show: assumed of every key, and said before the first one is made.

`hexkey.conditions` has what must hold and can be known. These are the attacks that may leave rate,
error rate and double clicks as they were (docs/eavesdroppers.md measures them): nothing that is
counted tells whether they happen.
"""

ASSUMPTIONS = (
    (
        "nobody commands the detectors with bright light (faked states): no count would change, "
        "and there is no monitor",
        ("b92", "bb84"),
    ),
    (
        "the detectors' delays and efficiencies are as calibrated (time shift)",
        ("b92", "bb84"),
    ),
    (
        "nobody tells the two states apart and sends brighter pulses: at any loss only double "
        "clicks would show it",
        ("b92",),
    ),
)


def assumed(protocol: str) -> tuple[str, ...]:
    """Return the sentences of what is assumed of the keys of a protocol."""
    return tuple(sentence for sentence, protocols in ASSUMPTIONS if protocol in protocols)
