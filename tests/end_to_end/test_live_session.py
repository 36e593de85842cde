"""Alice, Bob and a board as processes: what they store, say and may know."""

import json
import sqlite3

import pytest
from tests.end_to_end.conftest import Live
from tests.end_to_end.processes import hexkey

from hexkey.store import Store


def test_both_processes_store_the_same_keys(live: Live) -> None:
    assert (live.alice.code, live.bob.code) == (0, 0)
    stores = live.scene.alice_store, live.scene.bob_store
    compared = hexkey("keys", "compare", *stores, "--json")
    assert (compared.returncode, compared.stderr) == (0, "")
    found = json.loads(compared.stdout)
    assert found["equal"]
    assert found["common_keys"] == live.bob.report["blocks"]["ok"] >= 1
    assert found["bits"] == live.bob.report["secret_bits"] > 0


def test_both_reports_count_the_same(live: Live) -> None:
    alice, bob = live.alice.report, live.bob.report
    for name in ("sifted_bits", "errors", "disclosed_bits", "secret_bits", "epsilon", "reasons"):
        assert alice[name] == bob[name], name
    for mine, theirs in ((alice, bob), (bob, alice)):
        assert mine["auth_bits"]["made"] == theirs["auth_bits"]["made"]
        assert mine["auth_bits"]["used"] == theirs["auth_bits"]["used"]


def test_bob_opens_nothing_but_his_port_his_channel_and_his_own_files(live: Live) -> None:
    real = {name for name in live.bob_files if name.startswith("/")}
    own = str(live.scene.bob_store.parent)
    strange = {name for name in real if not name.startswith((own, "/dev/"))}
    assert strange == set()
    assert live.scene.port in real
    assert sum(name.startswith("socket:") for name in live.bob_files) == 1


def test_pictures_are_made_of_the_run(live: Live) -> None:
    pictures = live.scene.bob_store.parent / "pictures"
    for name in ("histogram.png", "rates.png"):
        assert (pictures / name).read_bytes().startswith(b"\x89PNG")


def secrets_of(live: Live) -> list[bytes]:
    """Everything that must not leave: key bits, tag keys before and after, bits Alice sent."""
    found = []
    for path in (*live.stores_before, live.scene.alice_store, live.scene.bob_store):
        connection = sqlite3.connect(path)
        found += [row[0] for row in connection.execute("SELECT secret FROM tag_key")]
        connection.close()
    with Store.open(live.scene.bob_store, read_only=True) as store:
        found += [key.bits for key in store.keys()]
    found.append(live.scene.record.read_bytes()[-4_000:-2_000])
    return found


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_debug_logs_are_lines_of_json_without_secrets(live: Live, who: str) -> None:
    ended = getattr(live, who)
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert {"time", "level", "event"} <= set(lines[0])
    assert {"session", "aligned", "block"} <= {line["event"] for line in lines}
    said = (ended.err + json.dumps(ended.events)).lower()
    secrets = secrets_of(live)
    assert len(secrets) > 400
    for secret in secrets:
        for piece in (secret[:6], secret[-6:]):
            assert piece.hex() not in said
            assert "".join(f"{byte:08b}" for byte in piece) not in said


def test_what_bob_keeps_is_readable_for_him_alone(live: Live) -> None:
    for path in (live.scene.bob_store, live.scene.alice_store, live.recording, live.scene.record):
        assert path.stat().st_mode & 0o077 == 0, path


def test_recordings_hold_no_tag_key(live: Live) -> None:
    """They hold tags and detections; the one-time keys behind the tags must not be there."""
    data = live.recording.read_bytes()
    connection = sqlite3.connect(live.stores_before[0])
    keys = [row[0] for row in connection.execute("SELECT secret FROM tag_key")]
    connection.close()
    assert keys
    assert not any(key[:8] in data or key[-8:] in data for key in keys)
