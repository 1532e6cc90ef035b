#!/usr/bin/python3
"""What the agent says when it cannot work: at start, and with an etcd that is bad in every way.

Each case has a network namespace, a directory and, where it takes one, an etcd of its own (root).
"""

import json
import re
import signal
import sys
import time

sys.dont_write_bytecode = True

from cases import Cases  # noqa: E402
from netns import addresses, run, wait_for  # noqa: E402
from place import (  # noqa: E402
    HOLE, PATIENCE_S, TTL_S, VIP, expect, expect_end, lines_of, wait_line, wait_started)

QUIET_S = 2.5  # several retries of everything that is retried
RAW = r"curl|Failed to connect|after \d+ ms|routines|error:|OpenSSL|errno|rpc error"

CHECKS = """\
checks:
  - name: door
    type: tcp
    address: 127.0.0.1:8009
    interval: {interval}
    rise: 1
    fall: 1
"""
LISTEN = "  listen: 127.0.0.1:8009\n"

cases = Cases("refusals")
case = cases.case


# -- refused at start


def expect_refusal(place, status, line, words, wrap=()):
    """The agent is started with words and ends at once: one line, and that exit status."""
    done = place.run(*wrap, place.tool("agent/ooha-agent"), *words, check=False)
    said = done.stderr.splitlines()
    expect(done.returncode == status, f"exit status {done.returncode}, not {status}: {said}")
    expect(len(said) == 1, f"not one line: {said}")
    expect(said[0] == "ooha-agent: " + line, f"said {said[0]!r}, not {line!r}")
    expect(done.stdout == "", f"on standard output: {done.stdout!r}")


@case
def unknown_options(place):
    """An unknown option, an option without its value, a word too many: 64."""
    expect_refusal(place, 64, "unrecognized option '--frobnicate'", ["--frobnicate"])
    expect_refusal(place, 64, "invalid option -- 'x'", ["-x"])
    expect_refusal(place, 64, "option requires an argument -- 'c'", ["-c"])
    expect_refusal(place, 64, "unexpected argument 'start'", ["start"])


@case
def configuration_that_is_not_there(place):
    """A configuration that is missing, a directory, or not to be read: 78, and its name."""
    path = place.directory / "none.yaml"
    expect_refusal(place, 78, f"{path}: cannot be read: No such file or directory", ["-c", path])
    expect_refusal(place, 78, f"{path.parent}: not a file; name a YAML file",
                   ["-c", path.parent])
    secret = place.write("secret.yaml", "")
    secret.chmod(0)
    nobody = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    expect_refusal(place, 78, f"{secret}: cannot be read: Permission denied", ["-c", secret],
                   nobody)


@case
def configuration_that_is_wrong(place):
    """An unknown key: 78, with file, line and what was meant."""
    path = place.config()
    path.write_text(path.read_text().replace("cluster:", "clustre:"))
    expect_refusal(place, 78, f"{path}:1: clustre: unknown key; did you mean 'cluster'?",
                   ["-c", path])
    path = place.config(ttl_s=0.2)
    done = place.run(place.tool("agent/ooha-agent"), "-c", path, check=False)
    expect(done.returncode == 78 and re.fullmatch(
        rf"ooha-agent: {path}:7: lease.ttl: .*\n", done.stderr), f"a ttl of 0.2 s: {done.stderr!r}")


@case
def check_says_all_of_it(place):
    """--check: every problem on a line of its own and 78; nothing and 0 for a good file."""
    path = place.config()
    agent = place.tool("agent/ooha-agent")
    done = place.run(agent, "--check", "-c", path, check=False)
    expect((done.returncode, done.stdout, done.stderr) == (0, "", ""), f"a good file: {done}")
    path.write_text(path.read_text().replace("cluster:", "clustre:").replace(VIP, "300.1.1.1"))
    done = place.run(agent, "--check", "-c", path, check=False)
    said = done.stderr.splitlines()
    expect(done.returncode == 78, f"exit status {done.returncode}")
    for start in (f"{path}:1: clustre: unknown key", f"{path}:1: cluster: missing",
                  f"{path}:11: groups[0].vips[0].address: '300.1.1.1/24': "):
        expect(sum(line.startswith(start) for line in said) == 1, f"{start!r} in {said}")
    expect(len(said) == 3, f"more than is wrong: {said}")


@case
def what_the_host_lacks(place):
    """No such interface, no directory for the socket, not our address: 69; it may come."""
    expect_refusal(place, 69, 'group office: no such interface "eth9"',
                   ["-c", place.config(interface="eth9")])
    path = place.directory / "nowhere" / "ooha.sock"
    expect_refusal(place, 69, f"socket {path}: its directory does not exist; create it with "
                   "RuntimeDirectory=ooha in the unit, or by hand",
                   ["-c", place.config(socket=path)])
    expect_refusal(place, 69, "listen on 10.9.9.9:8009: this host does not have that address",
                   ["-c", place.config(api="  listen: 10.9.9.9:8009\n")])
    path = place.directory / "missing/run"
    expect_refusal(place, 69, f"runtime_directory: {path}/tenure.json.new: No such file or "
                   "directory", ["-c", place.config(runtime=path)])
    expect(not (place.directory / "run/ooha.sock").exists(), "left its socket behind")


@case
def socket_and_port_that_are_taken(place):
    """Another agent on the socket, a file in its place, another program on the port: 73."""
    path = place.config()
    first = place.agent(path)
    wait_started(first)
    live = place.directory / "run/ooha.sock"
    expect_refusal(place, 73, f"another agent answers on {live}", ["-c", path])
    expect(place.status()[0] == 2, "the first agent no longer answers")
    file = place.write("file", "")
    expect_refusal(place, 73, f"{file} is there and is not a socket: move it away",
                   ["-c", place.config(socket=file)])
    place.serve(8009, 200, b"")
    expect_refusal(place, 73, "listen on 127.0.0.1:8009: another program listens there",
                   ["-c", place.config(socket=place.directory / "run/other", api=LISTEN)])


@case
def stale_socket(place):
    """The socket of an agent that was killed is replaced."""
    path = place.config()
    first = place.agent(path)
    wait_started(first)
    first.signal(signal.SIGKILL)
    expect(first.wait_dead(5), "SIGKILL")
    expect((place.directory / "run/ooha.sock").exists(), "no socket was left: nothing to prove")
    second = place.agent(path, "second")
    wait_started(second)
    expect(place.status()[0] == 2, "the second agent does not answer")
    expect_end(second, TTL_S + 1)
    expect(not (place.directory / "run/ooha.sock").exists(), "left its socket behind")


@case
def privileges_that_are_missing(place):
    """Without CAP_NET_ADMIN or CAP_NET_RAW: 77 at start, not at the first promotion."""
    path = place.config()
    expect_refusal(place, 77, "addresses cannot be changed: Operation not permitted "
                   "(needs CAP_NET_ADMIN)", ["-c", path],
                   ("setpriv", "--bounding-set=-net_admin"))
    expect_refusal(place, 77, "group office: packet socket (needs CAP_NET_RAW): "
                   "Operation not permitted", ["-c", path],
                   ("setpriv", "--bounding-set=-net_raw"))


@case
def tenure_that_makes_no_sense(place):
    """Garbage in the tenure file: said, and nothing is adopted."""
    file = place.write("run/tenure.json", "[" * 200000)
    agent = place.agent(place.config())
    wait_started(agent)
    expect(lines_of(agent)[0] == f"{file} makes no sense: nothing is adopted",
           f"said {lines_of(agent)}")
    expect_end(agent, TTL_S + 1)


# -- an etcd that is bad


def expect_trouble(place, path, pattern, quiet_s=QUIET_S):
    """The agent stays up, says what is wrong once, shows it in its status, and ends in time."""
    agent = place.agent(path)
    line = wait_line(agent, "etcd: ", TTL_S + 2)
    expect(re.fullmatch("etcd: " + pattern, line), f"said {line!r}, not {pattern!r}")
    expect(not re.search(RAW, line), f"a raw text: {line!r}")
    time.sleep(quiet_s)
    said = lines_of(agent)[1:]
    expect(said == [line], f"more than one line: {said}")
    status, text = place.status()
    expect(status == 2, f"ooha status exits {status}, not 2")
    expect(re.search(f"CRITICAL: etcd: {pattern}", text),
           f"ooha status does not say {pattern!r}: {text}")
    expect(not place.has_vip(), "the VIP is up")
    expect_end(agent, TTL_S + 1)


@case
def etcd_refuses_connections(place):
    """Nobody listens where etcd should be."""
    expect_trouble(place, place.config(), r"http://127\.0\.0\.1:2379: Connection refused")


@case
def etcd_swallows_packets(place):
    """A firewall drops what goes to etcd."""
    expect_trouble(place, place.config(endpoint=f"http://{HOLE}:2379"),
                   rf"http://{HOLE}:2379: no connection within \d+ ms")


@case
def no_member_is_right(place):
    """Three members with the same fault: all are named, the fault is explained once."""
    for port in (2379, 2389, 2399):
        place.serve(port, 404, b"")
    endpoints = ", ".join(f"http://127.0.0.1:{port}" for port in (2379, 2389, 2399))
    expect_trouble(place, place.config(endpoint=endpoints),
                   r"http://127\.0\.0\.1:23.9: answers HTTP but has no /v3 gateway: set [^;]*; "
                   r"http://127\.0\.0\.1:23.9: the same; http://127\.0\.0\.1:23.9: the same")


@case
def etcd_has_no_name(place):
    """The host name of the endpoint is not known."""
    expect_trouble(place, place.config(endpoint="http://etcd.invalid:2379"),
                   r"http://etcd\.invalid:2379: the host name cannot be resolved")


@case
def page_instead_of_etcd(place):
    """A web server with a page for everything."""
    place.serve(2379, 200, b"<html><body>It works!</body></html>")
    expect_trouble(place, place.config(), r'http://127\.0\.0\.1:2379: HTTP 200 that is not an '
                   r'answer of etcd\'s: "<html><body>It works!</body></html>"')


@case
def web_server_instead_of_etcd(place):
    """A web server that knows no /v3."""
    place.serve(2379, 404, b"<html>nothing here</html>")
    expect_trouble(place, place.config(), r"http://127\.0\.0\.1:2379: answers HTTP but has no "
                   r"/v3 gateway: set enable-grpc-gateway: true in etcd's configuration file "
                   r"\(etcd 3\.4 or later is needed\)")


@case
def etcd_without_gateway(place):
    """etcd 3.4 with a configuration file has its gateway off unless told otherwise."""
    file = place.write("etcd.conf", "\n".join((
        f"data-dir: {place.directory}/etcd", "listen-client-urls: http://127.0.0.1:2379",
        "advertise-client-urls: http://127.0.0.1:2379",
        "listen-peer-urls: http://127.0.0.1:2380", "")))
    place.etcd("--config-file", file, flags=False)
    expect_trouble(place, place.config(), r"http://127\.0\.0\.1:2379: answers HTTP but has no "
                   r"/v3 gateway: set enable-grpc-gateway: true .*")


@case
def tls_etcd_asked_in_plain(place):
    """http:// for an etcd with TLS."""
    place.etcd(*place.certificates(), scheme="https")
    expect_trouble(place, place.config(), r"http://127\.0\.0\.1:2379: it closed the connection "
                   r"without an answer: if it speaks TLS, write https:// in etcd\.endpoints")


@case
def plain_etcd_asked_in_tls(place):
    """https:// for an etcd without TLS."""
    place.etcd()
    expect_trouble(place, place.config(endpoint="https://127.0.0.1:2379"),
                   r"https://127\.0\.0\.1:2379: no TLS handshake: if it does not speak "
                   r"TLS, write http:// in etcd\.endpoints")


@case
def etcd_wants_a_certificate(place):
    """etcd asks clients for certificates, and none is configured."""
    place.etcd(*place.certificates(), "--client-cert-auth", "--trusted-ca-file",
               place.directory / "ca.pem", scheme="https")
    ca_file = place.directory / "ca.pem"
    expect_trouble(place, place.config(endpoint="https://127.0.0.1:2379",
                                       etcd=f"  ca_file: {ca_file}\n"),
                   r"https://127\.0\.0\.1:2379: it refuses our side of TLS: .*bad certificate: "
                   r"check etcd\.cert_file and etcd\.key_file")


@case
def etcd_of_another_ca(place):
    """A certificate that etcd.ca_file does not vouch for."""
    place.etcd(*place.certificates(), scheme="https")
    ca_file = place.directory / "other.pem"
    expect_trouble(place, place.config(endpoint="https://127.0.0.1:2379",
                                       etcd=f"  ca_file: {ca_file}\n"),
                   r"https://127\.0\.0\.1:2379: its certificate is not trusted: unable to get "
                   r"local issuer certificate: check etcd\.ca_file")


@case
def etcd_of_another_name(place):
    """A certificate for another name."""
    place.etcd(*place.certificates(), scheme="https")
    ca_file = place.directory / "ca.pem"
    expect_trouble(place, place.config(endpoint="https://localhost:2379",
                                       etcd=f"  ca_file: {ca_file}\n"),
                   r"https://localhost:2379: its certificate does not name this host: write "
                   r"the name that it has in etcd\.endpoints, or issue one .*")


def make_users(place):
    """etcd with authentication: root, ooha (no rights), reader, and ooha2 (as it should be)."""
    place.etcd()
    for words in ("user add root:root", "user grant-role root root", "user add ooha:right",
                  "user add reader:right", "role add reader",
                  "role grant-permission reader read /ooha/ --prefix=true",
                  "user grant-role reader reader", "user add ooha2:right", "role add ooha",
                  "role grant-permission ooha readwrite /ooha/office/ --prefix=true",
                  "user grant-role ooha2 ooha", "auth enable"):
        place.etcdctl(*words.split())


GRANT = (r"permission denied: give the user a role with readwrite on our prefix: etcdctl role "
         r"grant-permission <role> readwrite /ooha/<cluster>/ --prefix=true")


@case
def etcd_wants_a_user(place):
    """Authentication is on, and no user is configured."""
    make_users(place)
    expect_trouble(place, place.config(), r"http://127\.0\.0\.1:2379: etcdserver: user name is "
                   r"empty: etcd has authentication on: set etcd\.username and "
                   r"etcd\.password_file")


@case
def etcd_knows_another_password(place):
    """A wrong password."""
    make_users(place)
    expect_trouble(place, place.as_user("ooha", "wrong"),
                   r"login: http://127\.0\.0\.1:2379: etcdserver: authentication failed, invalid "
                   r"user ID or password: check etcd\.username and etcd\.password_file")


@case
def etcd_user_without_rights(place):
    """A user who may not read our keys: what to grant."""
    make_users(place)
    expect_trouble(place, place.as_user("ooha", "right"),
                   r"http://127\.0\.0\.1:2379: etcdserver: " + GRANT)


@case
def etcd_user_who_may_only_read(place):
    """A user who may read but not write: what to grant, once, though reads succeed."""
    make_users(place)
    expect_trouble(place, place.as_user("reader", "right"),
                   r"http://127\.0\.0\.1:2379: etcdserver: " + GRANT, TTL_S + QUIET_S)


@case
def etcd_user_with_rights(place):
    """A user with exactly the rights that the text names is enough."""
    make_users(place)
    agent = place.agent(place.as_user("ooha2", "right"))
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    expect(not any(line.startswith("etcd") for line in lines_of(agent)), f"{lines_of(agent)}")
    expect_end(agent, 1)
    expect(not place.has_vip(), "the VIP is still up")


@case
def etcd_comes_late(place):
    """etcd is started after the agent: it goes to work by itself, and says so once."""
    agent = place.agent(place.config())
    wait_line(agent, "etcd: ")
    time.sleep(0.5)
    place.etcd()
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    again = [line for line in lines_of(agent) if line.startswith("etcd")]
    expect(len(again) == 2, f"said {again}")
    expect(re.fullmatch(r"etcd answers again, after \d+\.\d s", again[1]), f"said {again[1]!r}")
    expect(place.status()[0] == 1, f"status: {place.status()}")  # alone: degraded
    expect_end(agent, 1)


@case
def garbage_in_etcd(place):
    """Hostile values under our keys: the leader's is waited out, a member's is said once."""
    place.etcd()
    place.etcdctl("put", "/ooha/office/groups/office/leader", "{\"node\":\"\x1b[2J")
    place.etcdctl("put", "/ooha/office/groups/office/beat", "x" * 5000)
    place.etcdctl("put", "/ooha/office/members/node-b", "[" * 1000)
    place.etcdctl("put", "/ooha/office/members/a b", "{}")
    agent = place.agent(place.config())
    began = time.monotonic()
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    expect(time.monotonic() - began > TTL_S - 0.5, "did not wait for the stranger's ttl")
    time.sleep(QUIET_S)
    for text in ("/ooha/office/members/node-b: not a JSON object",
                 "/ooha/office/members/a b: not a node's name: 1 to 63 of letters, digits, '.', "
                 "'_' and '-', a letter or digit first"):
        n = lines_of(agent).count(text)
        expect(n == 1, f"{n} times {text!r} in {lines_of(agent)}")
    place.etcdctl("put", "/ooha/office/members/node-b", "{}")
    wait_line(agent, "/ooha/office/members/node-b: \"node\" is ''; it must be the key's")
    expect_end(agent, 1)


# -- a running agent


@case
def beat_deleted_by_hand(place):
    """The beat alone is deleted: never written again under that claim, which is lost."""
    place.etcd()
    agent = place.agent(place.config())
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    place.etcdctl("del", "/ooha/office/groups/office/beat")
    wait_for(lambda: not place.has_vip(), TTL_S, lambda: f"the VIP is down: {lines_of(agent)}")
    gone = time.monotonic()
    expect(place.etcdctl("get", "/ooha/office/groups/office/beat").stdout == "", "written again")
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up again: {lines_of(agent)}")
    expect(time.monotonic() - gone > TTL_S - 1, "did not wait for a ttl of silence")
    claim = place.etcdctl("get", "/ooha/office/groups/office/leader", "--print-value-only").stdout
    expect(json.loads(claim)["epoch"] == 2, f"the epoch has not grown: {claim}")
    expect_end(agent, 1)


@case
def stop_on_standby(place):
    """SIGTERM on standby: at once."""
    place.etcd()
    place.etcdctl("put", "/ooha/office/pause", "{}")
    agent = place.agent(place.config())
    wait_started(agent)
    time.sleep(1)
    expect_end(agent, 1)
    expect(place.etcdctl("get", "/ooha/office/members/", "--prefix").stdout == "",
           "left its member key behind")


@case
def stop_of_the_holder_without_etcd(place):
    """SIGTERM on the holder while etcd is frozen: the VIP goes at once, the agent in time."""
    etcd = place.etcd()
    agent = place.agent(place.config())
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    etcd.signal(signal.SIGSTOP)
    began = time.monotonic()
    agent.signal(signal.SIGTERM)
    wait_for(lambda: not place.has_vip(), 1, "the VIP is down")
    status = agent.wait_exit(TTL_S + 1)
    expect(status == 0, f"exit status {status} after {time.monotonic() - began:.1f} s: "
           f"{lines_of(agent)}")


@case
def etcd_dies_under_the_holder(place):
    """etcd freezes: the VIP goes before the ttl is over; one line says why, one the end of it.

    An etcd that has just thawed may be slow once more; what is said of that is not looked at.
    """
    etcd = place.etcd()
    agent = place.agent(place.config())
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    etcd.signal(signal.SIGSTOP)
    wait_for(lambda: not place.has_vip(), TTL_S, lambda: f"the VIP is down: {lines_of(agent)}")
    time.sleep(QUIET_S)
    said = [line for line in lines_of(agent) if line.startswith("etcd")]
    expect(len(said) == 1, f"not one line of etcd: {said}")
    expect(re.fullmatch(r"etcd: http://127\.0\.0\.1:2379: no answer within \d+ ms", said[0]),
           f"said {said[0]!r}")
    etcd.signal(signal.SIGCONT)
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up again: {lines_of(agent)}")
    said = [line for line in lines_of(agent) if line.startswith("etcd")]
    expect(len(said) >= 2 and said[1].startswith("etcd answers again"), f"said {said}")
    expect_end(agent, 1)


def reload(place, agent, **changes):
    """Writes the changes and sends SIGHUP; returns all that is said then, but what the checks say."""
    n = len(lines_of(agent))
    if changes:
        place.config(**changes)
    agent.signal(signal.SIGHUP)
    wait_for(lambda: any("reloaded" in line for line in lines_of(agent)[n:]), PATIENCE_S,
             lambda: f"an answer to SIGHUP in {lines_of(agent)[n:]}")
    time.sleep(0.3)
    return [line for line in lines_of(agent)[n:]
            if not line.startswith(("check ", "diagnosis: "))]


@case
def reload_takes_checks_over(place):
    """SIGHUP with other checks: taken over, and what was counted stays."""
    place.serve(8009, 200, b"")
    place.etcd()
    path = place.config(checks=CHECKS.format(interval="1s"))
    agent = place.agent(path)
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    said = reload(place, agent, checks=CHECKS.format(interval="700ms"))
    expect(said == [f"reloaded {path}"], f"said {said}")
    check = place.document()["checks"][0]
    expect((check["interval_ms"], check["state"]) == (700, "up"), f"the check: {check}")
    expect(place.has_vip(), "the VIP went")
    said = reload(place, agent)
    expect(said == [f"reloaded {path}"], f"without a change: said {said}")
    said = reload(place, agent, checks="")
    expect(place.document()["checks"] == [], "the check is still there")
    expect(place.has_vip(), "the VIP went")
    expect_end(agent, 1)


@case
def reload_takes_groups_and_api_over(place):
    """SIGHUP with one more group, other VIPs and other listeners: all there, and nothing began anew."""
    place.serve(8009, 200, b"")
    place.etcd()
    path = place.config()
    agent = place.agent(path)
    wait_for(place.has_vip, PATIENCE_S, lambda: f"the VIP is up: {lines_of(agent)}")
    epoch = place.document()["groups"][0]["epoch"]
    second = "  - name: second\n    vips:\n      - {address: 10.78.0.102/24, interface: eth0}\n"
    added = "      - {address: 10.78.0.101/24, interface: eth0}\n"
    with place.stays(VIP):
        said = reload(place, agent, checks=added + second, api="  listen: 127.0.0.1:8010\n",
                      socket=place.directory / "run/other.sock")
        expect(said[0] == f"reloaded {path}", f"said {said}")
        wait_for(lambda: {VIP, "10.78.0.101", "10.78.0.102"} <= set(addresses(place.namespace)),
                 2 * PATIENCE_S, lambda: f"all VIPs are up: {lines_of(agent)}")
    socket = place.directory / "run/other.sock"
    groups = place.document(socket)["groups"]
    expect([(group["name"], group["role"]) for group in groups] ==
           [("office", "active"), ("second", "active")], f"groups {groups}")
    expect(groups[0]["epoch"] == epoch, "the epoch grew")
    expect(not (place.directory / "run/ooha.sock").exists(), "the socket of before is there")
    said = reload(place, agent, checks="", api="")
    both = "groups: some are gone and others have other VIPs: take one reload for each"
    expect(said == [f"not reloaded: {path}: {both}"], f"said {said}")
    with place.stays(VIP):
        said = reload(place, agent, checks=added, api="")
        expect(f"reloaded {path}" in said, f"said {said}")
        expect("10.78.0.102" not in addresses(place.namespace), "the second group's VIP is there")
        wait_for(lambda: place.document()["groups"][0]["role"] == "active", PATIENCE_S,
                 lambda: f"the first group is adopted: {lines_of(agent)}")
        time.sleep(TTL_S)
    groups = place.document()["groups"]
    expect([(group["name"], group["epoch"]) for group in groups] == [("office", epoch)],
           f"groups {groups}")
    expect_end(agent, 1)


@case
def reload_of_a_bad_file_changes_nothing(place):
    """SIGHUP with a bad file, or what cannot be taken over: said, and nothing changes."""
    checks = CHECKS.format(interval="1s")
    path = place.config(checks=checks)
    agent = place.agent(path)
    wait_line(agent, "etcd: ")
    before = place.document()["checks"]

    def expect_not(what, **changes):
        said = reload(place, agent, checks=checks, **changes)
        expect(said == [f"not reloaded: {path}{what}"], f"{changes}: said {said}")
        after = place.document()["checks"]
        expect([c["interval_ms"] for c in after] == [c["interval_ms"] for c in before],
               f"{changes}: the checks have changed")
        problems = place.document()["problems"]
        expect(said[0] in problems, f"{changes}: the status says {problems}")
    expect_not(":22: api.lisen: unknown key; did you mean 'listen'?", api="  lisen: 1\n")
    restart = ", which takes a restart"
    expect_not(f": cluster: 'office' has become 'home'{restart}", cluster="home")
    expect_not(f": node.name: 'node-a' has become 'node-b'{restart}", node="node-b")
    runtime = place.directory
    expect_not(f": runtime_directory: '{runtime}/run' has become '{runtime}'{restart}",
               runtime=runtime)
    expect_not(": etcd cannot be asked like this: http://127.0.0.1:2399: Connection refused",
               endpoint="http://127.0.0.1:2399")
    expect_not(': group office: no such interface "eth7"', interface="eth7")
    taken = ": listen on 127.0.0.1:8009: another program listens there"
    place.serve(8009, 200, b"")
    expect_not(taken, api=LISTEN)
    expect(place.document()["problems"], "the API is back")
    path.unlink()
    said = reload(place, agent)
    expect(said == [f"not reloaded: {path}: cannot be read: No such file or directory"],
           f"without a file: said {said}")
    place.config(checks=checks)
    expect(reload(place, agent) == [f"reloaded {path}"], "a good file after bad ones")
    problems = place.document()["problems"]
    expect(not any("not reloaded" in problem for problem in problems), f"still: {problems}")
    expect_end(agent, TTL_S + 1)


def make_certificate(place, name):
    """A certificate that signs itself; the configuration's words for it."""
    key, certificate = place.directory / f"{name}.key", place.directory / f"{name}.crt"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate)
    key.chmod(0o600)
    return f"{LISTEN}  tls: {{cert_file: {certificate}, key_file: {key}}}\n"


def is_shown(place, name):
    """Whether the API answers who trusts that certificate alone."""
    done = place.run("sh", "-c", "printf 'GET /live HTTP/1.0\\r\\n\\r\\n' | "
                     "openssl s_client -quiet -connect 127.0.0.1:8009 -verify_return_error "
                     f"-CAfile {place.directory / name}.crt", check=False)
    return '"live":true' in done.stdout


@case
def certificates_of_the_api(place):
    """A key that is not the certificate's: 78, or not reloaded; a renewed one is shown at once."""
    good = make_certificate(place, "good")
    bad = good.replace("good.key", "other.key")
    make_certificate(place, "other")
    wrong = (f"the API's TLS: {place.directory}/other.key: not the key of the certificate in "
             f"{place.directory}/good.crt")
    expect_refusal(place, 78, wrong, ["-c", place.config(api=bad)])
    path = place.config(api=good)
    agent = place.agent(path)
    wait_line(agent, "etcd: ")
    expect(is_shown(place, "good"), "the API does not show the certificate")
    said = reload(place, agent, api=bad)
    expect(said == [f"not reloaded: {path}: {wrong}"], f"said {said}")
    expect(is_shown(place, "good"), "the API no longer shows the certificate")
    old = (place.directory / "good.crt").rename(place.directory / "old.crt")
    make_certificate(place, "good")
    said = reload(place, agent, api=good)
    expect(said == [f"reloaded {path}"], f"said {said}")
    expect(is_shown(place, "good") and not is_shown(place, old.stem), "shows the old certificate")
    expect_end(agent, TTL_S + 1)


if __name__ == "__main__":
    sys.exit(cases.main(__doc__))
