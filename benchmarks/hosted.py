"""Serve a folder as a web host does: compressed, with validators, to be kept for a while.

The server of `make serve` sends everything anew, which is right for authors and wrong for measuring.
"""

from __future__ import annotations

import gzip
import mimetypes
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKED = {".png", ".woff", ".woff2", ".gif", ".jpg", ".whl", ".zip"}  # and so not compressed again
KEPT = 600  # seconds, as on GitHub Pages


@dataclass(frozen=True)
class Sent:
    """What a host has sent so far: answers, and bytes with their headers."""

    requests: int = 0
    bytes: int = 0

    def __sub__(self, earlier: Sent) -> Sent:
        return Sent(self.requests - earlier.requests, self.bytes - earlier.bytes)


_counting = threading.Lock()
_sent: dict[int, Sent] = defaultdict(Sent)  # by port


def sent(site: str) -> Sent:
    """What the host at this address has sent so far."""
    return _sent[urlsplit(site).port or 0]


@cache
def _body(path: Path) -> tuple[bytes, str]:
    """What travels for a file, and its validator."""
    data = path.read_bytes()
    return (data if path.suffix in PACKED else gzip.compress(data, 6)), f'"{zlib.crc32(data):08x}"'


class Host(BaseHTTPRequestHandler):
    """Answers GET from a folder."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, kept: int, *given: object) -> None:
        self.folder, self.kept = folder, kept
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send the file, or say that the reader's copy is still good."""
        path = self.folder / unquote(urlsplit(self.path).path.lstrip("/"))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.answer(404, b"", {})
            return
        body, tag = _body(path)
        headers = {"ETag": tag, "Cache-Control": f"max-age={self.kept}", "Vary": "Accept-Encoding"}
        if self.headers.get("If-None-Match") == tag:
            self.answer(304, None, headers)
            return
        headers["Content-Type"] = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if path.suffix not in PACKED:
            headers["Content-Encoding"] = "gzip"
        self.answer(200, body, headers)

    def answer(self, status: int, body: bytes | None, headers: dict[str, str]) -> None:
        """Send status, headers and body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        size = sum(map(len, self._headers_buffer)) + len(body or b"")
        with _counting:
            so_far = _sent[self.server.server_port]
            _sent[self.server.server_port] = Sent(so_far.requests + 1, so_far.bytes + size)
        self.end_headers()
        if body:
            self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        """Say nothing."""


@contextmanager
def hosted(folder: Path, kept: int = KEPT) -> Iterator[str]:
    """The address at which the folder is served meanwhile."""
    for path in filter(Path.is_file, folder.rglob("*")):
        _body(path)  # a host has its files packed before anybody comes
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, folder, kept)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
