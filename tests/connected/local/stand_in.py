"""A stand-in for a service: answers HTTP on a port, ends slowly on SIGTERM if told to, and may have a child."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    port, drain_s, child = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "child"

    def stop(*_):
        time.sleep(drain_s)
        say("drained")
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    if child:
        subprocess.Popen(["sleep", "1000"])
    say("begun")
    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
