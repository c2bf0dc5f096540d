/* tls.h - whom a request trusts, and who it says that it is: {ca=, cert=, key=, server_name=,
 * insecure=} of policy, on its way to libcurl.
 *
 * The files are read for each new connection, so that they may be replaced at any time.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_TLS_H
#define MW_NET_TLS_H
#include <curl/curl.h>

#include "net/net.h"
#include "script/value.h"

/* SPEC, which *OUT points into; NULL, nothing and an empty table are none. */
int mw_tls_read(const mw_value *spec, mw_net_tls *out, mw_err *err);

/* A copy with texts of its own, and its end. */
void mw_tls_copy(mw_net_tls *to, const mw_net_tls *from);
void mw_tls_deinit(mw_net_tls *tls);

void mw_tls_set(CURL *easy, const mw_net_tls *tls);

/* The request for URL goes to the same peer under the name of the server, with the Host header that
 * it would have had: what to ask for (NULL: URL as it is), where that is, and that header are added
 * to the lists.  HEADERS may be NULL.  Freed with curl_free. */
char *mw_tls_rename(const char *url, const mw_net_tls *tls, struct curl_slist **connect_to,
                    struct curl_slist **headers);

#endif
