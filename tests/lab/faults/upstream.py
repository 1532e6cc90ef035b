"""What breaks between the proxy and the Document Server, both of which are well."""

import contextlib

from case import case
from healers import (docservice_with, filtered, held, mode, named, proxy_with, relayed,
                     setting)
from netns import wait_for
from stage import NOBODY, OTHER

NO_LIMIT = "max_fails=0 fail_timeout=0s;"


@case("proxy_pass goes to the wrong port", "upstream wrong port")
def wrong_port(stage):
    with proxy_with(stage, upstream=f"server localhost:8001 {NO_LIMIT}"):
        stage.see(80, "502")
        yield


@case("nginx did not come up again: its upstream's name is gone", "upstream name not resolved")
def name_gone(stage):
    with proxy_with(stage, upstream=f"server docs.office.test:8000 {NO_LIMIT}"):
        stage.see(80, "refused")
        yield


@case("the upstream's name, asked for each request, is gone", "upstream name not resolved")
def name_gone_running(stage):
    with proxy_with(stage, common=f"resolver {OTHER} ipv6=off;",
                    location="set $backend docs.office.test;", target="http://$backend:8000"):
        stage.see(80, "502")
        yield


@case("the upstream's name has another address now", "upstream name stale")
def name_stale(stage):
    with named(stage, docs_office_test=OTHER), \
            proxy_with(stage, upstream=f"server docs.office.test:8000 {NO_LIMIT}"), \
            named(stage, docs_office_test="127.0.0.1"):
        stage.see(80, "502")
        yield


@case("the Document Server's port speaks TLS, nginx does not", "upstream speaks TLS")
def speaks_tls(stage):
    pem = stage.directory / "ca/both.pem"
    made = stage.authority.server("localhost")
    pem.write_text(made["key"].read_text("ascii") + made["certificate"].read_text("ascii"), "ascii")
    pem.chmod(0o644)
    with docservice_with(stage, "--tls", pem):
        wait_for(lambda: stage.accepts(8000), 5, "port 8000 is open")
        stage.see(80, "502")
        yield


@case("nginx speaks TLS, the Document Server does not", "upstream speaks plain")
def speaks_plain(stage):
    with proxy_with(stage, scheme="https"):
        stage.see(80, "502")
        yield


@case("the answer's header is larger than nginx's buffer", "upstream header too big")
def header_big(stage):
    with mode(stage, "header-big"):
        stage.see(80, "502")
        yield


@case("the Document Server closes before it answers", "upstream closes early")
def closes_early(stage):
    with mode(stage, "close-early"):
        stage.see(80, "502")
        yield


@case("what answers on port 8000 is no HTTP", "upstream not HTTP")
def not_http(stage):
    with mode(stage, "garbage"):
        stage.ask(80)
        stage.said("log/nginx.error.log", "upstream sent no valid HTTP")
        yield


@case("proxy_read_timeout is shorter than the answer takes", "upstream read timeout short")
def read_timeout(stage):
    with proxy_with(stage, common="proxy_read_timeout 500ms;"), mode(stage, "slow", "1300"):
        wait_for(lambda: stage.ask(80, seconds=2) == "504", 5, "504")
        yield


@case("the upstream is a socket that nginx may not open", "upstream permission denied")
def permission(stage):
    path = stage.directory / "docservice.sock"
    with relayed(stage, f"unix:{path}", "127.0.0.1:8000"), \
            proxy_with(stage, upstream=f"server unix:{path} {NO_LIMIT}"):
        path.chmod(0o600)
        stage.see(80, "502")
        yield


@case("the packet filter drops port 8000", "upstream firewall drop")
def firewall_drop(stage):
    with filtered(stage, "tcp dport 8000 drop"):
        stage.see(80, "silent")
        yield


def rejected(stage):
    """The kernel believes a refusal at the second SYN only."""
    wait_for(lambda: stage.ask(80, seconds=5) == "502", 10, "502")


@case("the packet filter rejects port 8000", "upstream firewall reject")
def firewall_reject(stage):
    with filtered(stage, "tcp dport 8000 reject with icmpx admin-prohibited"):
        rejected(stage)
        yield


@case("the packet filter rejects port 8000 for nginx's user only", "upstream firewall reject")
def firewall_reject_user(stage):
    with filtered(stage, "meta skuid www-data tcp dport 8000 reject with tcp reset"):
        rejected(stage)
        stage.see(8000, "200 true")
        yield


@case("there is no route to the upstream", "upstream no route")
def no_route(stage):
    with proxy_with(stage, upstream=f"server 203.0.113.5:8000 {NO_LIMIT}"):
        stage.see(80, "502")
        yield


@case("the upstream's host is off the network", "upstream no route")
def host_gone(stage):
    with proxy_with(stage, upstream=f"server {NOBODY}:8000 {NO_LIMIT}"):
        wait_for(lambda: stage.ask(80, seconds=5) == "502", 8, "502")
        yield


@case("no local port is left for connections to the upstream", "upstream local ports exhausted")
def ports_exhausted(stage):
    with contextlib.ExitStack() as stack:
        stack.enter_context(setting(stage, "net.ipv4.ip_local_port_range", "50000 50007"))
        for host in ("127.0.0.1", "::1"):
            stack.enter_context(held(stage.node, host, 8000, 16, at_least=4))
        stage.see(80, "502")
        yield


@case("the proxy does not pass the WebSocket's upgrade", "WebSocket not passed")
def websocket(stage):
    with proxy_with(stage, upgrade=""):
        stage.see(80, "200 true")
        yield


@case("the proxy tells the Document Server another host", "wrong host")
def wrong_host(stage):
    with proxy_with(stage, host="$proxy_host", forwarded_host="$proxy_host"):
        stage.see(80, "200 true")
        yield


@case("the upstream's host swallows what is sent to it", "upstream firewall drop",
      "upstream no route")
def black_hole(stage):
    with proxy_with(stage, upstream=f"server {OTHER}:8000 {NO_LIMIT}"), \
            filtered(stage, f"ip daddr {OTHER} tcp dport 8000 drop"):
        stage.see(80, "silent")
        yield
