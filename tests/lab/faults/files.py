"""The files of the node: in the Document Server package's shape, each in a folder of the lab."""

import dataclasses
import json

SECRET = "0d1QbPhu2CYoeYfxG5L8dGfJ4ZwqY1sV"
DATABASE = {"type": "postgres", "dbHost": "localhost", "dbPort": "5432", "dbName": "onlyoffice",
            "dbUser": "onlyoffice", "dbPass": "onlyoffice"}
BROKER = "amqp://guest:guest@localhost:5672"

NGINX = """\
user www-data;
worker_processes {workers};
pid {directory}/nginx.pid;
error_log {directory}/log/nginx-main.error.log;
{main}
events {{ worker_connections {connections}; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    sendfile on;
    access_log off;
    client_body_temp_path {directory}/temporary/body;
    proxy_temp_path {directory}/temporary/proxy;
    fastcgi_temp_path {directory}/temporary/fastcgi;
    uwsgi_temp_path {directory}/temporary/uwsgi;
    scgi_temp_path {directory}/temporary/scgi;
    include {directory}/nginx/conf.d/*.conf;
}}
"""

HTTP_COMMON = """\
upstream docservice {{
  {upstream}
}}

upstream example {{
  server localhost:3000;
}}

map $http_host $this_host {{
  "" $host;
  default $http_host;
}}

map $http_cloudfront_forwarded_proto:$http_x_forwarded_proto $the_scheme {{
  default $scheme;
  "~^https?:.*" $http_cloudfront_forwarded_proto;
  "~^:https?$" $http_x_forwarded_proto;
}}

map $http_x_forwarded_host $the_host {{
  default $http_x_forwarded_host;
  "" $this_host;
}}

map $http_upgrade $proxy_connection {{
  default upgrade;
  "" close;
}}

proxy_set_header Host {host};
{upgrade}
proxy_set_header X-Forwarded-Host {forwarded_host};
proxy_set_header X-Forwarded-Proto $the_scheme;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
"""

UPGRADE = """\
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $proxy_connection;"""

DS_COMMON = """\
gzip on;
gzip_types text/plain application/javascript text/css;
client_max_body_size {body};
underscores_in_headers on;
error_log {directory}/log/nginx.error.log;
{common}
"""

DS_DOCSERVICE = """\
rewrite ^/$ $the_scheme://$the_host/welcome/ redirect;

location ~ ^(\\/[\\d]+\\.[\\d]+\\.[\\d]+[\\.|-][\\w]+)?\\/(web-apps|sdkjs|fonts)(\\/.*)$ {{
  expires 365d;
  alias {directory}/www/$2$3;
}}

location /info {{
  allow 127.0.0.1;
  deny all;
  proxy_pass {scheme}://docservice/info;
  proxy_http_version 1.1;
}}

location /internal {{
  allow 127.0.0.1;
  deny all;
  proxy_pass {scheme}://docservice/internal;
  proxy_http_version 1.1;
}}

location / {{
  {location}
  proxy_pass {target};
  proxy_http_version 1.1;
}}
"""

DS_CONF = """\
include {directory}/nginx/includes/http-common.conf;
server {{
  {listen}
  server_tokens off;
  {server}
  include {directory}/nginx/includes/ds-*.conf;
}}
"""

DS_SSL_CONF = """\
include {directory}/nginx/includes/http-common.conf;

server {{
  listen 0.0.0.0:80;
  listen [::]:80 default_server;
  server_name _;
  server_tokens off;
  return 301 https://$host$request_uri;
}}

server {{
  listen 127.0.0.1:80;
  listen [::1]:80;
  server_name localhost;
  server_tokens off;
  include {directory}/nginx/includes/ds-*.conf;
}}

server {{
  listen 0.0.0.0:443 ssl http2;
  listen [::]:443 ssl http2 default_server;
  server_tokens off;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_verify_client off;
  ssl_protocols TLSv1.2;
  ssl_prefer_server_ciphers on;
  add_header Strict-Transport-Security max-age=31536000;
  {server}
  include {directory}/nginx/includes/ds-*.conf;
}}
"""


@dataclasses.dataclass
class Proxy:
    """What differs in nginx's files from case to case; as it is here it is the package's."""
    upstream: str = "server localhost:8000 max_fails=0 fail_timeout=0s;"
    scheme: str = "http"
    target: str = ""  # of proxy_pass
    host: str = "$http_host"
    forwarded_host: str = "$the_host"
    upgrade: str = UPGRADE
    body: str = "100m"
    listen: str = "listen 0.0.0.0:80;\n  listen [::]:80 default_server;"
    workers: str = "2"
    connections: int = 768
    main: str = ""
    common: str = ""
    server: str = ""
    location: str = ""
    extra: str = ""  # further servers
    certificate: str = ""  # and with it the package's template for TLS
    key: str = ""


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def write_proxy(directory, proxy):
    words = dict(dataclasses.asdict(proxy), directory=directory)
    words["target"] = proxy.target or f"{proxy.scheme}://docservice"
    words["location"] = proxy.location
    conf = DS_SSL_CONF if proxy.certificate else DS_CONF
    for name, text in {"nginx.conf": NGINX, "conf.d/ds.conf": conf, "conf.d/front.conf": "{extra}",
                       "includes/http-common.conf": HTTP_COMMON,
                       "includes/ds-common.conf": DS_COMMON,
                       "includes/ds-docservice.conf": DS_DOCSERVICE}.items():
        write(directory / "nginx" / name, text.format(**words))


def default_settings(directory):
    """default.json, as far as anybody here reads it."""
    return {
        "rabbitmq": {"url": BROKER},
        "queue": {"type": "rabbitmq"},
        "storage": {"name": "storage-fs", "fs": {"folderPath": str(directory / "storage/files"),
                                                 "secretString": "verysecretstring"}},
        "services": {"CoAuthoring": {
            "server": {"port": 8000, "mode": "development"},
            "sql": dict(DATABASE, tableChanges="doc_changes", tableResult="task_result",
                        connectionlimit=10),
            "redis": {"name": "redis", "prefix": "ds:", "host": "127.0.0.1", "port": 6379},
            "secret": {"browser": {"string": "secret"}, "inbox": {"string": "secret"},
                       "outbox": {"string": "secret"}, "session": {"string": "secret"}},
            "token": {"enable": {"browser": False, "request": {"inbox": False, "outbox": False}},
                      "inbox": {"header": "Authorization", "prefix": "Bearer "},
                      "outbox": {"header": "Authorization", "prefix": "Bearer "}},
            "ipfilter": {"rules": [{"address": "*", "allowed": True}],
                         "useforrequest": False, "errorcode": 403},
        }},
    }


def local_settings(secret=SECRET, database=None, broker=BROKER, ip_filter=False):
    """local.json, as the package's scripts write it."""
    service = {
        "sql": dict(DATABASE, **(database or {})),
        "token": {"enable": {"browser": True, "request": {"inbox": True, "outbox": True}},
                  "inbox": {"header": "Authorization"}, "outbox": {"header": "Authorization"}},
        "secret": {place: {"string": secret} for place in ("inbox", "outbox", "session")},
    }
    if ip_filter:
        service["ipfilter"] = {"rules": [{"address": "10.0.0.1", "allowed": True},
                                         {"address": "*", "allowed": False}],
                               "useforrequest": True}
    return {"services": {"CoAuthoring": service}, "rabbitmq": {"url": broker},
            "storage": {"fs": {"secretString": "DFoJ2e4gxRGh4K5iGQGo"}}}


def write_settings(directory, text=None, **changes):
    """local.json: those settings, or that text in their place."""
    text = json.dumps(local_settings(**changes), indent=2) if text is None else text
    write(directory / "documentserver/local.json", text + "\n", 0o644)


AGENT = """\
cluster: office
node:
  name: node-a
etcd:
  endpoints: [http://127.0.0.1:2379]
groups:
  - name: office
    vips:
      - address: {vip}/24
        interface: eth0
documentserver:
  url: http://127.0.0.1:8000
  proxy_url: http://127.0.0.1
  config_directory: {directory}/documentserver
  log_directory: {directory}/log
  proxy_config: {directory}/nginx/nginx.conf
checks:
  - name: proxy
    type: http
    url: http://127.0.0.1/healthcheck
    expect: {{status: 200, body: "true"}}
    interval: 2s
    timeout: 4s
  - name: docservice
    type: http
    url: http://127.0.0.1:8000/index.html
    expect: {{status: 200}}
    interval: 1s
    timeout: 1s
api:
  socket: {directory}/run/ooha.sock
runtime_directory: {directory}/run
"""


def write_agent(directory, vip):
    write(directory / "ooha.yaml", AGENT.format(directory=directory, vip=vip))
