#include "api/peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"

static void close_file(FILE **file)
{
	if (*file != NULL) {
		(void)fclose(*file); /* it was read only */
	}
}

static void name_user(struct oo_api_peer *peer)
{
	snprintf(peer->user, sizeof(peer->user), "%u", (unsigned)peer->uid);
	OO_AUTO(close_file) FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;
	while (file != NULL && (entry = fgetpwent(file)) != NULL) {
		if (entry->pw_uid == peer->uid) {
			(void)oo_text_copy(peer->user, sizeof(peer->user), entry->pw_name);
			return; /* a longer name keeps its number */
		}
	}
}

int oo_peer_read(int fd, struct oo_api_peer *ret_peer)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) {
		return -errno;
	}
	*ret_peer = (struct oo_api_peer){.known = true,
					 .uid = credentials.uid,
					 .gid = credentials.gid,
					 .pid = credentials.pid};
	name_user(ret_peer);
	return 0;
}

bool oo_peer_is_member(int fd, const struct oo_api_peer *peer, gid_t gid)
{
	if (peer->gid == gid) {
		return true;
	}
	socklen_t length = 0; /* bytes, both ways; ERANGE says how many there are */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &length) == 0 || errno != ERANGE) {
		return false;
	}
	OO_AUTO(oo_free) gid_t *groups = malloc(length);
	if (groups == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) {
		return false;
	}
	for (size_t i = 0; i < length / sizeof(*groups); i++) {
		if (groups[i] == gid) {
			return true;
		}
	}
	return false;
}

bool oo_group_find(const char *name, gid_t *ret_gid)
{
	OO_AUTO(close_file) FILE *file = fopen("/etc/group", "re");
	const struct group *entry = NULL;
	while (file != NULL && (entry = fgetgrent(file)) != NULL) {
		if (oo_text_equal(entry->gr_name, name)) {
			*ret_gid = entry->gr_gid;
			return true;
		}
	}
	return false;
}
