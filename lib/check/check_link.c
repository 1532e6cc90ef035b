#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/kind.h"

/* Mbit/s; 0: it has none, or does not know (the kernel says -1). */
static int read_speed(int fd, struct ifreq *request)
{
	struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
	request->ifr_data = (void *)&command;
	if (ioctl(fd, SIOCETHTOOL, request) < 0) {
		return 0;
	}
	__u32 speed = ethtool_cmd_speed(&command);
	return speed == (__u32)SPEED_UNKNOWN ? 0 : (int)speed;
}

static void judge_speed(struct oo_check_run *run, int speed)
{
	if (speed == 0) {
		oo_check_run_say(run, OO_CHECK_REASON_DEGRADED, "speed unknown");
	} else if (speed < run->spec->link.speed_mbit) {
		oo_check_run_say(run, OO_CHECK_REASON_DEGRADED, "%d Mbit/s", speed);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "up, %d Mbit/s", speed);
	}
}

/* By ioctl(2) (netdevice(7)), which asks our own network namespace, unlike a mounted /sys. */
static int start(struct oo_check_run *run)
{
	struct ifreq request = {0};
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	oo_text_clip(request.ifr_name, sizeof(request.ifr_name), run->spec->link.interface);
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		oo_check_run_say_errno(
			run, errno == ENODEV ? OO_CHECK_REASON_MISSING : OO_CHECK_REASON_LOCAL,
			errno);
	} else if (!(request.ifr_flags & IFF_UP)) {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "set down");
	} else if (!(request.ifr_flags & IFF_RUNNING)) {
		oo_check_run_say(run, OO_CHECK_REASON_NO_CARRIER, "no carrier");
	} else if (run->spec->link.speed_mbit > 0) {
		judge_speed(run, read_speed(fd, &request));
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "up");
	}
	return OO_CHECK_FINISHED;
}

const struct oo_check_kind oo_check_link = {
	.start = start,
};
