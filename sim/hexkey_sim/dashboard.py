"""What `hexkey demo` shows: a panel that moves on a terminal, plain lines elsewhere."""

from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hexkey.cli.display import describe

BARS = "▁▂▃▄▅▆▇█"


class Dashboard:
    """Collects the events of all roles and draws them."""

    def __init__(self, title: str, seconds: float, *, quiet: bool = False) -> None:
        self._title = title
        self._seconds = seconds
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._receiving: dict[str, Any] = {}
        self._rates: list[float] = []
        self._blocks: list[dict[str, Any]] = []
        self._dropped = 0
        self._offset = "searching"
        self._next_line_s = 0.0
        self._counted = "sifted bits"

    def __enter__(self) -> "Dashboard":
        if not self._quiet and self._console.is_terminal:
            self._live = Live(
                self._panel(), console=self._console, refresh_per_second=8, transient=False
            )
            self._live.start()
        elif not self._quiet:
            self._console.print(self._title, soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.update(self._panel())
            self._live.stop()

    def show(self, role: str, event: dict[str, Any]) -> None:
        if role == "bob":
            self._take(event)
        if self._live:
            if (role, event["event"]) == ("bob", "session"):  # stays above the panel
                self._console.print(Text(describe(event), style="dim"))
            self._live.update(self._panel())
        elif not self._quiet:
            self._print_line(role, event)

    def _take(self, event: dict[str, Any]) -> None:
        name = event["event"]
        if name == "receiving":
            before = self._receiving
            seconds = event["seconds"] - before.get("seconds", 0.0)
            if seconds > 0:
                bits = event["sifted_bits"] - before.get("sifted_bits", 0)
                self._rates.append(bits / seconds)
            self._receiving = event
            self._counted = event["counted"]
        elif name == "aligned":
            self._offset = f"{event['offset']:,} pulses, found from {event['disclosed_bits']} bits"
        elif name == "block":
            self._blocks.append(event)
        elif name == "dropped":
            self._dropped += 1

    def _print_line(self, role: str, event: dict[str, Any]) -> None:
        if event["event"] == "receiving":
            if event["seconds"] < self._next_line_s:
                return
            self._next_line_s = event["seconds"] + 2.0
        elif role == "alice" and event["event"] != "listening":
            return
        if line := describe(event):
            self._console.print(f"  {role:<6}{line}", soft_wrap=True)

    def _panel(self) -> Group:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", min_width=12)
        table.add_column()
        for name, value in self._rows():
            table.add_row(name, value)
        return Group(Text(self._title, style="bold"), table)

    def _rows(self) -> list[tuple[str, str]]:
        seconds = self._receiving.get("seconds", 0.0)
        done = min(1.0, seconds / self._seconds)
        bar = "━" * round(30 * done) + "╌" * (30 - round(30 * done))
        unit = "kbit/s sifted" if self._counted == "sifted bits" else f"thousand {self._counted}/s"
        rate = f"{self._rates[-1] / 1000:.1f} {unit}  {_spark(self._rates)}" if self._rates else "-"
        qbers = [block["qber"] for block in self._blocks]
        errors = sum(block["errors"] for block in self._blocks)
        sifted = sum(block["sifted_bits"] for block in self._blocks)
        secret = sum(block["secret_bits"] for block in self._blocks)
        return [
            ("time", f"{bar} {seconds:4.1f} of {self._seconds:g} s"),
            ("offset", self._offset),
            ("rate", rate),
            ("lost events", f"{self._receiving.get('lost_events', 0):,}"),
            ("QBER", f"{errors / sifted:.2%}  {_spark(qbers)}" if sifted else "-"),
            *self._test_basis(),
            ("blocks", f"{len(self._blocks)} done, {self._dropped} dropped"),
            ("key", f"{secret:,} bits (demonstration)"),
        ]

    def _test_basis(self) -> list[tuple[str, str]]:
        """Return BB84's row: the errors of the test basis and the bound that they give."""
        found = [block["bb84"] for block in self._blocks if block["bb84"]]
        if not found:
            return []
        bits, errors = (sum(one[name] for one in found) for name in ("test_bits", "test_errors"))
        bound = found[-1]["phase_error_upper"]
        return [("test basis", f"{errors / bits:.2%}, phase errors at most {bound:.2%}")]


def _spark(values: list[float], width: int = 24) -> str:
    """Return the last values as small bars, from zero to their largest."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return ""
    return "".join(BARS[min(7, int(8 * value / top * 0.999))] for value in shown)
