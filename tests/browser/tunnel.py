"""A way to a server that can break: bytes go to and fro until it is closed, as with ssh -L."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

Address = tuple[str, int]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as ear:
        return int(ear.getsockname()[1])


@contextmanager
def tunnel(here: Address, there: Address) -> Iterator[None]:
    """Carry what comes to `here` on to `there`; at the end, break off what is open."""
    links: list[socket.socket] = []

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def listen() -> None:
        with suppress(OSError):
            while True:
                near, _ = ear.accept()
                far = socket.create_connection(there)
                links.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    with socket.create_server(here) as ear:
        threading.Thread(target=listen, daemon=True).start()
        yield
        with suppress(OSError):
            ear.shutdown(socket.SHUT_RDWR)
    for link in links:
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.close()
