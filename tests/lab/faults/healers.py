"""What cases are made of: each breaks one thing on entering and mends it on leaving."""

import contextlib
import os
import signal

import files
from netns import LabError, nft, run, wait_for

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
    nft(stage.node, f"table inet {TABLE} {{\nchain all {{ type filter hook {hook} priority -10;\n"
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
