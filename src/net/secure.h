/* secure.h - TLS over a socket that somebody else connected, with the patience of a probe.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_SECURE_H
#define MW_NET_SECURE_H
#include "net/net.h"
#include "net/probe.h"

typedef struct mw_secure mw_secure;

/* Shakes hands on FD with HOST (under the name that TLS says).  A certificate that is not good
 * does not end it: see mw_secure_trust.  NULL: ERR says why. */
mw_secure *mw_secure_open(int fd, const char *host, const mw_net_tls *tls,
                          const mw_patience *patience, mw_err *err);
int mw_secure_trust(const mw_secure *s, mw_err *err); /* what is wrong with the certificate */
mw_value *mw_secure_tell(const mw_secure *s);         /* see certs.h */

int mw_secure_write(mw_secure *s, mw_str bytes, mw_err *err);
long mw_secure_read(mw_secure *s, char *out, size_t n, mw_err *err); /* as mw_conn_read */
void mw_secure_close(mw_secure *s); /* not the socket; NULL is fine */

#endif
