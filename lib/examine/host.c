/* The clock, what this process may do, and what the kernel can. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "examine/work.h"
#include "net/fence.h"
#include "net/fence_look.h"
#include "net/sockets.h"

#define ETHERNET_ARP 0x0806
#define TICK_US 10000    /* between two of the kernel's ticks (USER_HZ is 100), at the right rate */
#define SCALED_PPM 65536 /* adjtimex(2): freq's unit */
/* Both ends of a connection with ourselves, which nobody else has: 127.83.71.1 and .2 */
#define OUR_LOOPBACK 0x7f534701u

static void look_at_clock(struct oo_host_facts *host)
{
	struct timex clock = {0};
	if (adjtimex(&clock) < 0) {
		host->clock_look = OO_LOOK_FAILED;
		return;
	}
	host->clock_look = OO_LOOK_SEEN;
	host->is_synchronised = (clock.status & STA_UNSYNC) == 0;
	host->rate_ppm =
		(int64_t)(clock.tick - TICK_US) * (1000000 / TICK_US) + clock.freq / SCALED_PPM;
}

static enum oo_look look_of(int r)
{
	return r == 0                                                            ? OO_LOOK_SEEN
	       : r == -EPERM || r == -EACCES                                     ? OO_LOOK_DENIED
	       : r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -EPROTONOSUPPORT ? OO_LOOK_ABSENT
										 : OO_LOOK_FAILED;
}

static void look_at_rights(const struct oo_work *work, struct oo_host_facts *host)
{
	OO_AUTO(oo_close)
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETHERNET_ARP));
	host->packets_look = look_of(fd < 0 ? -errno : 0);
	host->addresses_look = look_of(oo_net_check_rights(work->net, NULL));
}

static void look_at_nf_tables(const struct oo_work *work, struct oo_host_facts *host)
{
	char name[OO_FENCE_NAME_LENGTH];
	struct oo_address address;
	int64_t left_ms;
	snprintf(name, sizeof(name), "ooha-%s", work->config->cluster);
	if (oo_address_parse(work->config->groups[0].vips[0].address, &address, NULL) < 0) {
		return;
	}
	int r = oo_fence_look(name, &address, 1, &left_ms, NULL);
	host->nf_tables_look = look_of(r == -ENOENT ? 0 : r);
}

static struct sockaddr_in loopback(uint32_t address)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
}

/* Connects client to a listener, both ours; returns 0 or -errno. */
static int connect_to_ourselves(int listener, int client)
{
	struct sockaddr_in one = loopback(OUR_LOOPBACK), other = loopback(OUR_LOOPBACK + 1);
	socklen_t length = sizeof(other);
	if (bind(listener, (struct sockaddr *)&other, sizeof(other)) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&other, &length) < 0 ||
	    bind(client, (struct sockaddr *)&one, sizeof(one)) < 0 ||
	    connect(client, (struct sockaddr *)&other, sizeof(other)) < 0) {
		return -errno;
	}
	return 0;
}

static void look_at_destroy(struct oo_host_facts *host)
{
	OO_AUTO(oo_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OO_AUTO(oo_close) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in one = loopback(OUR_LOOPBACK);
	const struct timeval timeout = {.tv_usec = 200000};
	struct oo_address address = {.family = AF_INET, .prefix = 32};
	unsigned n;
	memcpy(address.bytes, &one.sin_addr, sizeof(one.sin_addr));
	host->destroy_look = OO_LOOK_FAILED;
	if (listener < 0 || client < 0 ||
	    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect_to_ourselves(listener, client) < 0) {
		return;
	}
	int r = oo_sockets_reset(&address, &n, NULL);
	host->destroy_look = look_of(r == -ENOENT ? -EOPNOTSUPP : r);
}

static void *start(struct oo_work *work)
{
	struct oo_host_facts *host = &work->facts->host;
	look_at_clock(host);
	look_at_rights(work, host);
	look_at_nf_tables(work, host);
	look_at_destroy(host);
	host->nonlocal_look = OO_LOOK_SEEN;
	host->allows_nonlocal = oo_work_sysctl("ipv4/*ip_nonlocal_bind", "") != 0;
	host->allows_nonlocal_six = oo_work_sysctl("ipv6/*ip_nonlocal_bind", "") != 0;
	return NULL;
}

const struct oo_examiner oo_examine_host = {.start = start};
