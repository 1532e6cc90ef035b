"""Network namespaces: commands and sockets inside them, the switch's links, one clock."""

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import socket
import struct
import subprocess
import threading
import time
import traceback

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
ETH_P_ARP = 0x0806

os.environ["ETCDCTL_API"] = "3"  # of all that is run from here

libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something in the lab is not as it should be; the text says what."""


def told(error):
    """What went wrong: a LabError in its own words, all else with its type and its place."""
    if isinstance(error, LabError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = [f" ({os.path.basename(frame.filename)}:{frame.lineno}: {frame.line})"
             for frame in frames[-1:]]
    return f"{type(error).__name__}: {error}{''.join(where)}"


def name_of(function):
    """What a scenario, case or step is called."""
    return function.__name__.replace("_", "-")


def in_ms(value_us):
    return "-" if value_us is None else f"{value_us / 1000:.0f}"


def now_us():
    """CLOCK_BOOTTIME in microseconds, as the C tools write it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def wait_for(condition, seconds, what):
    """Polls until condition() is true and returns its value; LabError past the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def run(*command, stdin=None, check=True, timeout=20):
    """Runs a command; LabError with its last words if it fails and check is set, or if it takes
    longer than timeout, in s."""
    try:
        done = subprocess.run([str(word) for word in command], input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(map(str, command))}: not through in {timeout:g} s") from None
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
    return done


def exists(namespace):
    return os.path.exists(f"/run/netns/{namespace}")


def inside(namespace, function):
    """Calls function in a thread that lives in the namespace. Its sockets stay there."""
    result = {}

    def work():
        try:
            with open(f"/run/netns/{namespace}", "rb") as handle:
                if libc.setns(handle.fileno(), CLONE_NEWNET) < 0:
                    raise OSError(ctypes.get_errno(), f"setns {namespace}")
            result["value"] = function()
        except BaseException as error:  # handed to the caller below
            result["error"] = error

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


def http_request(namespace, host, port, path, body=None, timeout=1.0):
    """One HTTP request from within a namespace: (status, headers, body), or None if none came."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.sock = inside(
            namespace, lambda: socket.create_connection((host, port), timeout=timeout))
        connection.request("GET" if body is None else "POST", path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class ArpListener:
    """Hears the ARP packets that reach a namespace's interface, from now on."""

    def __init__(self, namespace, interface="eth0"):
        def listen():
            handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
            handle.bind((interface, ETH_P_ARP))
            handle.setblocking(False)
            return handle
        self.handle = inside(namespace, listen)

    def senders(self):
        """[(MAC, IPv4 address)] of those who spoke, in order; ends the listening."""
        heard = []
        with self.handle:
            while True:
                try:
                    frame = self.handle.recv(128)
                except BlockingIOError:
                    return heard
                heard.append((frame[22:28].hex(":"), socket.inet_ntoa(frame[28:32])))


def set_link(namespace, interface, is_up):
    """Takes a link up or down by ioctl, which unlike a started `ip` acts at once."""
    def act():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
            request = struct.pack("16sH14x", interface.encode(), 0)
            answer = fcntl.ioctl(handle, SIOCGIFFLAGS, request)
            flags = struct.unpack("16sH14x", answer)[1]
            flags = flags | IFF_UP if is_up else flags & ~IFF_UP
            before_us = now_us()
            fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags))
            return before_us
    return inside(namespace, act)


def prefixes(namespace, interface="eth0"):
    """The addresses on an interface: {address: prefix length}."""
    done = run("ip", "-j", "-n", namespace, "addr", "show", "dev", interface, check=False)
    if done.returncode != 0:
        return {}
    links = json.loads(done.stdout or "[]")
    return {info["local"]: info["prefixlen"] for link in links
            for info in link.get("addr_info", []) if "local" in info}


def addresses(namespace, interface="eth0"):
    """The addresses on an interface, without prefix length."""
    return list(prefixes(namespace, interface))


def neighbours(namespace, interface="eth0"):
    """The neighbour table: {address: MAC} of the entries that have one."""
    done = run("ip", "-j", "-n", namespace, "neigh", "show", "dev", interface)
    return {entry["dst"]: entry["lladdr"] for entry in json.loads(done.stdout or "[]")
            if "lladdr" in entry}


def fill_disk(path):
    """Writes to a file until nothing more fits on its disk."""
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:  # ENOSPC
        while True:
            file.write(b"x" * 4096)


def batch(namespace, *lines):
    """Runs ip(8) commands in one process; returns when it began."""
    before_us = now_us()
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")
    return before_us


def nft(namespace, ruleset, check=True):
    """Loads a ruleset; returns the time just before."""
    before_us = now_us()
    run("ip", "netns", "exec", namespace, "nft", "-f", "-", stdin=ruleset, check=check)
    return before_us
