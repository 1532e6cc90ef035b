"""What breaks at the database and the broker."""

from case import case
from healers import docservice_with, ended, filtered, frozen, relayed
from netns import batch, set_link, wait_for
from stage import NODE, OTHER

BROKER = "amqp://guest:{password}@{host}:5672"


# -- the database

@case("PostgreSQL is stopped", "database stopped")
def stopped(stage):
    with ended(stage, "postgres"):
        stage.see(80, "200 false")
        yield


@case("PostgreSQL hangs", "database hung")
def hung(stage):
    with frozen(stage, stage.pids("postgres")):
        stage.see(8000, "silent")
        stage.see(8000, "200", "/index.html")
        yield


@case("the packet filter drops PostgreSQL's port", "database unreachable")
def dropped(stage):
    with filtered(stage, "tcp dport 5432 drop"):
        yield


@case("PostgreSQL's host is off the network", "database unreachable")
def host_gone(stage):
    with relayed(stage, f"{OTHER}:5432", f"{NODE}:5432", stage.other), \
            docservice_with(stage, database={"dbHost": OTHER}):
        stage.see(80, "200 true")
        set_link(stage.switch, "p-o", False)
        try:
            batch(stage.node, "neigh flush dev eth0")
            yield
        finally:
            set_link(stage.switch, "p-o", True)
            batch(stage.node, "neigh flush dev eth0")


@case("PostgreSQL on another host is stopped", "database stopped")
def remote_stopped(stage):
    with relayed(stage, f"{OTHER}:5432", f"{NODE}:5432", stage.other) as relay, \
            docservice_with(stage, database={"dbHost": OTHER}):
        stage.see(80, "200 true")
        relay.signal(9)
        relay.wait_dead(5)
        stage.see(80, "200 false")
        yield


@case("PostgreSQL's name is gone", "database name not resolved")
def name_gone(stage):
    with docservice_with(stage, database={"dbHost": "db.office.test"}):
        stage.said("docservice", "ENOTFOUND")
        yield


@case("PostgreSQL does not take the password", "database login")
def login(stage):
    with docservice_with(stage, database={"dbPass": "last-years"}):
        stage.said("docservice", "password authentication failed")
        stage.see(80, "502")
        yield


@case("PostgreSQL: the role has no connection left", "database connections exhausted")
def connections(stage):
    stage.sql("ALTER ROLE onlyoffice CONNECTION LIMIT 0")
    try:
        stage.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                  "WHERE usename = 'onlyoffice'")
        stage.see(80, "200 false")
        stage.said("docservice", "too many connections for role")
        yield
    finally:
        stage.sql("ALTER ROLE onlyoffice CONNECTION LIMIT -1")


@case("PostgreSQL is read-only", "database read only")
def read_only(stage):
    stage.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    stage.sql("SELECT pg_reload_conf()")
    try:
        wait_for(lambda: stage.sql("SHOW transaction_read_only").stdout.strip() == "on", 5,
                 "read-only")
        stage.see(80, "200 true")
        yield
    finally:
        stage.sql("ALTER SYSTEM RESET default_transaction_read_only")
        stage.sql("SELECT pg_reload_conf()")


@case("PostgreSQL is a standby that only reads", "database read only")
def standby(stage):
    signal_file = stage.data / "postgres/standby.signal"
    with ended(stage, "postgres"):
        signal_file.touch()
        signal_file.chmod(0o644)
        stage.start("postgres")
        stage.see(80, "200 true")
        wait_for(lambda: stage.sql("SELECT pg_is_in_recovery()").stdout.strip() == "t", 5,
                 "in recovery")
        yield
        stage.end("postgres")
        signal_file.unlink()


@case("a table was dropped while all run", "database schema")
def table_dropped(stage):
    stage.sql("ALTER TABLE doc_changes RENAME TO doc_changes_away", user="onlyoffice")
    try:
        stage.see(80, "200 true")
        yield
    finally:
        stage.sql("ALTER TABLE doc_changes_away RENAME TO doc_changes", user="onlyoffice")


@case("docservice started without a table in the database", "database schema")
def table_missing(stage):
    with ended(stage, "docservice"):
        stage.sql("ALTER TABLE task_result RENAME TO task_result_away", user="onlyoffice")
        try:
            stage.start("docservice")
            stage.said("docservice", "does not exist")
            stage.see(80, "502")
            yield
        finally:
            stage.sql("ALTER TABLE task_result_away RENAME TO task_result", user="onlyoffice")
            stage.end("docservice")


# -- the broker

@case("RabbitMQ is stopped", "broker stopped")
def broker_stopped(stage):
    with ended(stage, "rabbitmq"):
        stage.see(80, "200 false")
        yield


@case("RabbitMQ hangs", "broker hung")
def broker_hung(stage):
    with frozen(stage, stage.pids("beam.smp")):
        stage.see(8000, "silent")
        stage.see(8000, "200", "/index.html")
        yield


@case("the packet filter drops RabbitMQ's port", "broker unreachable")
def broker_dropped(stage):
    with filtered(stage, "tcp dport 5672 drop"):
        yield


@case("RabbitMQ has too little memory and blocks who publishes", "broker alarm")
def broker_alarm(stage):
    stage.rabbitmqctl("set_vm_memory_high_watermark", "0")
    try:
        stage.see(80, "200 true")
        yield
    finally:
        stage.rabbitmqctl("set_vm_memory_high_watermark", "0.4")


@case("RabbitMQ does not take the password", "broker login")
def broker_login(stage):
    with docservice_with(stage, broker=BROKER.format(password="last-years", host="localhost")):
        stage.said("docservice", "ACCESS_REFUSED")
        yield


@case("RabbitMQ's name is gone", "broker name not resolved")
def broker_name_gone(stage):
    with docservice_with(stage, broker=BROKER.format(password="guest", host="mq.office.test")):
        stage.said("docservice", "ENOTFOUND")
        yield
