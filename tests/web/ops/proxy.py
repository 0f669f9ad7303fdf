"""nginx, with the file from the documents, in front of a server."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docs" / "examples" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NEEDED = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx-light)")
PREFIX = "/lipstream"
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/lipstream.conf;
}}
"""
_LINES = {
    "server 127.0.0.1:8765;": "server {upstream};",
    "listen 443 ssl;": "listen 127.0.0.1:{port} ssl;",
    "server_name captions.example.org;": "server_name 127.0.0.1;",
    "/etc/ssl/certs/captions.pem": "{certificate}",
    "/etc/ssl/private/captions.key": "{key}",
    "/var/log/nginx/lipstream.log": "{log}",
}
"""What is other on a machine of one's own, each there once in the file."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def nginx(folder: Path, port: int, upstream: str, certificate: Path, key: Path) -> Iterator[str]:
    """Run it; gives the address of the server behind it, without a slash at its end."""
    text = FILE.read_text(encoding="utf-8")
    mine = {"upstream": upstream, "port": port, "certificate": certificate, "key": key, "log": folder / "access.log"}
    for before, after in _LINES.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after.format(**mine))
    (folder / "lipstream.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder), encoding="utf-8")
    # Its workers are of another user where it is started as root.
    folder.chmod(0o755)
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"https://127.0.0.1:{port}{PREFIX}"
    finally:
        process.terminate()
        process.wait(60)
