"""What breaks at the Document Server itself: docservice, its settings, its converter, its files."""

import contextlib
import os
import pathlib

from case import case
from healers import (docservice_with, ended, frozen, held, listening, mode, moved, remounted)
from netns import LabError, fill_disk, wait_for
from stage import NODE

MEMORY = pathlib.Path("/sys/fs/cgroup/memory/ooha-faults")
CRASHES = 3


@case("docservice is stopped", "document server stopped")
def stopped(stage):
    with ended(stage, "docservice"):
        stage.see(80, "502")
        yield


@case("docservice hangs", "document server hung")
def hung(stage):
    with frozen(stage, [stage.processes["docservice"].pid]):
        stage.see(8000, "silent", "/index.html")
        yield


@case("docservice computes for ever and answers nobody", "document server hung",
      "document server busy")
def busy(stage):
    os.setpriority(os.PRIO_PROCESS, stage.processes["docservice"].pid, 10)
    with mode(stage, "spin"):
        stage.see(8000, "silent", "/index.html")
        yield
    stage.end("docservice")  # not nice any more
    stage.start("docservice")


@case("docservice started while PostgreSQL was down, which is back",
      "document server never listening")
def never_listening(stage):
    with ended(stage, "docservice"):
        with ended(stage, "postgres"):
            stage.start("docservice")
            stage.said("docservice", "getTableColumns error")
        wait_for(lambda: stage.accepts(5432), 5, "PostgreSQL listens")
        stage.see(80, "502")
        yield
        stage.end("docservice")


@case("docservice waits for its broker, which is down", "document server waits for broker",
      "broker stopped")
def waits_for_broker(stage):
    with ended(stage, "docservice"), ended(stage, "rabbitmq"):
        stage.start("docservice")
        stage.said("docservice", "[AMQP] Error: connect ECONNREFUSED")
        yield


@case("another program has port 8000", "document server port taken")
def port_taken(stage):
    with ended(stage, "docservice"), listening(stage, "minio", 8000):
        stage.start("docservice")
        stage.said("docservice", "EADDRINUSE")
        wait_for(lambda: not stage.is_running("docservice"), 5, "docservice gives up")
        yield


@case("local.json is broken", "document server configuration broken")
def config_broken(stage):
    text = '{\n  "services": {\n    "CoAuthoring": {\n      "sql": {"dbHost": "localhost",}\n'
    with docservice_with(stage, text=text):
        stage.said("docservice", "Cannot parse config file")
        stage.see(80, "502")
        yield


@case("docservice dies of an exception each time it was started", "document server crashing")
def crashing(stage):
    with ended(stage, "docservice"), mode(stage, "crash"):
        for _ in range(CRASHES):
            stage.start("docservice")
            wait_for(lambda: not stage.is_running("docservice"), 5, "docservice dies")
        stage.see(80, "502")
        yield


@case("the kernel ended docservice: out of memory", "document server out of memory")
def killed_for_memory(stage):
    process = stage.processes["docservice"]
    MEMORY.mkdir(exist_ok=True)
    (MEMORY / "memory.limit_in_bytes").write_text(str(96 << 20), "ascii")
    (MEMORY / "cgroup.procs").write_text(str(process.pid), "ascii")
    with mode(stage, "fat"):
        wait_for(lambda: not process.is_alive(), 10, "the kernel kills it")
        MEMORY.rmdir()
        stage.see(80, "502")
        yield


@case("docservice ended: its JavaScript heap is full", "document server out of memory")
def heap_full(stage):
    with mode(stage, "heap"):
        wait_for(lambda: not stage.is_running("docservice"), 5, "it aborts")
        yield


@case("docservice is drained", "document server drained")
def drained(stage):
    def put():
        with contextlib.suppress(LabError):
            stage.exec("curl", "-s", "-m", "0.5", "-X", "PUT",
                       "http://127.0.0.1:8000/internal/cluster/inactive", check=False)
    put()
    try:
        stage.see(8000, '200 {"shutdown":true}', "/internal/cluster/inactive")
        stage.see(80, "200 true")
        yield
    finally:
        stage.end("docservice")
        stage.start("docservice")


@case("docservice has no file descriptor left", "document server descriptors exhausted")
def descriptors(stage):
    stage.end("docservice")
    stage.start("docservice", before=["prlimit", "--nofile=32:32"])
    stage.see(80, "200 true")
    try:
        with held(stage.client, NODE, 8000, 32):
            stage.see(8000, "silent", "/index.html")
            yield
    finally:
        stage.end("docservice")
        stage.start("docservice")


@case("the IP filter refuses the proxy", "document server IP filter")
def ip_filter(stage):
    with docservice_with(stage, ip_filter=True):
        stage.see(80, "403")
        yield


@case("the JWT secret was changed, docservice has the old one", "token secret mismatch")
def token_mismatch(stage):
    stage.write_settings(secret="another-secret-than-before")
    try:
        yield
    finally:
        stage.write_settings()


# -- the converter

@case("the converter is stopped", "converter stopped")
def converter_stopped(stage):
    with ended(stage, "converter"):
        wait_for(lambda: stage.consumers() == 0, 5, "nobody consumes")
        stage.see(80, "200 true")
        yield


@case("the converter runs and takes no work", "converter not consuming")
def converter_idle(stage):
    stage.end("converter")
    stage.start("converter", "--idle")
    try:
        wait_for(lambda: stage.consumers() == 0, 5, "nobody consumes")
        yield
    finally:
        stage.end("converter")
        stage.start("converter")


@case("the converter hangs", "converter not consuming")
def converter_hung(stage):
    with frozen(stage, stage.pids("converter")):
        yield


# -- the storage

@case("the storage is missing", "storage missing")
def storage_missing(stage):
    with moved(stage.directory / "storage/files"):
        stage.see(80, "200 true")
        stage.said("docservice", "healthCheck storage")
        yield


@case("the storage belongs to somebody else", "storage denied")
def storage_denied(stage):
    path = stage.directory / "storage/files"
    os.chown(path, 0, 0)
    try:
        stage.see(80, "200 true")
        stage.said("docservice", "healthCheck storage")
        yield
    finally:
        user = pathlib.Path(stage.log("docservice")).parent.stat()
        os.chown(path, user.st_uid, user.st_gid)


@case("the storage is read-only", "storage read only")
def storage_read_only(stage):
    with remounted(stage.directory / "storage", "ro"):
        stage.see(80, "200 true")
        stage.said("docservice", "EROFS")
        yield


@case("the storage is full", "storage full")
def storage_full(stage):
    path = stage.directory / "storage/filler"
    fill_disk(path)
    try:
        stage.see(80, "200 true")
        yield
    finally:
        path.unlink()
