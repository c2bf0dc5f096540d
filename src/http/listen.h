/* listen.h - listening sockets from addresses as people write them.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_LISTEN_H
#define MW_HTTP_LISTEN_H
#include "base/err.h"

/* N sockets on ADDRESS ("127.0.0.1:9490", "[::1]:9490", "localhost:0", ":9490" for every address)
 * that share its port, for one loop each; the kernel spreads connections over them.  *PORT is what
 * port 0 became.  MW_EARG: no such address.  MW_EIO: somebody else listens there, or may not. */
int listen_on(const char *address, unsigned n, int *fds, unsigned *port, mw_err *err);

#endif
