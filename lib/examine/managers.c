#include "examine/managers.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "examine/work.h"

#define FILE_BYTES_MAX 16384

/*
 * The value of the last line "name=value"; white space around both, and quotes around the value, do
 * not count. Returns whether there is one.
 */
static bool find_value(const char *text, const char *name, char *value, size_t size)
{
	const size_t length = strlen(name);
	bool found = false;
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += strspn(line, "\n \t");
		const char *at = line + length;
		if (strncmp(line, name, length) != 0) {
			continue;
		}
		at += strspn(at, " \t");
		if (*at == '=') {
			at += 1 + strspn(at + 1, " \t\"");
			snprintf(value, size, "%.*s", (int)strcspn(at, "\n \t\""), at);
			found = true;
		}
	}
	return found;
}

/* Whether a .network file, or a part of one, says what is to be kept; the last one counts. */
static void read_network_file(const char *root, const char *path, struct oo_vip_facts *vip)
{
	char file[2 * OO_FACTS_TEXT], text[FILE_BYTES_MAX], value[32];
	snprintf(file, sizeof(file), "%s%s", root, path);
	if (oo_work_read(file, text, sizeof(text)) > 0 &&
	    find_value(text, "KeepConfiguration", value, sizeof(value))) {
		vip->networkd_keeps = oo_text_equal(value, "yes") || oo_text_equal(value, "true") ||
				      oo_text_equal(value, "static");
	}
}

/* NETWORK_FILE_DROPINS="/etc/systemd/network/10-lan.network.d/vip.conf" "..." */
static void read_drop_ins(const char *root, const char *text, struct oo_vip_facts *vip)
{
	const char *at = strstr(text, "NETWORK_FILE_DROPINS=");
	at = at == NULL ? "" : at + strlen("NETWORK_FILE_DROPINS=");
	const char *end = at + strcspn(at, "\n");
	while (at < end) {
		char path[OO_FACTS_TEXT];
		at += strspn(at, "\" ");
		size_t length = strcspn(at, "\" \n");
		snprintf(path, sizeof(path), "%.*s", (int)length, at);
		if (length > 0) {
			read_network_file(root, path, vip);
		}
		at += length + (at + length < end);
	}
}

static void read_networkd(const char *root, int ifindex, struct oo_vip_facts *vip)
{
	char path[2 * OO_FACTS_TEXT], text[FILE_BYTES_MAX], state[32] = "unmanaged";
	snprintf(path, sizeof(path), "%s/run/systemd/netif/links/%d", root, ifindex);
	if (oo_work_read(path, text, sizeof(text)) == 0 ||
	    !find_value(text, "ADMIN_STATE", state, sizeof(state)) ||
	    oo_text_equal(state, "unmanaged")) {
		return;
	}
	vip->networkd_manages = true;
	if (find_value(text, "NETWORK_FILE", vip->network_file, sizeof(vip->network_file))) {
		read_network_file(root, vip->network_file, vip);
	}
	read_drop_ins(root, text, vip);
}

static void read_network_manager(const char *root, int ifindex, struct oo_vip_facts *vip)
{
	char path[2 * OO_FACTS_TEXT], text[FILE_BYTES_MAX], managed[16];
	snprintf(path, sizeof(path), "%s/run/NetworkManager/devices/%d", root, ifindex);
	vip->network_manager_manages =
		oo_work_read(path, text, sizeof(text)) > 0 &&
		find_value(text, "managed", managed, sizeof(managed)) &&
		(oo_text_equal(managed, "true") || oo_text_equal(managed, "1"));
}

void oo_managers_look(const char *root, int ifindex, struct oo_vip_facts *vip)
{
	read_networkd(root, ifindex, vip);
	read_network_manager(root, ifindex, vip);
}
