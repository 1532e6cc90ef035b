"""A Document Server's docservice, seen from outside: what it listens on, answers and logs, and on
what its health depends, with a real database and a real broker behind it.

Its ways of going wrong that no configuration makes are words in a file (--mode), read at each
request: header-big, close-early, garbage, slow MS, spin, fat, heap, crash.
"""

import argparse
import asyncio
import base64
import concurrent.futures
import errno
import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import sys
import time

import dependencies
from log import Log, exit_broken, read_settings

PORT, BACKLOG = 8000, 511
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = "9.3.0"
ERROR_TOKEN, ERROR_COMMAND = 6, 5
DRAINED_S = 30.12  # that a PUT or DELETE takes

log = Log("nodeJS")


class Docservice:
    def __init__(self, options, settings):
        self.options = options
        self.settings = settings["services"]["CoAuthoring"]
        self.storage = settings["storage"]["fs"]["folderPath"]
        # one check at a time may sit in each of the pool's connections
        self.pool = concurrent.futures.ThreadPoolExecutor(10)
        self.database = dependencies.Database(self.settings["sql"], log)
        self.broker = dependencies.Broker(settings["rabbitmq"]["url"], log)
        self.shutdown = False
        self.ballast = []

    def mode(self):
        try:
            with open(self.options.mode, encoding="ascii") as handle:
                return (handle.read().split() or [""])
        except OSError:
            return [""]

    # -- start

    async def start(self):
        loop = asyncio.get_running_loop()
        try:
            missing = await loop.run_in_executor(self.pool, self.database.missing_tables)
        except dependencies.Failure as failure:
            log.error(f"getTableColumns error: {failure}")
            missing = ["?"]
        for table in missing:
            if table != "?":
                log.error(f'DB table "{table}" does not exist')
        if missing:
            await asyncio.Event().wait()  # for ever: neither listens nor tries again
        while not await loop.run_in_executor(self.pool, self.broker.connect):
            await asyncio.sleep(1)
        self.broker.start()
        try:
            await self.listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            log.error("uncaughtException: Error: listen EADDRINUSE: address already in use "
                      f":::{PORT}\n    at Server.setupListenHandle [as _listen2] (node:net:1817:16)")
            await asyncio.sleep(1)
            os._exit(1)
        log.warn(f"Express server listening on port {PORT} in production-linux mode. "
                 f"Version: {VERSION}. Build: 140")
        while True:
            await asyncio.sleep(0.1)
            self.misbehave()

    async def listen(self):
        handle = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        handle.bind(("::", PORT))
        context = None
        if self.options.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.options.tls)
        await asyncio.start_server(self.serve, sock=handle, backlog=BACKLOG, ssl=context)

    def misbehave(self):
        """What it does whether asked or not."""
        word = self.mode()[0]
        while word == "spin" and self.mode()[0] == "spin":
            sum(range(20000))
        if word == "fat":  # until the kernel ends it
            while True:
                self.ballast.append(bytearray(os.urandom(1 << 16)) * 16)
        if word == "heap":
            sys.stdout.write("\n<--- Last few GCs --->\n\n[{0}:0x5b2c0d0]    61422 ms: Mark-Compact "
                             "4045.9 (4130.4) -> 4039.5 (4141.9) MB, 2210.6 / 0.0 ms\n\n"
                             "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap "
                             "out of memory\n".format(os.getpid()))
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGABRT)
        if word == "crash":
            log.error("uncaughtException: TypeError: Cannot read properties of undefined "
                      "(reading 'get')\n    at getConfig (DocService/sources/utils.js:211:30)")
            os._exit(1)

    # -- requests

    async def serve(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        """One request and its answer; whether the connection is kept."""
        first = await reader.readexactly(1)
        if not b"A" <= first <= b"Z":  # no HTTP, and node says so at once
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, _, rest = head[0].partition(" ")
        path = rest.split(" ")[0].split("?")[0]
        headers = {key.lower(): value.strip() for key, _, value in
                   (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        mode = self.mode()
        if mode[0] == "close-early":
            return False
        if mode[0] == "garbage":
            writer.write(b"\x05\x00docservice\x00\x01\r\n")
            await writer.drain()
            return False
        if mode[0] == "slow":
            await asyncio.sleep(int(mode[1]) / 1000)
        if path.startswith("/doc/") and "/c/" in path and self.upgrade(headers, writer):
            await writer.drain()
            await reader.read()  # until the client goes
            return False
        status, kind, text = await self.answer(method, path, headers, body)
        content = text.encode()
        keeps = headers.get("connection", "").lower() != "close" and " HTTP/1.1" in head[0]
        extra = f"Set-Cookie: session={'x' * 9000}\r\n" if mode[0] == "header-big" else ""
        tag = hashlib.sha1(content).hexdigest()[:27]
        writer.write((f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\n{extra}"
                      f'Content-Length: {len(content)}\r\nETag: W/"{len(content):x}-{tag}"\r\n'
                      f"Connection: {'keep-alive' if keeps else 'close'}\r\n"
                      f"{'Keep-Alive: timeout=5' if keeps else 'X-None: 1'}\r\n\r\n").encode()
                     + (b"" if method == "HEAD" else content))
        await writer.drain()
        return keeps

    @staticmethod
    def upgrade(headers, writer):
        """Answers a handshake as socket.io does; False if it is none."""
        if headers.get("upgrade", "").lower() != "websocket" or "sec-websocket-key" not in headers:
            return False
        key = headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest()).decode()
        hello = b'0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
        writer.write((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").encode()
                     + b"\x81" + bytes([len(hello)]) + hello)
        return True

    async def answer(self, method, path, headers, body):
        html, plain, data = "text/html", "text/plain", "application/json"
        filtered = self.settings["ipfilter"]["useforrequest"]
        if filtered and path.startswith(("/healthcheck", "/info", "/internal", "/command")):
            return f"{self.settings['ipfilter']['errorcode']} Forbidden", html, "Forbidden"
        if path == "/index.html":
            return "200 OK", html, (f"Server is functioning normally. Version: {VERSION}. "
                                    f"Build: 140")
        if path == "/healthcheck" and method in ("GET", "HEAD"):
            return "200 OK", plain, "true" if await self.is_healthy() else "false"
        if path == "/info/info.json":
            return "200 OK", data, json.dumps(
                {"serverInfo": {"buildVersion": VERSION, "buildNumber": 140},
                 "licenseInfo": {"packageType": 0, "hasLicense": False},
                 "quota": {"edit": {"connectionsCount": 0}, "view": {"connectionsCount": 0}}})
        if path == "/internal/cluster/inactive":
            if method == "GET":
                return "200 OK", data, json.dumps({"shutdown": self.shutdown}, separators=(",", ":"))
            self.shutdown = method == "PUT"
            log.warn(f"start shutdown:{str(self.shutdown).lower()}")
            log.warn("active connections: 0")
            await asyncio.sleep(DRAINED_S)
            log.warn("end shutdown")
            return "200 OK", plain, "true"
        if path == "/internal/connections/edit":
            return "200 OK", plain, "0"
        if path == "/coauthoring/CommandService.ashx" or (path == "/command" and method == "POST"):
            return "200 OK", data, json.dumps(self.command(headers, body), separators=(",", ":"))
        if path.startswith("/doc/") and "/c/" in path:
            return "400 Bad Request", data, '{"code":3,"message":"Bad request"}'
        return "404 Not Found", html, f"Cannot {method} {path}"

    def command(self, headers, body):
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            return {"error": 2}
        if self.settings["token"]["enable"]["request"]["inbox"]:
            name = self.settings["token"]["inbox"]["header"].lower()
            token = asked.get("token") or headers.get(name, "").removeprefix("Bearer ")
            said = self.verified(token)
            if said is None:
                return {"error": ERROR_TOKEN}
            asked = said.get("payload", said)
        return {"error": 0, "version": VERSION} if asked.get("c") == "version" else {
            "error": ERROR_COMMAND}

    def verified(self, token):
        """What a token says, or None."""
        def decode(part):
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        try:
            head, payload, signature = token.split(".")
            secret = self.settings["secret"]["inbox"]["string"].encode()
            wanted = hmac.new(secret, f"{head}.{payload}".encode(), hashlib.sha256).digest()
            good = hmac.compare_digest(wanted, decode(signature))
            return json.loads(decode(payload)) if good else None
        except (ValueError, AttributeError):
            return None

    async def is_healthy(self):
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.pool, self.database.check)
            await asyncio.wrap_future(self.broker.check())
        except dependencies.Failure as failure:
            log.error(f"healthCheck error {failure}")
            return False
        name = os.path.join(self.storage, f"hc_{os.uname().nodename}_{time.time_ns()}")
        try:
            with open(name, "wb") as handle:
                handle.write(b"check")
            os.unlink(name)
        except OSError as error:  # swallowed, as measured
            word = errno.errorcode.get(error.errno, "EIO")
            log.warn(f"healthCheck storage(undefined) error Error: {word}: "
                     f"{os.strerror(error.errno).lower()}, open '{name}'\n"
                     "    at async Object.putObject (Common/sources/storage/storage-fs.js:90:3)")
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True, help="folder of default.json and local.json")
    parser.add_argument("--mode", required=True)
    parser.add_argument("--tls", help="certificate and key: speak TLS")
    options = parser.parse_args()
    try:
        settings = read_settings(options.config)
    except ValueError as error:
        exit_broken(error)
    asyncio.run(Docservice(options, settings).start())


if __name__ == "__main__":
    main()
