"""Database and broker of a stand-in, asked as the Document Server asks them, and with its words
when they fail."""

import concurrent.futures
import re
import select
import threading
import time

import pika
import psycopg2

CONNECT_S = 60  # connectionTimeoutMillis
HEARTBEAT_S = 60
TABLES = ("doc_changes", "task_result")
CONNECTING = "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1606:16)"


class Failure(Exception):
    """In the words that node's drivers use."""


def in_words_of_node(error, host, port):
    """What node-postgres says where libpq says something else."""
    text = str(error).strip()
    address = re.search(r"\((.*?)\), port", text)
    at = f"{address.group(1) if address else host}:{port}"
    if "Connection refused" in text:
        return f"Error: connect ECONNREFUSED {at}\n{CONNECTING}"
    if "No route to host" in text:
        return f"Error: connect EHOSTUNREACH {at}\n{CONNECTING}"
    if "Network is unreachable" in text:
        return f"Error: connect ENETUNREACH {at}\n{CONNECTING}"
    if "timeout expired" in text or "timed out" in text:
        return "Error: Connection terminated due to connection timeout"
    if "Temporary failure in name resolution" in text:
        return f"Error: getaddrinfo EAI_AGAIN {host}"
    if "could not translate host name" in text:
        return f"Error: getaddrinfo ENOTFOUND {host}"
    if "server closed the connection" in text:
        return "Error: Connection terminated unexpectedly"
    return "error: " + text.splitlines()[0].rpartition("FATAL:")[2].strip()


class Database:
    """A pool of connections; an idle one that the server ended is noticed and dropped."""

    def __init__(self, sql, log):
        self.sql, self.log = sql, log
        self.idle = []
        self.lock = threading.Lock()

    def connect(self):
        try:
            connection = psycopg2.connect(
                host=self.sql["dbHost"], port=self.sql["dbPort"], dbname=self.sql["dbName"],
                user=self.sql["dbUser"], password=self.sql["dbPass"], connect_timeout=CONNECT_S,
                sslmode="disable", gssencmode="disable")
        except psycopg2.Error as error:
            raise Failure(in_words_of_node(error, self.sql["dbHost"], self.sql["dbPort"])) from None
        connection.autocommit = True
        return connection

    def take(self):
        with self.lock:
            while self.idle:
                connection = self.idle.pop()
                if not select.select([connection.fileno()], [], [], 0)[0]:
                    return connection
                self.log.error("postgresql pool error error: terminating connection due to "
                               "administrator command")
                connection.close()
        return self.connect()

    def query(self, statement):
        connection = self.take()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                rows = cursor.fetchall()
        except psycopg2.Error as error:
            connection.close()
            raise Failure(in_words_of_node(error, self.sql["dbHost"],
                                           self.sql["dbPort"])) from None
        with self.lock:
            self.idle.append(connection)
        return rows

    def check(self):
        self.query("SELECT 1;")

    def missing_tables(self):
        rows = self.query("SELECT table_name FROM information_schema.columns")
        return [table for table in TABLES if (table,) not in rows]


class Broker:
    """One connection, kept by a thread of its own; it is made anew each second when it broke."""

    def __init__(self, url, log):
        self.parameters = pika.URLParameters(url)
        self.parameters.heartbeat = HEARTBEAT_S
        self.parameters.connection_attempts = 1
        self.parameters.stack_timeout = self.parameters.socket_timeout = CONNECT_S
        self.log = log
        self.connection = self.channel = None

    def connect(self):
        """Whether it is connected now; says why not."""
        try:
            self.connection = pika.BlockingConnection(self.parameters)
            self.channel = self.connection.channel()
            self.declare()
            return True
        except (pika.exceptions.AMQPError, OSError) as error:
            self.connection = None
            self.log.error(f"[AMQP] {self.in_words_of_node(error)}")
            return False

    def in_words_of_node(self, error):
        at = f"{self.parameters.host}:{self.parameters.port}".replace("localhost", "127.0.0.1")
        text = repr(error) + repr(getattr(error, "args", ""))
        if isinstance(error, pika.exceptions.ProbableAuthenticationError):
            return ("Error: Handshake terminated by server: 403 (ACCESS-REFUSED) with message "
                    '"ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For '
                    'details see the broker logfile."')
        if "gaierror" in text:
            return f"Error: getaddrinfo ENOTFOUND {self.parameters.host}"
        if "EHOSTUNREACH" in text or "No route to host" in text:
            return f"Error: connect EHOSTUNREACH {at}"
        if "imeout" in text or "timed out" in text:
            return f"Error: connect ETIMEDOUT {at}"
        return f"Error: connect ECONNREFUSED {at}\n{CONNECTING}"

    def declare(self):
        self.channel.exchange_declare("ds.pubsub", "fanout", durable=True)
        self.channel.exchange_declare("ds.exchangeconvertdead", "fanout", durable=True)

    def start(self):
        threading.Thread(target=self.keep, daemon=True).start()

    def keep(self):
        while True:
            try:
                while True:
                    self.connection.process_data_events(time_limit=None)
            except (pika.exceptions.AMQPError, OSError) as error:
                beat = isinstance(error, pika.exceptions.AMQPHeartbeatTimeout)
                self.log.error("[AMQP] conn error Error: " + (
                    "Heartbeat timeout" if beat else "Connection closed: 320 (CONNECTION-FORCED) "
                    'with message "CONNECTION_FORCED - broker forced connection closure with reason '
                    "'shutdown'\""))
                self.connection = None
            while not self.connect():
                time.sleep(1)

    def check(self):
        """A future: both exchanges are there. It waits as long as the broker is silent."""
        answer = concurrent.futures.Future()
        connection = self.connection
        if connection is None:
            answer.set_exception(Failure("Error: pubsub\n    at healthCheck "
                                         "(DocService/sources/DocsCoServer.js:4462:15)"))
            return answer

        def ask():
            try:
                self.declare()
                answer.set_result(True)
            except Exception:
                answer.set_exception(Failure("Error: pubsub"))
                raise
        try:
            connection.add_callback_threadsafe(ask)
        except pika.exceptions.AMQPError:
            answer.set_exception(Failure("Error: pubsub"))
        return answer
