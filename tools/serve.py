"""Serve the built book on this machine and print its address.

python tools/serve.py [--port 8000] [--folder _build/html]
"""

from __future__ import annotations

import argparse
import errno
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
BOOK = Path(__file__).resolve().parent.parent / "_build" / "html"
PORTS_TRIED = 20


class QuietHandler(SimpleHTTPRequestHandler):
    """Files of the book, read anew each time, without a line for every request."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server for ``folder`` on ``port``, or on the next free one (0 takes any)."""
    handler = partial(QuietHandler, directory=str(folder))
    for number in range(port, port + PORTS_TRIED):
        try:
            return ThreadingHTTPServer((HOST, number), handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            print(f"Port {number} is in use, trying {number + 1}.", flush=True)
    raise SystemExit(f"No free port between {port} and {number}. Name another one: make serve PORT=9000")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the built book on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--folder", type=Path, default=BOOK)
    options = parser.parse_args()
    if not (options.folder / "index.html").exists():
        raise SystemExit(f"There is no book in {options.folder}. Build it first: make book")
    with make_server(options.folder, options.port) as server:
        print(f"The book is at http://{HOST}:{server.server_port}/ (Ctrl-C stops).", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
