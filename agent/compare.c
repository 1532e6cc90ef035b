#include "compare.h"

#include <errno.h>

#include "base/text.h"

static bool is_same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : oo_text_equal(one, other);
}

static bool is_same_list(const struct oo_config_texts *one, const struct oo_config_texts *other)
{
	for (size_t i = 0; i < one->n && one->n == other->n; i++) {
		if (!oo_text_equal(one->items[i], other->items[i])) {
			return false;
		}
	}
	return one->n == other->n;
}

bool agent_compare_is_same_vip(const struct oo_config_vip *one, const struct oo_config_vip *other)
{
	return oo_text_equal(one->address, other->address) && one->mode == other->mode &&
	       oo_text_equal(one->interface, other->interface) && one->table == other->table &&
	       one->protocol == other->protocol && one->metric == other->metric &&
	       is_same(one->provider.run, other->provider.run) &&
	       one->provider.timeout_ms == other->provider.timeout_ms &&
	       is_same(one->provider.settings.json, other->provider.settings.json);
}

bool agent_compare_is_other_vips(const struct oo_config_group *now,
				 const struct oo_config_group *next)
{
	for (size_t i = 0; i < now->n_vips && now->n_vips == next->n_vips; i++) {
		if (!agent_compare_is_same_vip(&now->vips[i], &next->vips[i])) {
			return true;
		}
	}
	return now->n_vips != next->n_vips;
}

bool agent_compare_is_other_etcd(const struct oo_config *now, const struct oo_config *next)
{
	const struct oo_config_etcd *one = &now->etcd, *other = &next->etcd;
	return !is_same_list(&one->endpoints, &other->endpoints) ||
	       !is_same(one->username, other->username) ||
	       !is_same(one->password_file, other->password_file) ||
	       !is_same(one->ca_file, other->ca_file) ||
	       !is_same(one->cert_file, other->cert_file) ||
	       !is_same(one->key_file, other->key_file);
}

bool agent_compare_is_other_api(const struct oo_config *now, const struct oo_config *next)
{
	const struct oo_config_api *one = &now->api, *other = &next->api;
	return !oo_text_equal(one->socket, other->socket) ||
	       !is_same(one->listen.host, other->listen.host) ||
	       one->listen.port != other->listen.port ||
	       (one->tls.cert_file == NULL) != (other->tls.cert_file == NULL);
}

static int check_fixed(const char *key, const char *now, const char *next, struct oo_err *err)
{
	return oo_text_equal(now, next)
		       ? 0
		       : oo_fail_text(err, EINVAL,
				      "%s: '%s' has become '%s', which takes a restart", key, now,
				      next);
}

/* What the tenure file is found and recognized by. */
static int check_tenure(const struct oo_config *now, const struct oo_config *next,
			struct oo_err *err)
{
	int r = check_fixed("cluster", now->cluster, next->cluster, err);
	r = r < 0 ? r : check_fixed("node.name", now->node.name, next->node.name, err);
	return r < 0 ? r
		     : check_fixed("runtime_directory", now->runtime_directory,
				   next->runtime_directory, err);
}

static size_t find_group(const struct oo_config *config, const char *name)
{
	size_t g = 0;
	while (g < config->n_groups && !oo_text_equal(config->groups[g].name, name)) {
		g++;
	}
	return g;
}

static void order_groups(const struct oo_config *now, struct oo_config *next)
{
	for (size_t g = 0; g < now->n_groups; g++) {
		const size_t at = find_group(next, now->groups[g].name);
		const struct oo_config_group moved = next->groups[at];
		next->groups[at] = next->groups[g];
		next->groups[g] = moved;
	}
}

int agent_compare_align(const struct oo_config *now, struct oo_config *next, uint32_t *ret_gone,
			struct oo_err *err)
{
	int r = check_tenure(now, next, err);
	if (r < 0) {
		return r;
	}
	*ret_gone = 0;
	for (size_t g = 0; g < now->n_groups; g++) {
		if (find_group(next, now->groups[g].name) == next->n_groups) {
			*ret_gone |= 1u << g;
		}
	}
	if (*ret_gone == 0) {
		order_groups(now, next);
	}
	return 0;
}

static bool has_group(const struct oo_config *config, const struct oo_config_group *group)
{
	const size_t g = find_group(config, group->name);
	return g < config->n_groups && !agent_compare_is_other_vips(group, &config->groups[g]);
}

bool agent_compare_is_adoptable(const struct oo_config *now, const struct oo_config *next,
				uint32_t held)
{
	bool all = check_tenure(now, next, NULL) == 0;
	for (size_t g = 0; all && g < now->n_groups; g++) {
		all = (held & 1u << g) == 0 || has_group(next, &now->groups[g]);
	}
	return all;
}
