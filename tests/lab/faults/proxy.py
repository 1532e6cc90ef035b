"""What breaks at the proxy: nginx itself, its configuration, its ports, its certificates."""

import contextlib
import os
import signal
import threading

import files
from case import case
from healers import ended, filtered, frozen, held, listening, moved, named, proxy_with
from netns import wait_for
from stage import API_JS, NODE, VIP

USERS_NAME = "docs.office.test"
EDITOR = (b"GET /doc/held/c/?EIO=4&transport=websocket HTTP/1.1\r\nHost: office\r\n"
          b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
USERS_URL = f"https://{USERS_NAME}/web-apps/apps/api/documents/api.js"


@case("nginx is stopped", "proxy stopped", "proxy crashed")
def stopped(stage):
    with ended(stage, "nginx"):
        stage.see(80, "refused")
        yield


@case("nginx: its workers die of a segmentation fault again and again", "proxy crashed")
def crashing(stage):
    over = threading.Event()

    def kill():
        while not over.wait(0.15):
            for pid in stage.pids("nginx")[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSEGV)
    thread = threading.Thread(target=kill)
    thread.start()
    try:
        stage.said("log/nginx-main.error.log", "exited on signal 11")
        yield
    finally:
        over.set()
        thread.join()


@case("nginx: its workers hang", "proxy hung")
def hung(stage):
    with frozen(stage, stage.pids("nginx")[1:]):
        stage.see(80, "silent")
        yield


@case("nginx did not come up again: a semicolon is missing", "proxy configuration broken")
def config_broken(stage):
    with proxy_with(stage, server="client_body_timeout 60s"):
        stage.see(80, "refused")
        yield


@case("nginx did not come up again: no cache_tag", "proxy configuration broken")
def cache_tag(stage):
    with proxy_with(stage, location="add_header X-Cache-Tag $cache_tag;"):
        stage.see(80, "refused")
        yield


@case("nginx runs, but its files were broken since", "proxy configuration broken")
def config_broken_since(stage):
    path = stage.directory / "nginx/includes/ds-common.conf"
    good = path.read_text("utf-8")
    files.write(path, good + "client_max_body_sise 100m;\n")
    try:
        stage.see(80, "200 true")
        yield
    finally:
        files.write(path, good)


@case("the fix in nginx's files was never loaded", "proxy reload needed")
def reload_needed(stage):
    with proxy_with(stage, upstream="server localhost:8001 max_fails=0 fail_timeout=0s;"):
        stage.see(80, "502")
        files.write_proxy(stage.directory, files.Proxy())
        future = os.stat(stage.directory / "nginx/nginx.conf").st_mtime + 2
        os.utime(stage.directory / "nginx/includes/http-common.conf", (future, future))
        yield


@case("another web server has port 80", "proxy port taken")
def port_taken(stage):
    with ended(stage, "nginx"), listening(stage, "apache2", 80):
        stage.start("nginx")
        wait_for(lambda: not stage.is_running("nginx"), 10, "nginx gives up")
        stage.see(80, "404")
        yield


@case("nginx listens on port 8080 only", "proxy listens elsewhere")
def listens_elsewhere(stage):
    with proxy_with(stage, listen="listen 0.0.0.0:8080;"):
        stage.see(80, "refused")
        yield


@case("the packet filter drops port 80", "proxy firewall drop")
def firewall_drop(stage):
    with filtered(stage, "tcp dport 80 drop", hook="input"):
        yield


@case("the packet filter rejects port 80", "proxy firewall reject")
def firewall_reject(stage):
    with filtered(stage, "tcp dport 80 reject with icmpx admin-prohibited", hook="input"):
        yield


@case("nginx: worker_connections are used up", "proxy connections exhausted")
def connections(stage):
    with proxy_with(stage, workers="1", connections=16), held(stage.client, VIP, 80, 24, say=EDITOR):
        stage.said("log/nginx.error.log", "worker_connections are not enough")
        yield


@case("nginx: no file descriptor is left", "proxy descriptors exhausted")
def descriptors(stage):
    with proxy_with(stage, workers="1", main="worker_rlimit_nofile 24;"), \
            held(stage.client, VIP, 80, 32, say=EDITOR):
        stage.said("log/nginx.error.log", "Too many open files")
        yield


@case("nginx: the editor's own files are missing", "fonts or files missing")
def files_missing(stage):
    with moved(stage.directory / API_JS):
        stage.see(80, "404", "/web-apps/apps/api/documents/api.js")
        yield


# -- certificates

@contextlib.contextmanager
def shown(stage, host=USERS_NAME, **changes):
    """The package's template for TLS with a certificate; users come by a name."""
    with named(stage, docs_office_test=VIP), \
            proxy_with(stage, **stage.authority.server(host, **changes)):
        stage.see(80, "200 true")
        wait_for(lambda: stage.accepts(443), 5, "port 443 is open")
        yield


@case("the certificate is expired", "certificate expired")
def expired(stage):
    with shown(stage, from_days=-90, to_days=-2):
        yield USERS_URL


@case("the certificate is expired (no URL is given)", "certificate expired")
def expired_unasked(stage):
    with shown(stage, from_days=-90, to_days=-2):
        yield


@case("the certificate is over in 3 days", "certificate expires soon")
def expires_soon(stage):
    with shown(stage, from_days=-90, to_days=3):
        yield USERS_URL


@case("the certificate is not valid yet", "certificate not yet valid")
def not_yet(stage):
    with shown(stage, from_days=2):
        yield USERS_URL


@case("the certificate is another host's", "certificate for another name")
def other_name(stage):
    with shown(stage, "intranet.office.test"):
        yield USERS_URL


@case("the certificate comes without its intermediate", "certificate chain not trusted")
def chain(stage):
    with shown(stage, chain=False):
        yield USERS_URL


@case("nginx listens on the node's own address only", "VIP not listened on")
def own_address_only(stage):
    with proxy_with(stage, listen=f"listen 127.0.0.1:80;\n  listen {NODE}:80;"):
        stage.see(80, "200 true")
        yield
