"""An HTTP server on 127.0.0.1 with byte ranges, and with the faults that real ones have."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["FileServer", "serve_files"]


@dataclass
class FileServer:
    """Files by path, and how to misbehave.

    `cut`: bytes after which each of the next connections breaks off; `status`: codes that the
    next requests are answered with; `ranges`: whether byte ranges are honoured.
    """

    files: dict[str, bytes]
    url: str = ""
    etag: str = '"1"'
    content_type: str = "application/octet-stream"
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve_files(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve `files` while the block runs."""
    state = FileServer(files=files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.requests.append((self.path, asked))
            if state.status:
                return self.send_error(state.status.pop(0))
            data = state.files.get(self.path)
            if data is None:
                return self.send_error(404)
            start = 0
            found = re.fullmatch(r"bytes=(\d+)-", asked)
            same = self.headers.get("If-Range") in (None, state.etag)
            if found and same and state.ranges:
                start = int(found.group(1))
                if start >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Type", state.content_type)
            self.send_header("Content-Length", str(len(data) - start))
            if state.etag:
                self.send_header("ETag", state.etag)
            self.end_headers()
            end = start + state.cut.pop(0) if state.cut else len(data)
            self.wfile.write(data[start:end])
            return None

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
