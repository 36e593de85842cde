"""Compile the kernels and a harness with the sanitizers, under libFuzzer or the driver here."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
CEXT = HERE.parents[2] / "cext"
HARNESSES = sorted(path.stem for path in HERE.glob("*.c") if path.stem != "driver")

_FLAGS = (
    "-std=c11",
    "-O1",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffp-contract=off",
    "-fno-sanitize-recover=all",
    f"-I{CEXT}",
    f"-I{HERE}",
)
_KINDS = "address,undefined"
_SANITIZERS = f"-fsanitize={_KINDS}"


def harness(name: str, folder: Path) -> Path:
    """Return the program that fuzzes one kernel with gcc: ``INPUTS SEED [FILE...]``.

    Objects are kept in `folder`, so that a second harness takes no time.
    """
    gcc = ["gcc", *_FLAGS, _SANITIZERS]
    coverage = "-fsanitize-coverage=trace-pc"  # of all but the driver, which counts it
    driver, library = folder / "driver.o", folder / "kernels.o"
    if not library.exists():
        compile_([*gcc, "-c", str(HERE / "driver.c"), "-o", str(driver)])
        objects = [str(folder / f"{source.stem}_kernel.o") for source in kernels()]
        for source, made in zip(kernels(), objects, strict=True):
            compile_([*gcc, coverage, "-c", str(source), "-o", made])
        compile_(["gcc", "-r", *objects, "-o", str(library)])
    program = folder / name
    sources = [str(HERE / f"{name}.c"), str(library), str(driver)]
    compile_([*gcc, coverage, *sources, "-o", str(program), "-lm"])
    return program


def libfuzzer(name: str, folder: Path) -> Path | None:
    """Return the program that fuzzes one kernel under libFuzzer; None where clang has none.

    Objects are kept in `folder`, too.
    """
    if not clang_has_libfuzzer():
        return None
    clang = ["clang", *_FLAGS, "-Wno-error"]  # gcc's errors are ours
    objects = [folder / f"{source.stem}_libfuzzer.o" for source in kernels()]
    for source, made in zip(kernels(), objects, strict=True):
        if not made.exists():
            part = f"-fsanitize=fuzzer-no-link,{_KINDS}"
            compile_([*clang, part, "-c", str(source), "-o", str(made)])
    program = folder / f"{name}_libfuzzer"
    sources = [str(HERE / f"{name}.c"), *map(str, objects)]
    compile_([*clang, f"-fsanitize=fuzzer,{_KINDS}", *sources, "-o", str(program), "-lm"])
    return program


def kernels() -> list[Path]:
    return sorted(CEXT.glob("*.c"))


def compile_(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


@cache
def clang_has_libfuzzer() -> bool:
    if shutil.which("clang") is None:
        return False
    source = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t s);\n"
    source += "int LLVMFuzzerTestOneInput(const char *d, size_t s) { return !d && s; }\n"
    command = ["clang", "-fsanitize=fuzzer", "-x", "c", "-", "-o", "/dev/null"]
    return subprocess.run(command, input=source, capture_output=True, text=True).returncode == 0
