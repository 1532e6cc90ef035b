#ifndef OO_TEST_CONFIG_FILE_H
#define OO_TEST_CONFIG_FILE_H
/*
 * A configuration file of a test's own, in a directory of its own that is the working directory, so
 * that it is "ooha.yaml" in every message; and the world around it.
 */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

#define FILE_NAME "ooha.yaml"

/* The least that is a configuration: 3 lines, each a section. */
#define CLUSTER "cluster: office\n"
#define ETCD "etcd: {endpoints: [\"http://10.0.1.11:2379\"]}\n"
#define GROUP "groups: [{name: g, vips: [{address: 10.0.0.100/24, interface: eth0}]}]\n"
#define LEAST CLUSTER ETCD GROUP

void file_write(const char *name, const void *data, size_t length, unsigned mode);

/* The configuration of that text; asserts that there is nothing wrong. */
struct oo_config *file_load(const char *text);
/* Asserts that the first thing wrong with that text is message, and that nothing is printed. */
void file_refuse(const char *text, const char *message);
/* The same of that many bytes. Returns what oo_config_load returned. */
int file_refuse_bytes(const void *data, size_t length, const char *message);

/* A text, and what is the first thing wrong with it; "ooha.yaml:" goes before the message. */
struct file_row {
	const char *text;
	const char *message;
};

/* file_refuse for each row. */
void file_refuse_all(const struct file_row *rows, size_t n);

/* What gethostname says from now on; NULL: the truth. */
void world_set_host_name(const char *name);
/* The nth allocation from now on fails, from 1; 0: none does. */
void world_fail_allocation(int nth);
/* Whether it has come to that. */
bool world_has_failed(void);

/* Makes the directory, runs the tests, removes it. Returns main's result. */
int file_run(const char *suite, CU_TestInfo *tests);

#endif
