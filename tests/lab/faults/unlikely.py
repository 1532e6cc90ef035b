"""What operators meet that no list of causes begins with: other set-ups, strangers on a port, answers
that are somebody else's, a kernel that was told to hold a process."""

import contextlib
import os
import pathlib

from case import case
from healers import docservice_with, ended, listening, program, proxy_with
from netns import LabError, batch, http_request, wait_for
from stage import HERE, NODE, OTHER, VIP

FREEZER = pathlib.Path("/sys/fs/cgroup/freezer/ooha-faults")
ERROR_PAGE = """\
error_page 502 503 504 =200 /sorry;
location = /sorry { default_type text/html; return 200 '<html>We are back soon</html>'; }"""
# port, what it says to whoever asks, and then: "close" or "keep"
ANSWERS = """
import socket, sys, threading, time
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6,
                              dualstack_ipv6=True)
def serve(client):
    try:
        client.recv(65536)
        client.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
        time.sleep(30 if sys.argv[3] == "keep" else 0)
        client.close()
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""
# The stand-in, listening on that address alone.
BOUND = """
import asyncio, sys
folder, address = sys.argv[1:3]
sys.path.insert(0, folder)
sys.argv[1:3] = []
import docservice
async def listen(self):
    await asyncio.start_server(self.serve, address, docservice.PORT, backlog=docservice.BACKLOG)
docservice.Docservice.listen = listen
docservice.main()
"""
DATABASE_SAYS = r"""
import socket, struct, sys, threading
server = socket.create_server(("::", 5432), family=socket.AF_INET6, dualstack_ipv6=True)
def serve(client):
    try:
        while data := client.recv(4096):
            if data[4:8] in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):
                client.sendall(b"N")
                continue
            text = f"SFATAL\0VFATAL\0C{sys.argv[1]}\0M{sys.argv[2]}\0\0".encode()
            client.sendall(b"E" + struct.pack(">I", len(text) + 4) + text)
            return client.close()
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


# -- the proxy says it, and nobody behind it

@case("503: nginx was left closed for maintenance", "proxy answers by itself")
def maintenance(stage):
    with proxy_with(stage, server="return 503;"):
        stage.see(80, "503")
        yield


@case("nginx closes without a word: another server {} is the default", "proxy answers by itself")
def closed(stage):
    with proxy_with(stage, listen="listen 80;", server="server_name docs.office.test;",
                    extra="server { listen 80 default_server; return 444; }"):
        stage.see(80, "silent")
        yield


@case("500: whom nginx asks for leave (auth_request) is down", "proxy answers by itself")
def leave(stage):
    with proxy_with(stage, location="auth_request /_auth;",
                    server="location = /_auth { proxy_pass http://127.0.0.1:4180; }"):
        stage.see(80, "500")
        yield


@case("404: another server {} is the default", "not found")
def other_server(stage):
    with proxy_with(stage, listen="listen 80;", server="server_name docs.office.test;",
                    extra="server { listen 80 default_server; root /nonexistent; }"):
        stage.see(80, "404")
        yield


# -- docservice is stopped, and the set-up is another

@case("docservice is stopped behind an error page that says 200", "document server stopped")
def behind_error_page(stage):
    with proxy_with(stage, server=ERROR_PAGE), ended(stage, "docservice"):
        stage.see(80, "200")
        yield


@case("docservice is stopped behind a redirect to a status page", "document server stopped")
def behind_redirect(stage):
    with proxy_with(stage, server="error_page 502 https://status.office.test/;"), \
            ended(stage, "docservice"):
        stage.see(80, "302")
        yield


@case("docservice is stopped, and so is the upstream's second server", "document server stopped")
def both_servers(stage):
    with proxy_with(stage, upstream=f"server 127.0.0.1:8000; server {OTHER}:8000;"), \
            ended(stage, "docservice"):
        stage.see(80, "502")
        yield


@case("docservice is stopped, the upstream by an address of the node", "document server stopped")
def by_own_address(stage):
    with proxy_with(stage, upstream=f"server {NODE}:8000;"), ended(stage, "docservice"):
        stage.see(80, "502")
        yield


@case("uploads fail: nginx may not write its temporary files", "proxy answers by itself")
def temporary_files(stage):
    path = stage.directory / "temporary/body"
    before = path.stat()
    os.chown(path, 0, 0)
    try:
        http_request(stage.client, VIP, 80, "/upload/1", body=b"x" * 200000)
        stage.said("log/nginx.error.log", "(13: Permission denied)")
        yield
    finally:
        os.chown(path, before.st_uid, before.st_gid)


# -- docservice is there

@contextlib.contextmanager
def in_place_of(stage, service, port, *command):
    """Something that has its name and port, and is not it."""
    with ended(stage, service), program(stage, service, "-c", *command):
        wait_for(lambda: stage.accepts(port), 5, f"port {port} is open")
        yield


@case("docservice answers 500 to everything", "document server failing")
def errors(stage):
    with in_place_of(stage, "docservice", 8000, ANSWERS, "8000",
                     r"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nerror", "close"):
        stage.see(80, "500")
        yield


@case("docservice's answers break off in the middle", "upstream closes early")
def breaks_off(stage):
    with in_place_of(stage, "docservice", 8000, ANSWERS, "8000",
                     r"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n<html>", "close"):
        yield


@case("docservice announces an answer (100) and gives none", "document server hung")
def announces(stage):
    with in_place_of(stage, "docservice", 8000, ANSWERS, "8000",
                     r"HTTP/1.1 100 Continue\r\n\r\n", "keep"):
        yield


@contextlib.contextmanager
def on_four_only(stage):
    with ended(stage, "docservice"), \
            program(stage, "docservice", "-c", BOUND, HERE / "standin", "127.0.0.1", "--config",
                    stage.directory / "documentserver", "--mode", stage.directory / "mode"):
        wait_for(lambda: not stage.accepts(8000, NODE), 5, "the one before it is gone")
        stage.see(8000, "200 true", seconds=10)
        yield


@case("docservice listens on 127.0.0.1 alone, nginx asks ::1", "upstream wrong port")
def other_family(stage):
    with proxy_with(stage, upstream="server [::1]:8000;"), on_four_only(stage):
        stage.see(80, "502")
        yield


@case("docservice listens on 127.0.0.1 alone, nginx asks the node's address",
      "upstream wrong port")
def other_address(stage):
    with proxy_with(stage, upstream=f"server {NODE}:8000;"), on_four_only(stage):
        stage.see(80, "502")
        yield


@case("the hosts file sends localhost elsewhere", "upstream wrong port")
def hosts_file(stage):
    path = stage.etc / "hosts"
    before = path.read_text("ascii")
    path.write_text(f"{OTHER} localhost\n", "ascii")
    try:
        with proxy_with(stage):
            stage.see(80, "502")
            yield
    finally:
        path.write_text(before, "ascii")


@case("docservice is frozen with its cgroup (docker pause)", "document server hung")
def frozen_cgroup(stage):
    process = stage.processes["docservice"]
    if not FREEZER.parent.is_dir():
        raise LabError("no freezer of cgroups of version 1 here")
    FREEZER.mkdir(exist_ok=True)
    (FREEZER / "cgroup.procs").write_text(str(process.pid), "ascii")
    (FREEZER / "freezer.state").write_text("FROZEN", "ascii")
    try:
        stage.see(8000, "silent", "/index.html")
        yield
    finally:
        (FREEZER / "freezer.state").write_text("THAWED", "ascii")
        (FREEZER.parent / "cgroup.procs").write_text(str(process.pid), "ascii")
        wait_for(lambda: not (FREEZER / "cgroup.procs").read_text("ascii"), 5, "it is out")
        FREEZER.rmdir()


@case("the interface lo is down", "loopback down")
def loopback(stage):
    batch(stage.node, "link set lo down")
    try:
        yield
    finally:
        batch(stage.node, "link set lo up", "addr replace ::1/128 dev lo")


# -- database and broker

@case("PostgreSQL shuts down", "database stopped")
def shuts_down(stage):
    with in_place_of(stage, "postgres", 5432, DATABASE_SAYS, "57P03",
                     "the database system is shutting down"):
        stage.see(80, "200 false")
        yield


@case("PostgreSQL recovers", "database starting")
def recovers(stage):
    with in_place_of(stage, "postgres", 5432, DATABASE_SAYS, "57P03",
                     "the database system is in recovery mode"):
        stage.see(80, "200 false")
        yield


@case("PostgreSQL has no disk left for itself", "database failing")
def database_disk(stage):
    with in_place_of(stage, "postgres", 5432, DATABASE_SAYS, "53100",
                     "could not write init file: No space left on device"):
        stage.see(80, "200 false")
        yield


@case("a web server has PostgreSQL's port", "database unreachable")
def database_stranger(stage):
    with ended(stage, "postgres"), listening(stage, "minio", 5432):
        yield


@case("a web server has RabbitMQ's port", "broker unreachable")
def broker_stranger(stage):
    with ended(stage, "rabbitmq"), listening(stage, "minio", 5672):
        yield


@case("PostgreSQL has another port than local.json says", "database unreachable")
def database_port(stage):
    with docservice_with(stage, database={"dbPort": "5433"}):
        stage.said("docservice", "ECONNREFUSED")
        yield


@case("RabbitMQ does not know the vhost", "broker login")
def vhost(stage):
    with docservice_with(stage, broker="amqp://guest:guest@localhost:5672/office"):
        stage.see(80, "502")
        yield
