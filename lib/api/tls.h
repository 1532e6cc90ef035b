#ifndef OO_API_TLS_H
#define OO_API_TLS_H
/* The certificate and the key of the TCP listener, read and looked at before they are put to use. */
#include "api/api.h"

#define OO_TLS_FILE_BYTES_MAX (64 << 10)

struct oo_tls_texts {
	char certificate[OO_TLS_FILE_BYTES_MAX + 1]; /* PEM, with those that sign it behind it */
	char key[OO_TLS_FILE_BYTES_MAX + 1];
};

/*
 * ret_texts  to be given to oo_tls_wipe.
 * Returns 0, -ENOMEM, or an error of oo_api_set_tls (api.h).
 */
int oo_tls_read(const struct oo_api_tls *tls, struct oo_tls_texts **ret_texts, struct oo_err *err);

/* For OO_AUTO: a key does not stay in memory that is free. */
void oo_tls_wipe(struct oo_tls_texts **texts);

#endif
