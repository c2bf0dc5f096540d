/* measure.h - where the time of an HTTP request went, and what its TLS showed.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_MEASURE_H
#define MW_NET_MEASURE_H
#include <curl/curl.h>

#include "net/net.h"
#include "script/value.h"

struct mw_net_measured {
    double resolve, connect, handshake, processing, transfer; /* seconds; negative: not reached */
    double content_length;  /* as the server says; -1: it does not */
    int redirects, version; /* 11: HTTP/1.1 */
    int ip;                 /* 4, 6, or 0 */
    mw_value *tls; /* see certs.h; without a version when the handshake failed; NULL: none */
};

mw_net_measured *mw_measure_new(void);
void mw_measure_free(mw_net_measured *m); /* NULL is fine */

/* EASY makes a connection of its own, and M hears of its certificates. */
void mw_measure_set(CURL *easy, mw_net_measured *m);
void mw_measure_header(CURL *easy, mw_net_measured *m); /* a line of an answer came */
void mw_measure_finish(CURL *easy, mw_net_measured *m);
void mw_measure_tell(const mw_net_measured *m, mw_value *answer);

#endif
