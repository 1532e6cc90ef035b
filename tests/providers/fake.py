"""The part of a fake API that all fakes share: a server on 127.0.0.1 that notes, holds back and refuses."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        fake = self.server.fake
        status, headers, answer = fake.serve(self.command, self.path, self.headers, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any


class Fake:
    """serve() of a subclass calls pass_by() with a request's name before it carries it out."""

    def __init__(self):
        self.lock = threading.RLock()
        self.calls = []
        self.failures = []  # (name, answer): the next request of that name gets it
        self.held_name, self.held, self.released = None, threading.Event(), threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def hold(self, name):
        """The next request of that name is carried out only when release() is called."""
        self.held_name = name

    def release(self):
        self.released.set()

    def pass_by(self, name):
        """Gives the answer of a failure, or None."""
        with self.lock:
            self.calls.append(name)
            is_held = name == self.held_name
            if is_held:
                self.held_name = None
        if is_held:
            self.held.set()
            self.released.wait(20)
        with self.lock:
            for i, (failing, answer) in enumerate(self.failures):
                if failing == name:
                    del self.failures[i]
                    return answer
        return None

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
