"""Sweeps on a Dask cluster of two worker processes, without nannies that would start others."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.host.sweep.functions import (
    GOES_AHEAD,
    Loss,
    computed_in,
    dies,
    in_folder,
    items_in,
    reciprocal,
    transmission,
)
from tests.host.sweep.test_sweep import ENVIRONMENT
from tests.host.sweep.waiting import wait_until

from hexkey import sweep
from hexkey.errors import ChannelError, ConfigurationError, HexkeyError
from hexkey.sweep import cluster


def dask(*words: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, words)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    process = dask(
        *("scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", found),
        *("--dashboard-address", "127.0.0.1:0"),
    )
    try:
        wait_until(lambda: found.exists() and found.read_text().endswith("}"))
        yield str(json.loads(found.read_text())["address"])
    finally:
        end(process)


@pytest.fixture
def workers(scheduler: str, tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    from distributed import Client

    started = [
        dask(
            *("worker", scheduler, "--no-nanny", "--nthreads", 1, "--no-dashboard"),
            *("--local-directory", tmp_path / f"worker{number}"),
        )
        for number in range(2)
    ]
    try:
        with Client(scheduler, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield started
    finally:
        for process in started:
            end(process)
        with Client(scheduler, set_as_default=False) as client:
            wait_until(lambda: not client.ncores())


def test_with_a_worker_killed_results_are_complete_and_those_of_this_machine(
    scheduler: str, workers: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    told: list[tuple[int, int]] = []
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(
            sweep.run,
            in_folder,
            items_in(there, 12),
            scheduler=scheduler,
            resume=tmp_path / "file",
            progress=lambda done, total: told.append((done, total)),
        )
        by_number = {process.pid: process for process in workers}

        def waiting() -> set[int]:
            return {process for number, process in computed_in(there) if number >= GOES_AHEAD}

        wait_until(lambda: waiting() == set(by_number))  # both are in the middle of an item
        killed, survivor = by_number
        os.kill(killed, signal.SIGKILL)
        assert by_number[killed].wait() == -signal.SIGKILL
        (there / "go").touch()
        found = running.result(timeout=120)
    assert by_number[survivor].poll() is None
    (here / "go").touch()
    assert found == sweep.run(in_folder, items_in(here, 12)) == [n**2 for n in range(12)]
    assert told == [(done, 12) for done in range(13)]
    computed = [number for number, _ in computed_in(there)]
    assert set(computed) == set(range(12))
    assert len(computed) > 12  # what the killed one had begun was computed again
    before = computed_in(there)
    assert sweep.run(in_folder, items_in(there, 12), resume=tmp_path / "file") == found
    assert computed_in(there) == before  # a sweep of a cluster resumes on this machine


def test_values_and_failures_are_those_of_this_machine(
    scheduler: str, workers: list["subprocess.Popen[bytes]"]
) -> None:
    losses = [Loss(value / 7) for value in range(20)]
    assert sweep.run(transmission, losses, scheduler=scheduler) == sweep.run(transmission, losses)
    with pytest.raises(HexkeyError) as raised:
        sweep.run(reciprocal, [1, 0], scheduler=scheduler)
    assert str(raised.value) == (
        "item 1 of the sweep, 0, failed: ZeroDivisionError: division by zero"
    )


def test_a_cluster_that_has_lost_its_last_worker_is_told(
    scheduler: str,
    workers: list["subprocess.Popen[bytes]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "WITHOUT_WORKERS_S", 0.2)
    monkeypatch.setattr(sweep, "CHECK_S", 0.1)
    with pytest.raises(ChannelError, match=r"at tcp://\S+ has no workers: start some with `dask"):
        sweep.run(dies, [1, 2], scheduler=scheduler)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://nowhere.invalid:8786"])
def test_a_scheduler_that_is_not_there_is_told(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with pytest.raises(ChannelError, match=f"no Dask scheduler answers at {address}: start one"):
        sweep.run(reciprocal, [1], scheduler=address)


@pytest.mark.parametrize("address", ["somewhere", "pigeon://loft:1", "tls://127.0.0.1:1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{address}' is no address of a Dask scheduler"):
        sweep.run(reciprocal, [1], scheduler=address)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hexkey\[cluster\]'"):
        sweep.run(reciprocal, [1], scheduler="tcp://127.0.0.1:1")
