"""A TCP relay that can hold back what clients send: a network that delivers late."""

import socket
import threading


class Relay:
    """Passes connections on. Those for which holds(number) is true send nothing before release()."""

    def __init__(self, target, holds=lambda number: False, address="127.0.0.1", inside=lambda make: make()):
        """inside: where sockets are made, as in a network namespace."""
        self.target, self.holds, self.inside = target, holds, inside
        self.held = threading.Event()
        self.released = threading.Event()
        self.count = 0
        self.listener = inside(lambda: socket.create_server((address, 0)))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.serve, args=(client, self.count), daemon=True).start()

    def serve(self, client, number):
        with client, self.inside(lambda: socket.create_connection(self.target)) as server:
            back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
            back.start()
            self.pump(client, server, self.holds(number))
            back.join()

    def pump(self, source, sink, held=False):
        try:
            while data := source.recv(65536):
                if held:
                    self.held.set()
                    self.released.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def release(self):
        self.released.set()

    def close(self):
        self.released.set()
        self.listener.close()
