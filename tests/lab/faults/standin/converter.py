"""A Document Server's converter, seen from outside: a consumer of its queue, nothing else. With
--idle it lives and does not consume."""

import argparse
import os
import time

import pika

from log import Log, exit_broken, read_settings

QUEUE = "ds.converttask6"

log = Log("nodeJS")


def consume(url):
    parameters = pika.URLParameters(url)
    parameters.heartbeat = 60
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True, arguments={"x-max-priority": 6})
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(QUEUE, lambda channel, method, _, body: channel.basic_ack(
        method.delivery_tag))
    channel.start_consuming()


def work(url):
    while True:
        try:
            consume(url)
        except (pika.exceptions.AMQPError, OSError):
            log.error("[AMQP] Error: connect ECONNREFUSED 127.0.0.1:5672")
            time.sleep(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--idle", action="store_true")
    options = parser.parse_args()
    try:
        settings = read_settings(options.config)
    except ValueError as error:
        exit_broken(error)
    if os.fork() == 0:  # the one worker of the community edition
        if options.idle:
            while True:
                time.sleep(60)
        work(settings["rabbitmq"]["url"])
    log.warn("update cluster with 1 workers")
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
