"""Serve the built book on this computer, as a web server would."""

import argparse
import errno
import functools
import sys
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from book.press import ROOT

TRIES = 20


class Handler(SimpleHTTPRequestHandler):
    """Files of the site; the site's own page for an address that leads nowhere; no chatter."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".ipynb": "application/json"}

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a wrong address with 404.html."""
        lost = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not lost.exists():
            return super().send_error(code, message, explain)
        body = lost.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server that keeps quiet when a reader leaves before the page has come."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong, unless it is a connection that the reader closed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def server(folder: Path, port: int = 0, tries: int = 1) -> ThreadingHTTPServer:
    """A server of `folder` on the first free port from `port` on (0: any)."""
    if not (folder / "index.html").exists():
        raise SystemExit(f"{folder} holds no book yet; run: python -m book.press.build")
    for candidate in range(port, port + tries):
        try:
            return Server(("127.0.0.1", candidate), functools.partial(Handler, directory=str(folder)))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    raise SystemExit(f"ports {port} to {port + tries - 1} are all busy; choose another: --port {port + 1000}")


def main(arguments: list[str]) -> None:
    """The command line: `python -m book.press.serve [--port 8000]`."""
    parser = argparse.ArgumentParser(prog="python -m book.press.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "html")
    chosen = parser.parse_args(arguments)
    site = server(chosen.folder.resolve(), chosen.port, TRIES)
    print(f"http://127.0.0.1:{site.server_port}/  (Ctrl-C stops)", flush=True)
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        site.server_close()


if __name__ == "__main__":
    main(sys.argv[1:])
