"""The command line in this process: what it prints, and the code it ends with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hexkey.cli import main
from hexkey.randomness import Seeded
from hexkey.store import create_pair


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error, and nothing on standard output."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("hexkey: ")
        return line


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``hexkey WORDS``; an exception that would be a traceback fails the test."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")

    def call(*words: object) -> Done:
        monkeypatch.setattr("sys.argv", ["hexkey", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    return call


@dataclass(frozen=True)
class Stores:
    alice: Path
    bob: Path


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    made = Stores(tmp_path / "alice.store", tmp_path / "bob.store")
    create_pair(made.alice, made.bob, 40, Seeded(1))
    return made
