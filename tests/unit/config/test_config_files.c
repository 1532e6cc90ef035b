#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "file.h"

#define MAPPING_KEYS                                                                               \
	"known here: cluster, node, etcd, lease, failback, flap, groups, checks, documentserver, " \
	"repair, hooks, "                                                                          \
	"api, runtime_directory"

static void test_what_is_not_yaml_is_one_line(void)
{
	static const struct file_row rows[] = {
		{"", "1: empty; give at least cluster, etcd.endpoints and one group"},
		{"# only this\n\n",
		 "1: empty; give at least cluster, etcd.endpoints and one group"},
		{"---\n...\n", "1: empty; give at least cluster, etcd.endpoints and one group"},
		{LEAST "lease:\n\tttl: 3s\n",
		 "5: not YAML at column 1: tab character may not be used as indentation"},
		{LEAST "hooks: {promoted: [/a}\n",
		 "4: not YAML at column 22: mismatched flow mapping end"},
		{CLUSTER "a: \"b\n" ETCD, "2: not YAML at column 4: wrongly indented double-quoted "
					  "scalar"},
		{CLUSTER "a: b: c\n",
		 "2: not YAML at column 5: invalid nested block mapping on the same "
		 "line"},
		{CLUSTER "@a: b\n", "2: not YAML at column 1: plain scalar cannot start with '@'"},
		{LEAST "---\n" LEAST, "5: a second document; one is read, take out the line ---"},
		{LEAST "--- [\n",
		 "5: not YAML at column 1: flow sequence without a closing bracket"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
	file_refuse(LEAST "---\n",
		    FILE_NAME ": a second document; one is read, take out the line ---");
	file_refuse("%YAML 2.0\n---\n" LEAST, FILE_NAME ": not YAML 1.1 or 1.2");
}

#define REFUSE_BYTES(bytes, message)                                                               \
	CU_ASSERT_EQUAL(file_refuse_bytes(bytes, sizeof(bytes) - 1, FILE_NAME message), -EINVAL)

static void test_bytes_that_are_no_text_are_named(void)
{
	REFUSE_BYTES(LEAST "lease: {ttl: 3s}\0\n", ":4: control character 0x00; take it out");
	REFUSE_BYTES(LEAST "# \x01\n", ":4: control character 0x01; take it out");
	REFUSE_BYTES(LEAST "# \x7f\n", ":4: control character 0x7f; take it out");
	REFUSE_BYTES(LEAST "# \xff\n", ":4: byte 0xff is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \x80\n", ":4: byte 0x80 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xc3\n", ":4: byte 0xc3 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xc3", ":4: byte 0xc3 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xc0\xaf\n", ":4: byte 0xc0 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xe0\x80\x80\n",
		     ":4: byte 0xe0 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xed\xa0\x80\n",
		     ":4: byte 0xed is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES(LEAST "# \xf4\x90\x80\x80\n",
		     ":4: byte 0xf4 is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES("\xff\xfe"
		     "c\0l\0",
		     ":1: byte 0xff is not UTF-8; save the file as UTF-8");
	REFUSE_BYTES("\r\n\r\r\n\n\x01", ":5: control character 0x01; take it out");
}

static void test_deep_and_branching_files_end_soon(void)
{
	static char deep[1000];
	char bomb[2000] = "cluster: &a0 [x]\n";

	memset(deep, '[', sizeof(deep));
	file_refuse_bytes(deep, sizeof(deep),
			  FILE_NAME ":1: not YAML at column 64: Max depth (64) exceeded");
	for (int i = 1; i < 30; i++) {
		snprintf(bomb + strlen(bomb), sizeof(bomb) - strlen(bomb),
			 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
	}
	file_refuse(bomb, FILE_NAME ":2: a1: unknown key; " MAPPING_KEYS);
}

static void test_what_is_no_file_is_named(void)
{
	struct oo_err err = {""};
	struct oo_config *config = NULL;

	CU_ASSERT_EQUAL(oo_config_load("missing.yaml", &config, &err), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text, "missing.yaml: cannot be read: No such file or directory");
	CU_ASSERT_EQUAL(oo_config_load("missing.yaml", &config, NULL), -ENOENT);
	CU_ASSERT_EQUAL(oo_config_load(".", &config, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, ".: not a file; name a YAML file");
	CU_ASSERT_EQUAL_FATAL(mkfifo("fifo", 0600), 0);
	CU_ASSERT_EQUAL(oo_config_load("fifo", &config, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "fifo: not a file; name a YAML file");
	if (geteuid() != 0) { /* root may read it */
		file_write("closed.yaml", LEAST, strlen(LEAST), 0);
		CU_ASSERT_EQUAL(oo_config_load("closed.yaml", &config, &err), -EACCES);
		CU_ASSERT_STRING_EQUAL(err.text, "closed.yaml: cannot be read: Permission denied");
	}
	CU_ASSERT_PTR_NULL(config);
}

static void test_a_file_of_one_mib_is_read_and_no_larger_one(void)
{
	static char text[(1 << 20) + 1];
	struct oo_config *config = NULL;

	memset(text, '#', sizeof(text));
	memcpy(text, LEAST, strlen(LEAST));
	CU_ASSERT_EQUAL(file_refuse_bytes(text, sizeof(text),
					  FILE_NAME ": larger than 1 MiB, which no configuration "
						    "needs"),
			-EFBIG);
	file_write(FILE_NAME, text, sizeof(text) - 1, 0600);
	CU_ASSERT_EQUAL(oo_config_load(FILE_NAME, &config, NULL), 0);
	oo_config_free(config);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is not YAML is one line", test_what_is_not_yaml_is_one_line},
		{"bytes that are no text are named", test_bytes_that_are_no_text_are_named},
		{"deep and branching files end soon", test_deep_and_branching_files_end_soon},
		{"what is no file is named", test_what_is_no_file_is_named},
		{"a file of 1 MiB is read and no larger one",
		 test_a_file_of_one_mib_is_read_and_no_larger_one},
		CU_TEST_INFO_NULL,
	};
	return file_run("config files", tests);
}
