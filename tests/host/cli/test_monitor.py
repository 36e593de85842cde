"""What `hexkey monitor` says to whoever started it."""

import json
import subprocess
import sys


def test_a_board_that_is_not_there_is_said_and_waited_for() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hexkey", "monitor", "--port", "/dev/none-such", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    shown = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert [one["state"] for one in shown] == ["board gone"] * 2
    assert err.count("there is no port /dev/none-such") == 1
    assert "trying again each second" in err
