"""What cases are made of: each breaks one thing on entering and mends it on leaving."""

import contextlib
import os
import shutil
import signal
import socket

import files
from netns import LabError, inside, nft, run, wait_for
from process import Process
from stage import HERE

TABLE = "ooha_faults"


@contextlib.contextmanager
def proxy_with(stage, **changes):
    """nginx with other files."""
    stage.end("nginx")
    files.write_proxy(stage.directory, files.Proxy(**changes))
    stage.start("nginx")
    try:
        wait_for(lambda: stage.pids("nginx")[1:] or not stage.is_running("nginx"), 5, "nginx runs")
        yield
    finally:
        stage.end("nginx")
        files.write_proxy(stage.directory, files.Proxy())
        stage.start("nginx")


@contextlib.contextmanager
def ended(stage, *services):
    """Services that were stopped, and are started again."""
    for service in services:
        stage.end(service)
    try:
        yield
    finally:
        for service in reversed(services):
            stage.start(service)


@contextlib.contextmanager
def docservice_with(stage, *more, **changes):
    """The Document Server started with another local.json (text="..." or settings) or command."""
    stage.end("docservice")
    if changes:
        stage.write_settings(**changes)
    stage.start("docservice", *more)
    try:
        yield
    finally:
        stage.end("docservice")
        stage.write_settings()
        stage.start("docservice")


@contextlib.contextmanager
def mode(stage, *words):
    """One of the stand-in's own ways of going wrong."""
    path = stage.directory / "mode"
    files.write(path, " ".join(words) + "\n")
    try:
        yield
    finally:
        path.unlink()
        if not stage.is_running("docservice"):
            stage.start("docservice")


@contextlib.contextmanager
def frozen(stage, pids):
    """Processes that are there and do nothing (SIGSTOP)."""
    if not pids:
        raise LabError("nothing to stop")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def filtered(stage, *rules, hook="output"):
    """Packets that the node's own rules refuse or drop."""
    nft(stage.node, f"table inet {TABLE} {{\nchain faults {{ type filter hook {hook} priority -10;\n"
        + "\n".join(rules) + "\n}\n}\n")
    try:
        yield
    finally:
        nft(stage.node, f"delete table inet {TABLE}\n")


@contextlib.contextmanager
def named(stage, **zone):
    """Names that the name server knows; an underscore stands for a dot."""
    known = ", ".join(f'"{name.replace("_", ".")}": "{at}"' for name, at in zone.items())
    path = stage.directory / "names.json"
    files.write(path, "{" + known + "}")
    try:
        yield
    finally:
        files.write(path, "{}")


@contextlib.contextmanager
def moved(path):
    """A file or folder that is not where it belongs."""
    away = path.with_name(path.name + ".away")
    path.rename(away)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
        away.rename(path)


@contextlib.contextmanager
def remounted(path, option):
    run("mount", "-o", f"remount,{option}", path)
    try:
        yield
    finally:
        run("mount", "-o", "remount,rw", path)


@contextlib.contextmanager
def held(namespace, host, port, n, at_least=0, say=b""):
    """Connections that somebody opened, and said so much on; fewer when no more are had."""
    opened = []

    def connect():
        with contextlib.suppress(OSError):
            for _ in range(n):
                opened.append(socket.create_connection((host, port), 0.5))
                opened[-1].sendall(say)
    inside(namespace, connect)
    try:
        if len(opened) < at_least:
            raise LabError(f"{len(opened)} connections, at least {at_least}")
        yield
    finally:
        for connection in opened:
            connection.close()


@contextlib.contextmanager
def program(stage, name, *command, namespace=None):
    """A further program on the node, or elsewhere, under that name."""
    if name not in ("relay", "names"):
        path = stage.directory / "bin" / name
        if not path.exists():
            shutil.copy(os.path.realpath("/usr/bin/python3"), path)
        command = (path, *command)
    else:
        command = ("/usr/bin/python3", *command)
    (stage.directory / f"{name}.log").write_text("")
    process = Process.start(name, namespace or stage.node, command, stage.directory / f"{name}.log")
    try:
        yield process
    finally:
        process.signal(signal.SIGKILL, whole_group=True)
        process.wait_dead(5)


@contextlib.contextmanager
def listening(stage, name, port):
    """Another program of that name that has the port, and answers HTTP after its own fashion."""
    with program(stage, name, "-m", "http.server", str(port), "--bind", "::", "--directory",
                 "/nonexistent"):
        wait_for(lambda: stage.accepts(port), 5, f"{name} has port {port}")
        yield


@contextlib.contextmanager
def relayed(stage, at, to, namespace=None):
    """A relay from "unix:PATH" or "ADDRESS:PORT" to "ADDRESS:PORT"."""
    with program(stage, "relay", HERE / "standin/relay.py", at, to, namespace=namespace) as process:
        wait_for(lambda: "ready" in process.tail(1), 5, "the relay is ready")
        yield process


@contextlib.contextmanager
def setting(stage, key, value):
    """A sysctl of the node's network."""
    before = stage.exec("sysctl", "-n", key).stdout.strip()
    stage.exec("sysctl", "-q", "-w", f"{key}={value}")
    try:
        yield
    finally:
        stage.exec("sysctl", "-q", "-w", f"{key}={before}")
