"""The transcript against a plain concatenation, across units and growth."""

from random import Random

from hexkey.session.transcript import Transcript


def test_holds_what_was_appended_and_forgets_the_unit_before() -> None:
    random, transcript = Random(7), Transcript()
    for most in (10, 100_000, 300, 1_000_000):
        transcript.clear()
        expected = b""
        for _ in range(20):
            parts = [random.randbytes(random.randrange(most)) for _ in range(random.randrange(4))]
            transcript.append(*parts)
            expected += b"".join(parts)
            assert len(transcript) == len(expected)
            assert transcript.covered() == expected
            cut = random.randrange(len(expected) + 1)
            assert transcript.covered(cut) == expected[:cut]
