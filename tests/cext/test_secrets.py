"""No branch and no address depends on what is hashed, on the key or on the state: seen at work.

valgrind watches the optimised code that is shipped, MemorySanitizer what clang makes of it. Both
follow secrets by treating them as memory that was never written (A. Langley's "ctgrind"). Where
valgrind does not know an instruction, the processor it shows has none: then the next path runs.
"""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cext.fuzz.build import CEXT

from hexkey._native import lib

HERE = Path(__file__).parent
KERNELS = ("gf128", "toeplitz*", "additive_fft*")
SOURCES = [HERE / "secrets.c", *(path for name in KERNELS for path in CEXT.glob(f"{name}.c"))]
FOUND = 99
BUILDS = {
    "valgrind": ["gcc", "-std=c11", "-O3", "-g"],
    "clang": ["clang", "-std=c11", "-O2", "-g", "-fsanitize=memory"],
}

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="valgrind, MemorySanitizer")


@pytest.fixture(scope="module", params=BUILDS)
def checker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The beginning of a command that exits with FOUND if secrets steer anything."""
    name = request.param
    if shutil.which(name) is None or shutil.which(BUILDS[name][0]) is None:
        pytest.skip(f"no {name}")
    program = tmp_path_factory.mktemp(name) / "secrets"
    done = subprocess.run(
        [*BUILDS[name], f"-I{CEXT}", *SOURCES, "-o", program], capture_output=True, text=True
    )
    if done.returncode and name == "clang":
        pytest.skip("clang has no MemorySanitizer")
    assert done.returncode == 0, done.stderr
    watched = ["valgrind", "-q", f"--error-exitcode={FOUND}"] if name == "valgrind" else []
    return [*watched, str(program)]


def run(checker: list[str], *how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*checker, *map(str, how)],
        capture_output=True,
        text=True,
        env={"MSAN_OPTIONS": f"exitcode={FOUND}", "PATH": "/usr/bin:/bin"},
    )


@pytest.mark.parametrize("path", range(lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE + 1))
@pytest.mark.parametrize("kernel", ["gf128", "toeplitz"])
def test_secrets_steer_nothing(checker: list[str], kernel: str, path: int) -> None:
    done = run(checker, kernel, path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kernel", ["look_up", "branch"])
def test_a_look_up_and_a_branch_are_seen(checker: list[str], kernel: str) -> None:
    assert run(checker, kernel, 0).returncode == FOUND
