"""The transcript against a plain concatenation, across units and growth, and its tag in parts."""

from random import Random

from hexkey.authenticate import tag
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
            assert b"".join(transcript.covered()) == expected
            cut = random.randrange(len(expected) + 1)
            assert b"".join(transcript.covered(cut)) == expected[:cut]


def test_its_parts_have_the_tag_of_the_whole() -> None:
    random, transcript, key = Random(8), Transcript(), bytes(range(32))
    expected = b""
    for size in (5, 1 << 16, 0, 100_001, 70_000, 16, 3, 1 << 17):
        part = random.randbytes(size)
        transcript.append(part)
        expected += part
        cut = random.randrange(len(expected) + 1)
        assert tag(transcript.covered(), key) == tag(expected, key)
        assert tag(transcript.covered(cut), key) == tag(expected[:cut], key)
    assert len(transcript.covered()) > 4


def test_a_large_part_is_not_copied() -> None:
    transcript, large = Transcript(), bytes(1 << 20)
    transcript.append(b"name", large)
    kept = [part.obj for part in transcript.covered() if isinstance(part, memoryview)]
    assert any(part is large for part in kept)
