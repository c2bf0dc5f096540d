/* redis_url.h - redis://[[user]:password@]host[:port][/db], taken apart.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_REDIS_URL_H
#define MW_NET_REDIS_URL_H
#include "base/err.h"

typedef struct mw_redis_url {
    char host[256], user[256], password[512]; /* user and password: "" when absent */
    int port, db;
} mw_redis_url;

/* Also plain "host" and "host:port".  %XX is decoded in user and password.  Refused: rediss:// (no
 * TLS), a missing host, a port or number of a database out of range.  ERR never shows the url. */
int mw_redis_url_parse(const char *url, mw_redis_url *out, mw_err *err);

#endif
