/* The VIPs: whether they are here, up, listened on, and who answers for them. */
#include "collect/vips.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/procfs.h"
#include "net/fence.h"
#include "net/fence_look.h"

/* 1 and 2 answer for what is on the interface; 3 not for every scope, 8 for nothing. */
#define ARP_IGNORE_SOME 3
#define ASK_MS 800 /* ARP or neighbour solicitation, put four times */

struct oo_collect_vips {
	bool knows_fence; /* the kernel itself was asked */
	/* of the VIP with the same index in the evidence */
	struct oo_check_result answers[OO_EVIDENCE_VIPS];
};

static void free_interfaces(struct ifaddrs **interfaces)
{
	freeifaddrs(*interfaces);
}

/* The address of an interface as text, without scope; "" where it has none of IP's. */
static void write_address(const struct sockaddr *address, char text[static INET6_ADDRSTRLEN])
{
	text[0] = '\0';
	if (address != NULL && address->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
		(void)inet_ntop(AF_INET, &four->sin_addr, text, INET6_ADDRSTRLEN);
	} else if (address != NULL && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
		(void)inet_ntop(AF_INET6, &six->sin6_addr, text, INET6_ADDRSTRLEN);
	}
}

bool oo_collect_is_listened_on(const struct oo_listener *listeners, size_t n, const char *address,
			       const uint16_t ports[2])
{
	bool is_six = strchr(address, ':') != NULL;
	char mapped[OO_NAME_LENGTH];
	snprintf(mapped, sizeof(mapped), "::ffff:%.45s", address);
	for (size_t i = 0; i < n; i++) {
		const struct oo_listener *listener = &listeners[i];
		const char *host = listener->at.host;
		bool is_of_it = oo_text_equal(host, address) || oo_text_equal(host, mapped) ||
				(!is_six && oo_text_equal(host, "0.0.0.0")) ||
				(oo_text_equal(host, "::") && (is_six || !listener->v6only));
		if (is_of_it && listener->at.port != 0 &&
		    (listener->at.port == ports[0] || listener->at.port == ports[1])) {
			return true;
		}
	}
	return false;
}

/* arp_ignore of an interface is the larger one of its own and that of all (ip-sysctl). */
static unsigned read_arp_ignore(const char *interface)
{
	char path[96], text[16];
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/arp_ignore", interface);
	return oo_procfs_read(AT_FDCWD, path, text, sizeof(text)) > 0
		       ? (unsigned)strtoul(text, NULL, 10)
		       : 0;
}

static bool is_silenced(const struct oo_vip_evidence *vip, unsigned flags)
{
	unsigned all = read_arp_ignore("all"), its = read_arp_ignore(vip->interface);
	bool is_four = strchr(vip->address, ':') == NULL;
	return (flags & IFF_LOOPBACK) == 0 &&
	       ((flags & IFF_NOARP) != 0 ||
		(is_four && (all > its ? all : its) >= ARP_IGNORE_SOME));
}

/*
 * Returns whether it may be asked for who has it: a question from the very address would be an
 * announcement of it.
 */
static bool look_at_interfaces(struct oo_vip_evidence *vip)
{
	OO_AUTO(free_interfaces) struct ifaddrs *interfaces = NULL;
	bool has_other = false, can_ask = false;
	if (getifaddrs(&interfaces) < 0) {
		return false;
	}
	for (const struct ifaddrs *entry = interfaces; entry != NULL; entry = entry->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		bool is_its = oo_text_equal(entry->ifa_name, vip->interface);
		write_address(entry->ifa_addr, text);
		bool is_it = oo_text_equal(text, vip->address);
		vip->is_here = vip->is_here || is_it;
		if (is_its) {
			vip->interface_up = (entry->ifa_flags & IFF_UP) != 0 &&
					    (entry->ifa_flags & IFF_RUNNING) != 0;
			can_ask = vip->interface_up &&
				  (entry->ifa_flags & (IFF_NOARP | IFF_LOOPBACK)) == 0;
			vip->is_silenced = is_silenced(vip, entry->ifa_flags);
			/* the first IPv4 address is what the question comes from */
			has_other = has_other ||
				    (text[0] != '\0' && !is_it && strchr(text, ':') == NULL);
		}
	}
	vip->is_silenced = vip->is_silenced && vip->is_here;
	return can_ask && (!vip->is_here || has_other || strchr(vip->address, ':') != NULL);
}

/* "answered in 0.1 ms by 02:00:00:00:00:17" */
static void note_mac(struct oo_vip_evidence *vip, const char *seen)
{
	const char *mac = strstr(seen, " by ");
	if (mac != NULL) {
		OO_GATHER_SAY(vip->answer_mac, mac + strlen(" by "));
	}
}

static void on_asked(struct oo_gather *gather, const struct oo_check_result *result)
{
	size_t index = (size_t)(result - gather->vips->answers);
	struct oo_vip_evidence *vip = &gather->evidence->vips[index];
	switch (result->state) {
	case OO_CHECK_STATE_UP:
		vip->answer_look = OO_LOOK_SEEN;
		vip->answered_by_other = vip->is_here; /* we do not hear our own question */
		note_mac(vip, result->seen);
		break;
	case OO_CHECK_STATE_DOWN:
		vip->answer_look = OO_LOOK_ABSENT;
		break;
	case OO_CHECK_STATE_UNKNOWN:
		vip->answer_look = OO_LOOK_DENIED; /* it takes CAP_NET_RAW */
		break;
	}
}

/* announced: on the link of its interface, where it can be asked for. */
static struct oo_vip_evidence *add_vip(struct oo_gather *gather, const char *address,
				       const char *interface, const char *group, bool announced)
{
	struct oo_evidence *evidence = gather->evidence;
	const uint16_t ports[2] = {gather->proxy.port, evidence->proxy.tls_port};
	if (evidence->n_vips == OO_EVIDENCE_VIPS || gather->vips == NULL) {
		return NULL;
	}
	struct oo_vip_evidence *vip = &evidence->vips[evidence->n_vips];
	*vip = (struct oo_vip_evidence){0};
	snprintf(vip->address, sizeof(vip->address), "%.*s", (int)strcspn(address, "/"), address);
	OO_GATHER_SAY(vip->interface, interface);
	OO_GATHER_SAY(vip->group, group);
	bool may_ask = look_at_interfaces(vip);
	vip->is_listened_on = oo_collect_is_listened_on(evidence->listeners, evidence->n_listeners,
							vip->address, ports);
	const struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_GATEWAY,
		.timeout_ms = ASK_MS,
		.gateway = {.address = vip->address, .interface = vip->interface}};
	if (announced && may_ask &&
	    oo_gather_check(gather, &spec, &gather->vips->answers[evidence->n_vips], on_asked) ==
		    0) {
		vip->answer_look = OO_LOOK_LATE;
	}
	evidence->n_vips++;
	return vip;
}

static const char *text_of(json_object *object, const char *name)
{
	json_object *value = NULL;
	const char *text = json_object_object_get_ex(object, name, &value) &&
					   json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;
	return text != NULL ? text : "";
}

static json_object *array_of(json_object *object, const char *name)
{
	json_object *value = NULL;
	return json_object_object_get_ex(object, name, &value) &&
			       json_object_is_type(value, json_type_array)
		       ? value
		       : NULL;
}

static size_t length_of(json_object *array)
{
	return array != NULL ? json_object_array_length(array) : 0;
}

static struct oo_vip_evidence *find_vip(struct oo_evidence *evidence, const char *address)
{
	size_t length = strcspn(address, "/");
	for (size_t i = 0; i < evidence->n_vips; i++) {
		const char *known = evidence->vips[i].address;
		if (strlen(known) == length && strncmp(known, address, length) == 0) {
			return &evidence->vips[i];
		}
	}
	return NULL;
}

static void hear_vip(struct oo_gather *gather, json_object *group, json_object *said, bool fences)
{
	const char *address = text_of(said, "address");
	struct oo_vip_evidence *vip = find_vip(gather->evidence, address);
	json_object *hold = NULL;
	if (vip == NULL) {
		const char *mode = text_of(said, "mode"); /* an older agent says none */
		vip = add_vip(gather, address, text_of(said, "interface"), text_of(group, "name"),
			      mode[0] == '\0' || oo_text_equal(mode, "arp"));
	}
	if (vip == NULL || gather->vips == NULL) {
		return;
	}
	(void)json_object_object_get_ex(group, "hold_left_ms", &hold);
	OO_GATHER_SAY(vip->holder, text_of(group, "holder"));
	if (!gather->vips->knows_fence) {
		/* it is open for as long as the node holds, and no longer */
		vip->is_fenced = vip->is_here && fences && json_object_get_int64(hold) <= 0;
	}
}

void oo_collect_vips_hear(struct oo_gather *gather, json_object *status)
{
	json_object *agent = NULL, *fence = NULL;
	json_object *groups = array_of(status, "groups");
	(void)(json_object_object_get_ex(status, "agent", &agent) &&
	       json_object_object_get_ex(agent, "fence", &fence));
	for (size_t i = 0; i < length_of(groups); i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		json_object *vips = array_of(group, "vips");
		for (size_t k = 0; k < length_of(vips); k++) {
			hear_vip(gather, group, json_object_array_get_idx(vips, k),
				 json_object_get_boolean(fence));
		}
	}
}

/* What the kernel has, whether there is an agent or not. */
static void look_at_fence(struct oo_gather *gather)
{
	struct oo_evidence *evidence = gather->evidence;
	struct oo_address addresses[OO_EVIDENCE_VIPS];
	int64_t left_ms[OO_EVIDENCE_VIPS];
	char name[OO_FENCE_NAME_LENGTH];
	snprintf(name, sizeof(name), "ooha-%s", gather->subject->config->cluster);
	for (size_t i = 0; i < evidence->n_vips; i++) {
		if (oo_address_parse(evidence->vips[i].address, &addresses[i], NULL) < 0) {
			return;
		}
	}
	int r = oo_fence_look(name, addresses, evidence->n_vips, left_ms, NULL);
	gather->vips->knows_fence = r == 0 || r == -ENOENT;
	for (size_t i = 0; i < evidence->n_vips && r == 0; i++) {
		evidence->vips[i].is_fenced = evidence->vips[i].is_here && left_ms[i] <= 0;
	}
}

static void *start(struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	gather->vips = calloc(1, sizeof(*gather->vips));
	for (size_t i = 0; config != NULL && i < config->n_groups; i++) {
		const struct oo_config_group *group = &config->groups[i];
		for (size_t k = 0; k < group->n_vips; k++) {
			(void)add_vip(gather, group->vips[k].address, group->vips[k].interface,
				      group->name, group->vips[k].mode == OO_MODE_ARP);
		}
	}
	if (config != NULL && gather->vips != NULL) {
		look_at_fence(gather);
	}
	return gather->vips;
}

static void stop(struct oo_gather *gather, void *state)
{
	gather->vips = NULL;
	free(state);
}

const struct oo_collector oo_collect_vips = {.start = start, .stop = stop};
