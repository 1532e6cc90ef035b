/* What all of the layers stand on: memory, files, ports. */
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/diag.h"
#include "collect/gather.h"
#include "collect/hostfs.h"
#include "collect/procfs.h"

#define TEXT_LENGTH 16384 /* vmstat and netstat are some 5 KB */
#define KIB 1024
/* A local port is taken in all of these; TIME_WAIT is what they are used up by. */
#define TAKEN_STATES                                                                               \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 |  \
	 1u << TCP_TIME_WAIT | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

/* Empty where it is not to be had. */
static bool read_text(const char *path, char text[static TEXT_LENGTH])
{
	if (oo_procfs_read(AT_FDCWD, path, text, TEXT_LENGTH) >= 0) {
		return true;
	}
	text[0] = '\0';
	return false;
}

static uint64_t read_number(const char *path)
{
	char text[TEXT_LENGTH];
	return read_text(path, text) ? strtoull(text, NULL, 10) : 0;
}

static uint64_t read_overflows(void)
{
	char text[TEXT_LENGTH];
	uint64_t n = 0;
	(void)read_text("/proc/net/netstat", text);
	(void)oo_hostfs_netstat(text, "ListenOverflows", &n);
	return n;
}

static void read_memory(struct oo_host *host)
{
	char text[TEXT_LENGTH];
	uint64_t total = 0, available = 0, swap_total = 0, swap_free = 0, kills = 0;
	host->look = read_text("/proc/meminfo", text) ? OO_LOOK_SEEN : OO_LOOK_FAILED;
	(void)oo_hostfs_find(text, "MemTotal:", &total);
	(void)oo_hostfs_find(text, "MemAvailable:", &available);
	(void)oo_hostfs_find(text, "SwapTotal:", &swap_total);
	(void)oo_hostfs_find(text, "SwapFree:", &swap_free);
	host->memory_total_bytes = total * KIB;
	host->memory_available_bytes = available * KIB;
	host->swap_used_bytes = swap_total > swap_free ? (swap_total - swap_free) * KIB : 0;
	(void)read_text("/proc/pressure/memory", text);
	host->memory_pressure_percent = oo_hostfs_pressure(text, "some");
	(void)read_text("/proc/pressure/io", text);
	host->io_pressure_percent = oo_hostfs_pressure(text, "full");
	(void)read_text("/proc/vmstat", text);
	(void)oo_hostfs_find(text, "oom_kill", &kills);
	host->oom_kills = (unsigned)kills;
}

struct connections {
	uint16_t port;
	uint64_t n;
};

static void on_connection(void *user, const struct oo_diag_socket *entry)
{
	struct connections *connections = user;
	connections->n += entry->peer_port == connections->port ? 1 : 0;
}

/* Of those that can be had for connections to one place: the Document Server, by its proxy. */
static void count_ports(const struct oo_gather *gather, struct oo_host *host)
{
	struct connections connections = {.port = gather->docservice.port};
	char text[TEXT_LENGTH];
	unsigned first = 0, last = 0;
	if (read_text("/proc/sys/net/ipv4/ip_local_port_range", text) &&
	    sscanf(text, "%u %u", &first, &last) == 2 && last >= first &&
	    oo_diag_list(TAKEN_STATES, on_connection, &connections) == 0) {
		host->local_ports_used_percent = oo_hostfs_percent(connections.n, last - first + 1);
	}
}

static void count_files(struct oo_host *host)
{
	char text[TEXT_LENGTH];
	unsigned long long used = 0, most = 0;
	if (read_text("/proc/sys/fs/file-nr", text) &&
	    sscanf(text, "%llu %*u %llu", &used, &most) == 2) {
		host->files_used_percent = oo_hostfs_percent(used, most);
	}
	host->conntrack_used_percent =
		oo_hostfs_percent(read_number("/proc/sys/net/netfilter/nf_conntrack_count"),
				  read_number("/proc/sys/net/netfilter/nf_conntrack_max"));
}

static void take_address(struct oo_host *host, const struct ifaddrs *one)
{
	int family = one->ifa_addr != NULL ? one->ifa_addr->sa_family : AF_UNSPEC;
	socklen_t length =
		family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	bool is_loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
	host->loopback_down =
		host->loopback_down || (is_loopback && (one->ifa_flags & IFF_UP) == 0);
	if ((family == AF_INET || family == AF_INET6) &&
	    host->n_addresses < OO_EVIDENCE_ADDRESSES &&
	    getnameinfo(one->ifa_addr, length, host->addresses[host->n_addresses], OO_EVIDENCE_NAME,
			NULL, 0, NI_NUMERICHOST) == 0) {
		host->n_addresses++;
	}
}

static void list_addresses(struct oo_host *host)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) == 0) {
		for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
			take_address(host, one);
		}
		freeifaddrs(all);
	}
}

static void *start(struct oo_gather *gather)
{
	struct oo_host *host = &gather->evidence->host;
	read_memory(host);
	list_addresses(host);
	count_ports(gather, host);
	count_files(host);
	host->listen_overflows = read_overflows();
	host->nonlocal_bind = read_number("/proc/sys/net/ipv4/ip_nonlocal_bind") != 0;
	return gather;
}

/* The end of the gathering is the second look. */
static void stop(struct oo_gather *gather, void *state)
{
	struct oo_host *host = &gather->evidence->host;
	(void)state;
	uint64_t now = read_overflows();
	host->listen_overflows_now =
		now > host->listen_overflows ? now - host->listen_overflows : 0;
}

const struct oo_collector oo_collect_host = {.start = start, .stop = stop};
