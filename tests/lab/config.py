"""The files that the lab's programs are started with."""

import os

ETCD_QUOTA_BYTES = 16 << 20  # small enough to be filled on purpose

NGINX = """\
# the shape of the Document Server package's ds.conf
user root;
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path {directory}/nginx.body;
    proxy_temp_path {directory}/nginx.proxy;
    fastcgi_temp_path {directory}/nginx.fastcgi;
    uwsgi_temp_path {directory}/nginx.uwsgi;
    scgi_temp_path {directory}/nginx.scgi;
    map $http_upgrade $proxy_connection {{ default upgrade; "" close; }}
    upstream docservice {{ server 127.0.0.1:8000 max_fails=0 fail_timeout=0s; }}
    server {{
        listen 0.0.0.0:80;
        listen [::]:80 default_server;
        add_header X-Node {node} always;
        location / {{
            proxy_pass http://docservice;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $proxy_connection;
        }}
    }}
}}
"""

# never damped: in one lab more moves in ten minutes than anywhere else
AGENT = """\
cluster: office
node:
  name: {node}
  zone: {zone}
  priority: 100
etcd:
  endpoints: [{endpoints}]
lease:
  ttl: {ttl_ms}ms
flap: {{moves: 0}}
groups:
  - name: office
    vips:
{vips}
checks:
  - name: proxy
    type: http
    url: http://127.0.0.1/healthcheck
    expect: {{status: 200, body: "true"}}
    interval: 2s
    timeout: 4s
    rise: 2
    fall: 2
  - name: docservice
    type: http
    url: http://127.0.0.1:8000/index.html
    expect: {{status: 200}}
    interval: 1s
    timeout: 1s
    fall: 2
hooks:
  promoted: [{directory}/hooks/promoted.d]
  demoted: [{directory}/hooks/demoted.d]
  timeout: 10s
api:
  socket: {directory}/run/ooha.sock
  listen: 0.0.0.0:8009
runtime_directory: {directory}/run
"""

# what a hook is told, one line a run, as lab.py reads it
HOOK_FIELDS = ("EVENT", "GROUP", "NODE", "PEER", "EPOCH", "VIPS", "CLUSTER", "REASON")
HOOK = """\
#!/bin/sh
echo "{fields}" >> {directory}/hooks.log
"""


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.chmod(path, mode)


def write_nginx(node):
    write(node.directory / "nginx.conf",
          NGINX.format(directory=node.directory, node=node.name))


def write_agent(node, endpoints, vips, ttl_ms):
    write_agent_of(node, endpoints, "\n".join(
        f"      - address: {vip}\n        interface: eth0" for vip in vips), ttl_ms)


def write_agent_of(node, endpoints, lines, ttl_ms):
    """As above, with its virtual addresses as they are written there."""
    write(node.directory / f"{node.name}.yaml", AGENT.format(
        node=node.name, zone=node.zone, endpoints=", ".join(endpoints), ttl_ms=ttl_ms,
        vips=lines, directory=node.directory))
    (node.directory / "run").mkdir(parents=True, exist_ok=True)
    for event in ("promoted", "demoted"):
        write(node.directory / "hooks" / f"{event}.d" / "10-note",
              HOOK.format(directory=node.directory,
                          fields="|".join(f"$OOHA_{name}" for name in HOOK_FIELDS)), 0o755)


def etcd_command(node, members, data):
    """The command line of a member; members are the nodes that have one."""
    cluster = ",".join(f"{member.name}=http://{member.address}:2380" for member in members)
    return ["etcd", "--name", node.name, "--data-dir", data / node.name,
            "--listen-client-urls", f"http://{node.address}:2379,http://127.0.0.1:2379",
            "--advertise-client-urls", f"http://{node.address}:2379",
            "--listen-peer-urls", f"http://{node.address}:2380",
            "--initial-advertise-peer-urls", f"http://{node.address}:2380",
            "--initial-cluster", cluster, "--initial-cluster-token", "ooha-lab",
            "--pre-vote", "--auto-compaction-mode=revision",
            "--auto-compaction-retention=1000", f"--quota-backend-bytes={ETCD_QUOTA_BYTES}",
            "--logger=zap"]
