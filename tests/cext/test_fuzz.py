"""Every kernel under the address and undefined-behaviour sanitizers, on inputs that fuzzing finds.

The harnesses are in tests/cext/fuzz, each with a slow twin of its kernel in C and buffers that end
where the contract says. ``make fuzz`` runs them for longer.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cext.fuzz import build
from tests.cext.fuzz.build import HARNESSES, clang_has_libfuzzer, harness, libfuzzer

INPUTS = {"cascade_order": 1000, "wire": 1000, "offset": 1500, "toeplitz_stream": 1000}
REST = 3000
LEAST_PAIRS = 60  # of places reached one after the other: a fuzzer that sees nothing has few

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def fuzz(program: Path, inputs: int, seed: int) -> int:
    """Return how many pairs of places were reached."""
    command = [str(program), str(inputs), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=program.parent)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    (pairs,) = re.findall(r"pairs (\d+)", done.stdout)
    return int(pairs)


@pytest.mark.parametrize("name", HARNESSES)
def test_kernels_stand_a_short_fuzzing(folder: Path, name: str) -> None:
    assert fuzz(harness(name, folder), INPUTS.get(name, REST), seed=1) > LEAST_PAIRS


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", HARNESSES)
def test_kernels_stand_a_long_fuzzing(folder: Path, name: str) -> None:
    fuzz(harness(name, folder), 40 * INPUTS.get(name, REST), seed=2)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "file", "right", "wrong"),
    [
        (
            "wire",
            "wire.c",
            "piece_bytes > out_bytes - used",
            "piece_bytes > out_bytes",
        ),
        ("wire", "wire.c", "piece->first_pulse <= expected->last_event", "0"),
        ("records", "wire.c", "step > MAX_PULSE - pulse", "0"),
        ("sift", "sift.c", "i < count - 2", "i < count - 1"),
        ("pulses", "pulses.c", "past |= pulse;", ";"),
        ("sample", "sample.c", "count - i >= 8", "count - i >= 7"),
        ("toeplitz", "toeplitz.c", "if (n == 0) {", "if (0) {"),
        ("toeplitz_stream", "toeplitz_stream.c", "skip + (n - at - count)", "n - at - count"),
        (
            "toeplitz_stream",
            "toeplitz_stream.c",
            "s.size - start) / DIGIT_BYTES - 1",
            "s.size - start) / DIGIT_BYTES",
        ),
        ("toeplitz_stream", "novel_basis_body.h", "k - e > 1", "k - e > 4"),
        ("cascade_answer", "cascade_answer.c", "length > places - at - gap", "0"),
        ("cascade_answer", "cascade_answer.c", "gap > places - at || ", ""),
        ("cascade_answer", "cascade_answer.c", "bytes > in.end - in.at", "0"),
        ("cascade_order", "cascade_order.c", "[2][at] = ~low & high;", "[2][at] = low & high;"),
        ("cascade_order", "cascade_order.c", "== in + rows * width ?", "> in + rows * width ?"),
        ("cascade_bob", "cascade_turn.c", "return at == answer_bytes;", "return 1;"),
        ("cascade_bob", "cascade_open.c", "4 * (size_t)n + 1024", "(size_t)n / 4 + 8"),
        ("ldpc", "ldpc_lanes.h", "from + count > lifting", "0"),
        ("ldpc", "ldpc_lanes.h", "from + 1 < lifting ? from + 1 : 0", "from + 1"),
        ("ldpc", "ldpc.c", "column[lifting + i] = column[i]", "column[lifting + i] = column[0]"),
        ("offset", "offset.c", "bytes + 8 * w) >>", "bytes + 8 * w + 1) >>"),
        ("tags", "tags.c", "now.base > LATEST", "now.base > 2 * (LATEST - 1)"),
    ],
)
def test_a_planted_mistake_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    file: str,
    right: str,
    wrong: str,
) -> None:
    spoilt = tmp_path / "cext"
    shutil.copytree(build.CEXT, spoilt)
    text = (spoilt / file).read_text()
    assert text.count(right) == 1
    (spoilt / file).write_text(text.replace(right, wrong))
    monkeypatch.setattr(build, "CEXT", spoilt)
    monkeypatch.setattr(build, "_FLAGS", (f"-I{spoilt}", *build._FLAGS))
    with pytest.raises(AssertionError, match=r"not so|AddressSanitizer|runtime error"):
        fuzz(harness(name, tmp_path), 20_000, seed=1)


@pytest.mark.skipif(not clang_has_libfuzzer(), reason="no clang with libFuzzer")
@pytest.mark.parametrize("name", HARNESSES)
def test_harnesses_run_under_libfuzzer(folder: Path, name: str) -> None:
    program = libfuzzer(name, folder)
    runs = min(1000, INPUTS.get(name, REST))
    subprocess.run([str(program), f"-runs={runs}", "-seed=1"], check=True, cwd=folder)
