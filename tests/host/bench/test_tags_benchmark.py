"""The benchmark of taggers' files times what gives the same counts."""

from pathlib import Path

import numpy as np
import pytest

from hexkey.bench import tags
from hexkey.tags import open_tags
from hexkey.tags.examine import examine


def test_both_ways_count_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "_CLICKS", 3000)
    monkeypatch.setattr(tags, "_COPIES", 2)
    path = tmp_path / "bench.ptu"
    records = tags.write(path, np.random.default_rng(2))
    found = tags.histogram(path)
    np.testing.assert_array_equal(found, tags.histogram_by_ptufile(path))
    assert found.sum() == 6000 < records
    assert examine(open_tags(path)).left_out == {"overflows": records - 6000}
