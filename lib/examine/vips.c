/* The VIPs: their interfaces, what the kernel is told of these, who manages them, who answers. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/check.h"
#include "examine/managers.h"
#include "examine/work.h"

#define ASK_MS 400 /* ARP or neighbour solicitation, put four times */
#define NOT_AGAIN_MS 3600000

struct question {
	struct oo_work *work;
	struct oo_vip_facts *vip;
	struct oo_check *check; /* owned */
};

struct questions {
	struct question items[OO_FACTS_VIPS];
	size_t n;
};

static void free_interfaces(struct ifaddrs **interfaces)
{
	freeifaddrs(*interfaces);
}

static const uint8_t *bytes_of(const struct sockaddr *address)
{
	return address->sa_family == AF_INET
		       ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)
				 ->sin_addr
		       : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)
				 ->sin6_addr;
}

static size_t length_of(int family)
{
	return family == AF_INET ? 4 : 16;
}

static bool is_same_subnet(const struct ifaddrs *entry, const struct oo_address *vip)
{
	const uint8_t *its = bytes_of(entry->ifa_addr), *mask = bytes_of(entry->ifa_netmask);
	for (size_t i = 0; i < length_of(vip->family); i++) {
		if (((its[i] ^ vip->bytes[i]) & mask[i]) != 0) {
			return false;
		}
	}
	return true;
}

/* fe80::/10: every interface has one; a subnet of its own it is not. */
static bool is_link_local(const struct sockaddr *address)
{
	const uint8_t *bytes = bytes_of(address);
	return address->sa_family == AF_INET6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

struct addresses {
	struct oo_vip_facts *vip;
	const struct oo_address *address;
	bool has_other; /* an IPv4 address besides: what a question comes from */
};

static void look_at_address(struct addresses *seen, const struct ifaddrs *entry)
{
	struct oo_vip_facts *vip = seen->vip;
	bool is_its = oo_text_equal(entry->ifa_name, vip->interface);
	if (entry->ifa_addr == NULL || entry->ifa_netmask == NULL ||
	    (entry->ifa_addr->sa_family != AF_INET && entry->ifa_addr->sa_family != AF_INET6)) {
		return;
	}
	bool is_family = entry->ifa_addr->sa_family == seen->address->family;
	bool is_it = is_family && memcmp(bytes_of(entry->ifa_addr), seen->address->bytes,
					 length_of(seen->address->family)) == 0;
	vip->is_here = vip->is_here || is_it;
	seen->has_other =
		seen->has_other || (is_its && !is_it && entry->ifa_addr->sa_family == AF_INET);
	if (!is_family || is_it || is_link_local(entry->ifa_addr)) {
		return;
	}
	bool is_in = is_same_subnet(entry, seen->address);
	if (is_its) {
		vip->has_subnet = true;
		vip->is_in_subnet = vip->is_in_subnet || is_in;
	} else if (is_in && (entry->ifa_flags & IFF_UP) != 0 &&
		   (entry->ifa_flags & IFF_LOOPBACK) == 0) {
		OO_WORK_SAY(vip->other_interface, entry->ifa_name);
	}
}

/* Returns whether it may be asked for: a question from the very address would announce it. */
static bool look_at_addresses(struct oo_vip_facts *vip, const struct oo_address *address)
{
	struct addresses seen = {.vip = vip, .address = address};
	OO_AUTO(free_interfaces) struct ifaddrs *interfaces = NULL;
	if (getifaddrs(&interfaces) < 0) {
		return false;
	}
	for (const struct ifaddrs *entry = interfaces; entry != NULL; entry = entry->ifa_next) {
		look_at_address(&seen, entry);
	}
	return !vip->is_here || vip->is_six || seen.has_other;
}

/* The interface of the IPv4 default route with the least metric. */
static void find_default(char interface[static 16])
{
	char text[16384];
	unsigned least = ~0u;
	(void)oo_work_read("/proc/net/route", text, sizeof(text));
	interface[0] = '\0';
	for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
		char name[16];
		unsigned destination, metric, mask;
		if (sscanf(line + 1, "%15s %x %*x %*x %*u %*u %u %x", name, &destination, &metric,
			   &mask) == 4 &&
		    destination == 0 && mask == 0 && metric < least) {
			least = metric;
			oo_text_clip(interface, 16, name);
		}
	}
}

/* Of the interface and of all, the larger is in force (ip-sysctl). */
static unsigned in_force(const char *format, const char *interface)
{
	unsigned its = oo_work_sysctl(format, interface), all = oo_work_sysctl(format, "all");
	return its > all ? its : all;
}

static void look_at_interface(struct oo_work *work, struct oo_vip_facts *vip)
{
	struct oo_link link;
	if (oo_net_link(work->net, vip->interface, &link, NULL) < 0) {
		return;
	}
	vip->has_interface = true;
	vip->is_up = link.up;
	vip->has_carrier = link.carrier;
	vip->is_loopback = oo_text_equal(vip->interface, "lo");
	vip->mtu = link.mtu;
	(void)oo_mac_format(link.mac, vip->mac);
	vip->arp_ignore = in_force("ipv4/conf/*/arp_ignore", vip->interface);
	vip->rp_filter = in_force("ipv4/conf/*/rp_filter", vip->interface);
	find_default(vip->default_interface);
	oo_managers_look("", link.index, vip);
}

static void on_result(void *user, const struct oo_check *check,
		      const struct oo_check_result *result)
{
	struct question *question = user;
	struct oo_vip_facts *vip = question->vip;
	/* "answered in 0.1 ms by 02:00:00:00:00:17" */
	const char *mac = strstr(result->seen, " by ");
	(void)check;
	vip->answer_look = result->state == OO_CHECK_STATE_UP     ? OO_LOOK_SEEN
			   : result->state == OO_CHECK_STATE_DOWN ? OO_LOOK_ABSENT
								  : OO_LOOK_DENIED;
	if (mac != NULL) {
		OO_WORK_SAY(vip->answer_mac, mac + strlen(" by "));
	}
	oo_check_free(question->check);
	question->check = NULL;
	oo_work_release(question->work);
}

static void ask(struct questions *questions, struct oo_work *work, struct oo_vip_facts *vip)
{
	struct question *question = &questions->items[questions->n++];
	*question = (struct question){.work = work, .vip = vip};
	const struct oo_check_setup setup = {.event = work->event,
					     .transfers = work->transfers,
					     .done = on_result,
					     .user = question};
	const struct oo_check_spec spec = {
		.name = "doctor",
		.type = OO_CHECK_TYPE_GATEWAY,
		.interval_ms = NOT_AGAIN_MS,
		.timeout_ms = ASK_MS,
		.gateway = {.address = vip->address, .interface = vip->interface}};
	vip->answer_look = OO_LOOK_DENIED; /* it takes CAP_NET_RAW */
	if (oo_check_new(&setup, &spec, &question->check, NULL) == 0) {
		vip->answer_look = OO_LOOK_LATE;
		oo_work_hold(work);
	}
}

static void examine_one(struct questions *questions, struct oo_work *work,
			const struct oo_config_group *group, const struct oo_config_vip *config)
{
	struct oo_vip_facts *vip = &work->facts->vips[work->facts->n_vips++];
	struct oo_address address;
	*vip = (struct oo_vip_facts){.is_six = strchr(config->address, ':') != NULL,
				     .is_elsewhere = config->mode != OO_MODE_ARP};
	snprintf(vip->address, sizeof(vip->address), "%.*s", (int)strcspn(config->address, "/"),
		 config->address);
	OO_WORK_SAY(vip->interface, config->interface);
	OO_WORK_SAY(vip->group, group->name);
	look_at_interface(work, vip);
	if (oo_address_parse(config->address, &address, NULL) == 0 &&
	    look_at_addresses(vip, &address) && vip->is_up && vip->has_carrier &&
	    !vip->is_loopback && !vip->is_elsewhere) {
		ask(questions, work, vip);
	}
}

static void *start(struct oo_work *work)
{
	const struct oo_config *config = work->config;
	struct questions *questions = calloc(1, sizeof(*questions));
	for (size_t i = 0; questions != NULL && i < config->n_groups; i++) {
		const struct oo_config_group *group = &config->groups[i];
		for (size_t k = 0; k < group->n_vips && work->facts->n_vips < OO_FACTS_VIPS; k++) {
			if (group->vips[k].mode !=
			    OO_MODE_PROVIDER) { /* nobody asks for it by ARP */
				examine_one(questions, work, group, &group->vips[k]);
			}
		}
	}
	return questions;
}

static void stop(void *state)
{
	struct questions *questions = state;
	for (size_t i = 0; i < questions->n; i++) {
		oo_check_free(questions->items[i].check);
	}
	free(questions);
}

const struct oo_examiner oo_examine_vips = {.start = start, .stop = stop};
