"""``hexkey monitor``: one page that shows a board as it works; or a terminal, or lines of JSON."""

import json
import threading
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from hexkey import logs, monitor
from hexkey.cli import app
from hexkey.cli.interrupt import stop_on_signal
from hexkey.cli.options import NoRefreshOption
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import Snapshot
from hexkey.monitor.terminal import render

if TYPE_CHECKING:
    from hexkey.party.watch import WatchSettings
    from hexkey.session.tally import Progress

LISTEN = "127.0.0.1:8750"


@app.command("monitor")
def show(
    port: Annotated[str, typer.Option(help="The board: a serial port, or tcp://HOST:PORT.")],
    gate_start_ns: Annotated[
        float | None, typer.Option(help="Start of the gate, ns; the board keeps its own without.")
    ] = None,
    gate_width_ns: Annotated[float | None, typer.Option(help="Width of the gate, ns.")] = None,
    holdoff_pulses: Annotated[int, typer.Option(help="Pulses ignored after any click.")] = 2,
    alice_record: Annotated[
        Path | None,
        typer.Option(
            "--alice",
            help="Alice's record of the same run: maps, with the gate open all period.",
        ),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help=f"Serve the page at HOST:PORT; {LISTEN} if not given.")
    ] = None,
    anywhere: Annotated[
        bool, typer.Option("--anywhere", help="Allow --listen an address that others reach.")
    ] = False,
    control: Annotated[
        bool, typer.Option("--control", help="Let the page move the board's gate.")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(envvar="HEXKEY_MONITOR_TOKEN", help="Of the page; drawn if not given."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="Show the numbers here; no page without --listen.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each snapshot as a line; no page without --listen."),
    ] = False,
    no_refresh: NoRefreshOption = False,
) -> None:
    """Watch a board without a session: arrivals, rates, trigger, and a gate to be dragged.

    Example: hexkey monitor --port /dev/ttyUSB0 --control --open
    """
    from hexkey.party.watch import WatchSettings

    settings = WatchSettings(
        port, gate_start_ns, gate_width_ns, holdoff_pulses, not no_refresh, control, alice_record
    )
    hub = Hub()
    with stop_on_signal("the snapshot at hand") as stop, ExitStack() as stack:
        if listen is not None or not (terminal or as_json):
            address = stack.enter_context(
                monitor.serve(hub, listen or LISTEN, token, control, _metrics, anywhere=anywhere)
            )
            typer.echo(f"The page is at {address}", err=as_json or terminal)
            if open_page:
                webbrowser.open(address)
        watcher = _Watcher(settings, hub, stop, logs.log_event if terminal else _tell)
        stack.callback(stop.set)
        watcher.start()
        if as_json:
            for snapshot in hub.each():
                print(json.dumps(snapshot.to_json()), flush=True)
        elif terminal:
            _show_in_terminal(hub)
        watcher.join()
    if watcher.failure is not None:
        raise watcher.failure


def _metrics(snapshot: Snapshot) -> bytes:
    from hexkey.monitor.metrics import metrics_text

    return metrics_text(snapshot)


def _tell(event: dict[str, Any]) -> None:
    """Log an event, and say what a person at the terminal would wait for."""
    logs.log_event(event)
    if event["event"] == "watching":
        typer.echo(f"Watching {event['board']}", err=True)
    elif event["event"] == "board-gone":
        typer.echo(f"{event['message']}; trying again each second", err=True)


class _Watcher(threading.Thread):
    """Reads the board; what ends it is kept for the thread that shows."""

    def __init__(
        self, settings: "WatchSettings", hub: Hub, stop: threading.Event, progress: "Progress"
    ) -> None:
        super().__init__(name="board", daemon=True)
        self._settings = settings
        self._hub = hub
        self._progress = progress
        self._ended = stop
        self.failure: BaseException | None = None

    def run(self) -> None:
        from hexkey.party.watch import watch

        try:
            watch(self._settings, self._hub, self._progress, self._ended)
        except BaseException as error:  # carried over, never swallowed
            self.failure = error
        finally:
            self._hub.close()


def _show_in_terminal(hub: Hub) -> None:
    console = Console()
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        for snapshot in hub.each():
            live.update(render(snapshot, console.width, console.height), refresh=True)
