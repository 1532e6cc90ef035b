#include "examine/access.h"

#include "base/clock.h"

#define KEY "doctor" /* below our prefix; never written */

int oo_access_open(const struct oo_work *work, size_t index, size_t n, struct oo_etcd **ret_etcd,
		   struct oo_err *err)
{
	const struct oo_config_etcd *etcd = &work->config->etcd;
	const struct oo_etcd_options options = {.endpoints = etcd->endpoints.items + index,
						.n_endpoints = n,
						.username = etcd->username,
						.password_file = etcd->password_file,
						.ca_file = etcd->ca_file,
						.cert_file = etcd->cert_file,
						.key_file = etcd->key_file};
	return oo_etcd_new(work->event, &options, ret_etcd, err);
}

int oo_access_try_write(const struct oo_work *work, struct oo_etcd *etcd, oo_etcd_fn *done,
			void *user)
{
	char key[OO_TEXT_LENGTH];
	const struct oo_etcd_call call = {
		.deadline = oo_clock_now() + oo_work_left_ms(work), .done = done, .user = user};

	oo_work_key(work, key, KEY);
	return oo_etcd_try(etcd, key, &call, NULL);
}
