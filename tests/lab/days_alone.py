#!/usr/bin/python3
"""Bad days that one agent is enough for: logins, certificates, names, its directory, compactions.

Each case has a network namespace, a directory and an etcd of its own (root).
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

from cases import Cases  # noqa: E402
from netns import addresses, fill_disk, http_request, inside, now_us, run, wait_for  # noqa: E402
from place import (  # noqa: E402
    PATIENCE_S, TTL_S, VIP, expect, expect_end, lines_of, wait_line, wait_started)

cases = Cases("days")
case = cases.case

PAST = ("20200101000000Z", "20200102000000Z")
NOW = ("20200101000000Z", "20990101000000Z")
LOOK_S = 0.5  # the VIP is looked at no less often


class Vip:
    """Looks at the VIP all the time: was it away, and when."""

    def __init__(self, place):
        self.place, self.looked_at, self.over = place, [], threading.Event()
        self.n_away, self.error = 0, None
        self.thread = threading.Thread(target=self.look)

    def look(self):
        try:
            while not self.over.wait(0.05):
                self.n_away += VIP not in addresses(self.place.namespace)
                self.looked_at.append(time.monotonic())
        except Exception as error:
            self.error = error

    def __enter__(self):
        self.looked_at.append(time.monotonic())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.looked_at.append(time.monotonic())

    def expect_stayed(self):
        """To be asked when the looking is over."""
        if self.error is not None:
            raise self.error
        blind_s = max(after - at for at, after in zip(self.looked_at, self.looked_at[1:]))
        expect(blind_s <= LOOK_S, f"nobody looked at the VIP for {blind_s:.1f} s")
        expect(self.n_away == 0, f"the VIP was away {self.n_away} times")


def holder(place, path):
    """An agent that holds the VIP."""
    agent = place.agent(path)
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    return agent


def of_etcd(agent):
    """What the agent has said of etcd."""
    return [line for line in lines_of(agent) if line.startswith("etcd")]


def expect_quiet(agent):
    expect(not of_etcd(agent), f"said {of_etcd(agent)}")


def expect_trouble_once(place, agent, pattern):
    """One line, the same in the status, and nobody holds."""
    line = wait_line(agent, "etcd: ", TTL_S + 2)
    expect(re.fullmatch("etcd: " + pattern, line), f"said {line!r}, not {pattern!r}")
    wait_for(lambda: not place.has_vip(), TTL_S + 1, "the VIP is down")
    time.sleep(1)
    status, problems = place.status()[0], place.document()["problems"]
    expect(status == 2 and problems[0] == line, f"ooha status exits {status}: {problems}")
    expect(of_etcd(agent) == [line], f"said {of_etcd(agent)}")


def expect_recovered(place, agent, seconds=TTL_S + 2):
    wait_for(place.has_vip, seconds, lambda: f"the VIP is up again: {lines_of(agent)}")
    wait_line(agent, r"etcd answers again, after \d+\.\d s")


# -- logins


USERS = ("user add root:root", "user grant-role root root", "user add ooha:right",
         "role add ooha", "role grant-permission ooha readwrite /ooha/office/ --prefix=true",
         "user grant-role ooha ooha")


def etcd_with_users(place, *options):
    """etcd with root and ooha, authentication still off. A login is to cost it little here."""
    place.etcd("--bcrypt-cost", "4", *options)
    for words in USERS:
        place.etcdctl(*words.split())


def as_root(place, *words):
    return place.etcdctl("--user", "root:root", *words)


@case
def token_that_expires(place):
    """Tokens live for 2 s: renewed by itself, and nobody notices."""
    place.run("openssl", "genrsa", "-out", place.directory / "jwt.key", "1024")
    place.run("openssl", "rsa", "-in", place.directory / "jwt.key", "-pubout", "-out",
              place.directory / "jwt.pub")
    etcd_with_users(place, "--auth-token", f"jwt,pub-key={place.directory}/jwt.pub,priv-key="
                    f"{place.directory}/jwt.key,sign-method=RS256,ttl=2s")
    place.etcdctl("auth", "enable")
    agent = holder(place, place.as_user())
    with Vip(place) as vip:
        time.sleep(7)
    vip.expect_stayed()
    expect_quiet(agent)
    expect_end(agent, 1)


@case
def auth_turned_on_with_a_user(place):
    """Authentication is turned on, and later off, under an agent that has a user: unnoticed."""
    etcd_with_users(place)
    agent = holder(place, place.as_user())
    with Vip(place) as vip:
        place.etcdctl("auth", "enable")
        time.sleep(TTL_S + 1)
        as_root(place, "auth", "disable")
        time.sleep(TTL_S + 1)
    vip.expect_stayed()
    expect_quiet(agent)
    expect_end(agent, 1)


@case
def auth_turned_on_without_a_user(place):
    """Authentication is turned on under an agent without a user: said what to set; back after."""
    etcd_with_users(place)
    agent = holder(place, place.config())
    place.etcdctl("auth", "enable")
    expect_trouble_once(place, agent, r"http://127\.0\.0\.1:2379: etcdserver: user name is empty: "
                        r"etcd has authentication on: set etcd\.username and etcd\.password_file")
    as_root(place, "auth", "disable")
    expect_recovered(place, agent)
    expect_end(agent, 1)


@case
def password_changed_in_the_file_first(place):
    """The new password is in the file before etcd has it: unnoticed."""
    etcd_with_users(place)
    place.etcdctl("auth", "enable")
    agent = holder(place, place.as_user())
    with Vip(place) as vip:
        place.write("password", "new\n")
        agent.signal(signal.SIGHUP)
        wait_line(agent, "reloaded")
        place.run("sh", "-c", "echo new | ETCDCTL_API=3 etcdctl --user root:root user passwd "
                  "ooha --interactive=false")
        time.sleep(TTL_S + 1)
    vip.expect_stayed()
    expect_quiet(agent)
    expect_end(agent, 1)


@case
def password_changed_in_etcd_first(place):
    """etcd has the new password before the file: said; a reload takes the file over in time."""
    etcd_with_users(place)
    place.etcdctl("auth", "enable")
    agent = holder(place, place.as_user())
    with Vip(place) as vip:
        place.run("sh", "-c", "echo new | ETCDCTL_API=3 etcdctl --user root:root user passwd "
                  "ooha --interactive=false")
        line = wait_line(agent, "etcd: ")
        expect(re.fullmatch(r"etcd: login: http://127\.0\.0\.1:2379: etcdserver: authentication "
                            r"failed, invalid user ID or password: check etcd\.username and "
                            r"etcd\.password_file", line), f"said {line!r}")
        place.write("password", "new\n")
        began_us = now_us()
        agent.signal(signal.SIGHUP)
        wait_line(agent, "etcd answers again")
        took_ms = (now_us() - began_us) / 1000
        time.sleep(TTL_S)
    vip.expect_stayed()
    expect(took_ms < 700, f"the reload took {took_ms:.0f} ms to log in")
    expect_end(agent, 1)


# -- certificates


def certificate(place, name, authority, times=NOW):
    """A key and a certificate for etcd and its clients, of the CA called authority."""
    directory = place.directory
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    if not (directory / f"{authority}.pem").exists():
        place.run("openssl", "req", "-x509", *curve, "-days", "9", "-subj", f"/CN={authority}",
                  "-keyout", directory / f"{authority}.key", "-out", directory / f"{authority}.pem")
    place.write("index.txt", "")
    file = place.write("ca.conf", "\n".join((
        "[ca]", "default_ca = d", "[d]", f"database = {directory}/index.txt",
        f"new_certs_dir = {directory}", f"serial = {directory}/serial",
        "default_md = sha256", "policy = p", "[p]",
        "organizationName = supplied", "[ext]", "subjectAltName = IP:127.0.0.1",
        "extendedKeyUsage = serverAuth, clientAuth", "")))
    place.run("openssl", "req", *curve, "-subj", f"/O={name}", "-keyout",
              directory / f"{name}.key", "-out", directory / f"{name}.csr")
    place.run("openssl", "ca", "-batch", "-notext", "-create_serial", "-config", file,
              "-extensions", "ext", "-cert", directory / f"{authority}.pem", "-keyfile",
              directory / f"{authority}.key", "-startdate", times[0], "-enddate", times[1],
              "-in", directory / f"{name}.csr", "-out", directory / f"{name}.pem")


def tls_etcd(place, name="server"):
    """etcd with that certificate, which asks clients for one of a CA in trusted.pem."""
    directory = place.directory
    process = place.etcd("--cert-file", directory / f"{name}.pem", "--key-file",
                         directory / f"{name}.key", "--client-cert-auth", "--trusted-ca-file",
                         directory / "trusted.pem", scheme="https", wait=False)
    wait_for(lambda: any("serving client" in line for line in process.tail(9)), PATIENCE_S,
             lambda: f"etcd serves: {process.tail(9)}")
    return process


def tls_config(place):
    directory = place.directory
    return place.config(endpoint="https://127.0.0.1:2379", etcd=(
        f"  ca_file: {directory}/our-ca.pem\n  cert_file: {directory}/client.pem\n"
        f"  key_file: {directory}/client.key\n"))


def bundle(place, name, *authorities):
    """Puts the CAs into a file, in one step."""
    text = "".join((place.directory / f"{authority}.pem").read_text(encoding="utf-8")
                   for authority in authorities)
    place.write("fresh", text).rename(place.directory / name)


@case
def authority_rotated(place):
    """A new CA: in our file first, then etcd's certificate: taken over by itself, no move."""
    certificate(place, "server", "ca")
    certificate(place, "client", "ca")
    certificate(place, "server2", "next")
    bundle(place, "trusted.pem", "ca", "next")
    bundle(place, "our-ca.pem", "ca")
    etcd = tls_etcd(place)
    agent = holder(place, tls_config(place))
    with Vip(place) as vip:
        bundle(place, "our-ca.pem", "ca", "next")
        etcd.signal(signal.SIGKILL)
        expect(etcd.wait_dead(5), "SIGKILL")
        tls_etcd(place, "server2")
        wait_line(agent, "etcd answers again")
        time.sleep(TTL_S)
    vip.expect_stayed()
    said = of_etcd(agent)
    expect(not any("certificate" in line for line in said), f"said {said}")
    expect_end(agent, 1)


@case
def certificate_of_etcd_expired(place):
    """etcd comes back with a certificate that has expired: named, and no VIP; then a good one."""
    certificate(place, "server", "ca")
    certificate(place, "expired", "ca", PAST)
    certificate(place, "client", "ca")
    bundle(place, "trusted.pem", "ca")
    bundle(place, "our-ca.pem", "ca")
    tls_etcd(place, "expired")
    agent = place.agent(tls_config(place))
    wait_started(agent)
    expect_trouble_once(place, agent, r"https://127\.0\.0\.1:2379: its certificate, or its "
                        r"CA's, has expired: issue a new one")
    for name in ("pem", "key"):  # etcd reads them anew for each connection
        shutil.copy(place.directory / f"server.{name}", place.directory / f"expired.{name}")
    expect_recovered(place, agent, PATIENCE_S)
    expect_end(agent, 1)


@case
def certificate_of_ours_expired(place):
    """The agent's own certificate has expired: named by its file; replaced, it is taken over."""
    certificate(place, "server", "ca")
    certificate(place, "client", "ca", PAST)
    certificate(place, "good", "ca")
    bundle(place, "trusted.pem", "ca")
    bundle(place, "our-ca.pem", "ca")
    tls_etcd(place)
    agent = place.agent(tls_config(place))
    wait_started(agent)
    file = re.escape(f"{place.directory}/client.pem")
    expect_trouble_once(place, agent, r"https://127\.0\.0\.1:2379: it refuses our certificate "
                        rf"\({file}\): .*bad certificate: not of its CA, or expired: openssl "
                        r"x509 -noout -enddate -issuer -in etcd\.cert_file")
    for name in ("key", "pem"):
        shutil.copy(place.directory / f"good.{name}", place.directory / f"client.{name}")
    expect_recovered(place, agent, PATIENCE_S)
    expect_end(agent, 1)


# -- names


@contextlib.contextmanager
def names(place, **hosts):
    """The place's own /etc/hosts, and a resolver that never answers."""
    directory = pathlib.Path("/etc/netns") / place.namespace
    directory.mkdir(parents=True)
    try:
        (directory / "hosts").write_text(
            "".join(f"{address} {name}.test\n" for name, address in hosts.items()),
            encoding="utf-8")
        (directory / "resolv.conf").write_text("nameserver 10.78.0.53\n", encoding="utf-8")
        place.run("ip", "neigh", "add", "10.78.0.53", "lladdr", "02:00:0a:4e:00:35", "dev",
                  "eth0", "nud", "permanent")
        yield directory / "hosts"
    finally:
        shutil.rmtree(directory)


def slowest_status_ms(place, seconds):
    """How long the agent, which has one loop for all, takes at most to answer over its socket."""
    slowest, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as handle:
            handle.settimeout(5)
            handle.connect(str(place.directory / "run/ooha.sock"))
            handle.sendall(b"GET /v1/status HTTP/1.0\r\n\r\n")
            expect(handle.recv(64).startswith(b"HTTP/1."), "the agent does not answer")
        slowest = max(slowest, (time.monotonic() - began) * 1000)
        time.sleep(0.01)
    return slowest


@case
def names_that_hang(place):
    """The resolver swallows all questions: renewals go on, the loop never waits."""
    with names(place, etcd="127.0.0.1") as hosts:
        place.etcd()
        agent = holder(place, place.config(endpoint="http://etcd.test:2379, "
                       "http://hole-1.test:2379, http://hole-2.test:2379"))
        with Vip(place) as vip:
            time.sleep(1)
            hosts.write_text("", encoding="utf-8")  # the same inode, so it shows inside
            slowest_ms = slowest_status_ms(place, TTL_S + 2)
        vip.expect_stayed()
        expect(slowest_ms < 150, f"the agent was away for {slowest_ms:.0f} ms")
        began = time.monotonic()
        expect_end(agent, 1)
        expect(time.monotonic() - began < 1.5, "the end took long")


@case
def names_that_hang_from_the_start(place):
    """No name can be resolved: said once, the loop never waits, threads do not pile up."""
    with names(place):
        agent = place.agent(place.config(endpoint="http://a.test:2379, http://b.test:2379, "
                                         "http://c.test:2379"))
        wait_started(agent)
        line = wait_line(agent, "etcd: ")
        expect(re.fullmatch(r"etcd: (http://[abc]\.test:2379: no connection within \d+ ms(; )?)+",
                            line), f"said {line!r}")
        slowest_ms = slowest_status_ms(place, 8)
        expect(slowest_ms < 150, f"the agent was away for {slowest_ms:.0f} ms")
        n_threads = len(os.listdir(f"/proc/{agent.pid}/task"))
        expect(n_threads < 100, f"{n_threads} threads wait for names")
        expect(of_etcd(agent) == [line], f"said {of_etcd(agent)}")
        began = time.monotonic()
        expect_end(agent, TTL_S + 1)
        expect(time.monotonic() - began < TTL_S + 1, "the end took long")


# -- the runtime directory


NOT_SAVED = "tenure not saved, a restart will cost a failover: "


@contextlib.contextmanager
def small_disk(place):
    """A file system of its own for the runtime directory; gives its path."""
    path = place.directory / "small"
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "small", path)
    try:
        yield path
    finally:
        run("umount", "--lazy", path)


def spoilt_disk(place, path, spoil, heal, why):
    """The disk is spoilt under a holder, who then loses the claim and takes it again."""
    place.etcd()
    agent = holder(place, place.config(runtime=path))
    before = (path / "tenure.json").read_text(encoding="utf-8")
    spoil()
    place.etcdctl("del", "--prefix", "/ooha/office/groups/")
    line = wait_line(agent, NOT_SAVED)
    expect(line == f"{NOT_SAVED}{path}/tenure.json.new: {why}", f"said {line!r}")
    wait_for(lambda: any("epoch 2" in line for line in lines_of(agent)) and place.has_vip(),
             PATIENCE_S, lambda: f"it holds again: {lines_of(agent)}")
    with Vip(place) as vip:
        time.sleep(1.5)
    vip.expect_stayed()
    expect(lines_of(agent).count(line) == 1, f"said more than once: {lines_of(agent)}")
    expect((path / "tenure.json").read_text(encoding="utf-8") == before, "the tenure was spoilt")
    heal()
    wait_line(agent, "tenure saved again")
    # the next agent has it all back: nothing moves, though this one is killed
    with Vip(place) as vip:
        agent.signal(signal.SIGKILL)
        agent.wait_dead(5)
        agent = place.agent(place.config(runtime=path), "second")
        wait_line(agent, r"office: \S+ -> active")
        time.sleep(0.5)
    vip.expect_stayed()
    expect_end(agent, 1)


@case
def disk_full(place):
    """The runtime directory's disk is full: said once, the VIP stays; saved again when it can."""
    with small_disk(place) as path:
        filler = path / "filler"
        spoilt_disk(place, path, lambda: fill_disk(filler), filler.unlink, "No space left on device")


@case
def disk_full_at_the_start(place):
    """An agent dies on a full disk: the next one starts, says so, and the VIP stays all the same."""
    with small_disk(place) as path:
        place.etcd()
        agent = holder(place, place.config(runtime=path))
        fill_disk(path / "filler")
        with Vip(place) as vip:
            agent.signal(signal.SIGKILL)
            agent.wait_dead(5)
            agent = place.agent(place.config(runtime=path), "second")
            wait_line(agent, NOT_SAVED)
            wait_line(agent, r"office: \S+ -> active")
            time.sleep(0.5)
        vip.expect_stayed()
        (path / "filler").unlink()
        wait_line(agent, "tenure saved again")
        expect_end(agent, 1)


@case
def disk_read_only(place):
    """The runtime directory becomes read-only: said once, the VIP stays; saved again after."""
    with small_disk(place) as path:
        spoilt_disk(place, path, lambda: run("mount", "-o", "remount,ro", path),
                    lambda: run("mount", "-o", "remount,rw", path), "Read-only file system")


@case
def stale_tenure(place):
    """A tenure that is out of date is no claim: not adopted, and the epoch grows."""
    with small_disk(place) as path:
        place.etcd()
        agent = holder(place, place.config(runtime=path))
        run("mount", "-o", "remount,ro", path)
        place.etcdctl("del", "--prefix", "/ooha/office/groups/")
        wait_line(agent, NOT_SAVED)
        wait_for(lambda: any("epoch 2" in line for line in lines_of(agent)), PATIENCE_S,
                 "it claims again")
        agent.signal(signal.SIGKILL)
        agent.wait_dead(5)
        run("mount", "-o", "remount,rw", path)
        began = time.monotonic()
        agent = place.agent(place.config(runtime=path), "second")
        wait_for(lambda: any("epoch 3" in line for line in lines_of(agent)), PATIENCE_S,
                 lambda: f"a later tenure: {lines_of(agent)}")
        expect(time.monotonic() - began > TTL_S - 1, "it did not wait for the claim's ttl")
        expect_end(agent, 1)


# -- compactions


class Compacting:
    """A way to etcd on which etcd is compacted just before a watch is asked for."""

    PORT = 2479

    def __init__(self, place):
        self.place, self.compacts = place, True
        self.listener = inside(place.namespace, lambda: socket.create_server(
            ("127.0.0.1", self.PORT)))
        threading.Thread(target=self.serve, daemon=True).start()

    def ask(self, path, **fields):
        answer = http_request(self.place.namespace, "127.0.0.1", 2379, path, json.dumps(fields))
        return json.loads(answer[2])["header"]["revision"]

    def compact(self):
        for _ in range(3):
            revision = self.ask("/v3/kv/put", key="L2xhYg==", value="")  # "/lab"
        self.ask("/v3/kv/compaction", revision=revision)

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                etcd = inside(self.place.namespace,
                              lambda: socket.create_connection(("127.0.0.1", 2379)))
                for ends in ((client, etcd), (etcd, client)):
                    threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.compacts and b"/v3/watch" in data:
                    self.compact()
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


@case
def compacted_before_a_watch(place):
    """etcd is compacted before a watch stands: opened anew, nothing is said, nothing moves."""
    place.etcd()
    way = Compacting(place)
    path = place.config(endpoint=f"http://127.0.0.1:{way.PORT}")
    agent = place.start("agent", place.tool("agent/ooha-agent"), "--debug", "--config", path)
    wait_started(agent)
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")

    def compacted():
        return [line for line in lines_of(agent) if re.match("watch ended: .*compacted", line)]
    with Vip(place) as vip:
        wait_for(lambda: len(compacted()) > 2, PATIENCE_S,
                 lambda: f"watches end: {lines_of(agent)}")
        way.compacts = False
        n = len(compacted())
        time.sleep(2.5)  # the holder reads, and opens the watch, this often
        expect(len(compacted()) <= n + 1, "it does not come to an end")
        began = time.monotonic()
        place.etcdctl("put", "/ooha/office/members/node-x", "nonsense")
        wait_line(agent, "/ooha/office/members/node-x: ")
        took_s = time.monotonic() - began
    vip.expect_stayed()
    expect(took_s < 1, f"no watch stands: the change was seen after {took_s:.1f} s")
    expect_quiet(agent)
    way.close()
    expect_end(agent, 1)


if __name__ == "__main__":
    sys.exit(cases.main(__doc__))
