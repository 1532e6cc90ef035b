"""A place for one agent: a network namespace with an interface, a directory, an etcd if wanted."""

import contextlib
import http.server
import json
import re
import shutil
import signal
import subprocess
import threading
import time

from netns import LabError, addresses, batch, exists, inside, run, wait_for
from process import Process

TTL_S = 3
PATIENCE_S = 10  # for what is only a matter of time
VIP = "10.78.0.100"
HOLE = "10.78.0.99"  # packets to it are sent and lost

CONFIG = """\
cluster: {cluster}
node:
  name: {node}
etcd:
  endpoints: [{endpoint}]
{etcd}lease:
  ttl: {ttl_s}s
groups:
  - name: {group}
    vips:
      - address: {vip}/24
        interface: {interface}
{checks}api:
  socket: {socket}
{api}runtime_directory: {runtime}
"""


def expect(is_so, what):
    if not is_so:
        raise LabError(what)


class Place:
    """One namespace with an interface, a directory, and what was started there."""

    def __init__(self, name, build, directory):
        self.namespace, self.build, self.directory = name, build, directory
        self.processes, self.servers = [], []
        (directory / "run").mkdir(parents=True)
        try:
            run("ip", "netns", "add", name)
            batch(name, "link set lo up", "link add eth0 type veth peer name wire",
                  "link set wire up", "link set eth0 up", "addr add 10.78.0.1/24 dev eth0",
                  f"neigh add {HOLE} lladdr 02:00:0a:4e:00:63 dev eth0 nud permanent")
        except BaseException:
            self.leave()
            raise

    def leave(self):
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGKILL, whole_group=True)
            process.wait_dead(5)
        for server in self.servers:
            server.shutdown()
            server.server_close()
        if exists(self.namespace):
            run("ip", "netns", "del", self.namespace, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def tool(self, path):
        return self.build / path

    def config(self, name="ooha", **changes):
        """Writes a configuration that is fine but for the changes; returns its path."""
        values = {"endpoint": "http://127.0.0.1:2379", "etcd": "", "ttl_s": TTL_S, "vip": VIP,
                  "cluster": "office", "node": "node-a", "group": "office",
                  "interface": "eth0", "checks": "", "api": "", "runtime": self.directory / "run",
                  "socket": self.directory / "run/ooha.sock", **changes}
        path = self.directory / f"{name}.yaml"
        path.write_text(CONFIG.format(**values), encoding="utf-8")
        return path

    def as_user(self, name="ooha", password="right"):
        """As config(), with a login to etcd."""
        file = self.write("password", password + "\n")
        return self.config(etcd=f"  username: {name}\n  password_file: {file}\n")

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def run(self, *command, check=True):
        return run("ip", "netns", "exec", self.namespace, *command, check=check)

    def start(self, name, *command):
        process = Process.start(name, self.namespace, command, self.directory / f"{name}.log")
        self.processes.append(process)
        return process

    def agent(self, path, name="agent"):
        """An agent that is to stay up."""
        return self.start(name, self.tool("agent/ooha-agent"), "--config", path)

    def status(self):
        """`ooha status`: its exit status and all that it printed, on one line."""
        done = self.run(self.tool("cli/ooha"), "--socket", self.directory / "run/ooha.sock",
                        "status", check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def document(self, socket=None):
        done = self.run(self.tool("cli/ooha"), "--socket",
                        socket or self.directory / "run/ooha.sock", "status", "--json", check=False)
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def stays(self, address):
        """The address does not leave its interface, not even for a moment."""
        monitor = subprocess.Popen(["ip", "-n", self.namespace, "-o", "monitor", "address"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            yield
        finally:
            monitor.terminate()
            said = monitor.communicate()[0].splitlines()
        gone = [line for line in said if line.startswith("Deleted") and f" {address}/" in line]
        expect(said and not gone, f"{address} was taken off: {gone}, of {len(said)} changes")

    def has_vip(self):
        return VIP in addresses(self.namespace)

    def etcd(self, *options, scheme="http", flags=True, wait=True):
        """Starts etcd and, unless told not to, waits until it answers over scheme."""
        urls = f"{scheme}://127.0.0.1:2379"
        names = [] if not flags else [
            "--data-dir", self.directory / "etcd", "--listen-client-urls", urls,
            "--advertise-client-urls", urls, "--listen-peer-urls", "http://127.0.0.1:2380",
            "--unsafe-no-fsync"]
        process = self.start("etcd", "etcd", *names, *options)
        secure = [] if scheme == "http" else [
            "--cacert", self.directory / "ca.pem", "--cert", self.directory / "server.pem",
            "--key", self.directory / "server.key"]

        if not wait:
            return process

        def answers():
            expect(process.is_alive(), "etcd ended: " + " ".join(process.tail(3)))
            return self.etcdctl("endpoint", "health", "--endpoints", urls, *secure,
                                check=False).returncode == 0
        wait_for(answers, PATIENCE_S, "etcd answers")
        return process

    def etcdctl(self, *words, check=True):
        return self.run("etcdctl", *words, check=check)

    def serve(self, port, status, body):
        """A web server that answers everything with the same."""
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # clients come and go
        server = inside(self.namespace, lambda: Server(("127.0.0.1", port), Handler))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)

    def certificates(self):
        """A CA, a server certificate of it for 127.0.0.1, and another CA."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        for name in ("ca", "other"):
            self.run("openssl", "req", "-x509", *curve, "-subj", f"/CN={name}", "-keyout",
                     self.directory / f"{name}.key", "-out", self.directory / f"{name}.pem")
        self.write("san", "subjectAltName=IP:127.0.0.1\n")
        self.run("openssl", "req", *curve, "-subj", "/", "-keyout", self.directory / "server.key",
                 "-out", self.directory / "server.csr")
        self.run("openssl", "x509", "-req", "-in", self.directory / "server.csr", "-days", "2",
                 "-CA", self.directory / "ca.pem", "-CAkey", self.directory / "ca.key",
                 "-CAcreateserial", "-extfile", self.directory / "san",
                 "-out", self.directory / "server.pem")
        return ("--cert-file", self.directory / "server.pem",
                "--key-file", self.directory / "server.key")


def lines_of(process):
    """What the agent has said, without its name."""
    return [line.removeprefix("ooha-agent: ") for line in process.tail(1000)]


def wait_line(process, pattern, seconds=PATIENCE_S):
    """Waits for a line that pattern matches from its beginning; returns it."""
    def found():
        matching = [line for line in lines_of(process) if re.match(pattern, line)]
        expect(matching or process.is_alive(), f"the agent ended: {lines_of(process)}")
        return matching
    return wait_for(found, seconds, lambda: f"a line {pattern!r} in {lines_of(process)}")[0]


def wait_started(process):
    return wait_line(process, "started: ")


def expect_end(process, seconds):
    """Ends it by SIGTERM: status 0, in time, and a last word."""
    began = time.monotonic()
    process.signal(signal.SIGTERM)
    status = process.wait_exit(seconds + 5)
    took = time.monotonic() - began
    expect(status == 0, f"SIGTERM: exit status {status}: {lines_of(process)[-3:]}")
    expect(took < seconds, f"SIGTERM: took {took:.1f} s, at most {seconds:g} s")
    expect(lines_of(process)[-1] == "stopped", f"the last line: {lines_of(process)[-1]!r}")
