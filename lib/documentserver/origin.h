#ifndef OO_ORIGIN_H
#define OO_ORIGIN_H
/* Which of the Document Server's configuration files sets a value. */
#include "documentserver/proxy.h"

/*
 * The file of directory that counts for the value at pointer (RFC 6901): local.json, else
 * production-linux.json, else default.json; "" where none has it or can be read.
 */
void oo_settings_origin(const char *directory, const char *pointer,
			char path[static OO_TEXT_LENGTH]);

#endif
