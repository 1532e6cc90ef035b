"""An agent that answers on a unix socket as it is told to, and runs of ooha against it."""

import http.server
import json
import os
import pathlib
import socketserver
import subprocess
import tempfile
import threading
import urllib.parse

PATIENCE_S = 20


class Agent:
    """answers: path -> what is answered (an object, or (status, object), or a function of the query)."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []  # (method, path with query, body)
        self.directory = tempfile.TemporaryDirectory(prefix="ooha-cli-")
        self.socket = str(pathlib.Path(self.directory.name) / "ooha.sock")
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self):
                return "local"

            def log_message(self, *_words):
                pass

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                agent.asked.append((self.command, self.path, body))
                path, _, query = self.path.partition("?")
                status, value = 404, {"error": "no such path"}
                if path in agent.answers:
                    value = agent.answers[path]
                    value = value(dict(urllib.parse.parse_qsl(query))) if callable(value) else value
                    status, value = value if isinstance(value, tuple) else (200, value)
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = answer

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(self.socket, Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.directory.cleanup()


def environment(**changes):
    return {**{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
            "LC_ALL": "C.UTF-8", "TERM": "xterm", **changes}


class Program:
    """The program at path."""

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def run(self, *words, agent=None, **changes):
        socket = ["--socket", agent.socket] if agent else []
        return subprocess.run([self.path, *socket, *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False,
                              env=environment(**changes))
