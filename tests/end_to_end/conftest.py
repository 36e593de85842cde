"""One live session with everything switched on, that many tests look at."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.processes import Ended, Scene, scene


@dataclass
class Live:
    """What was left of the session, and what was seen meanwhile."""

    scene: Scene
    alice: Ended
    bob: Ended
    bob_files: set[str]
    stores_before: tuple[Path, Path]

    @property
    def recording(self) -> Path:
        return self.scene.folder / "bob" / "run.recording"


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    debug = ("--log-level", "debug")
    with scene(folder) as stage:
        before = folder / "alice.before", folder / "bob.before"
        shutil.copy(stage.alice_store, before[0])
        shutil.copy(stage.bob_store, before[1])
        with stage.alice(options=debug) as alice:
            address = alice.wait_for("listening")["address"]
            words = ("--seconds", 1.2, "--recording", "run.recording", "--figures", "pictures")
            with stage.bob(address, *words, options=debug) as bob:
                bob.wait_for("block")
                files = bob.open_files()
                ended = bob.end()
            yield Live(stage, alice.end(), ended, files, before)
