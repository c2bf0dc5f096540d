/* transfer.h - one HTTP request on its way: what the loop in net.c juggles.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_TRANSFER_H
#define MW_NET_TRANSFER_H
#include <curl/curl.h>

#include "net/measure.h"

typedef struct mw_transfer mw_transfer;
struct mw_transfer {
    mw_transfer *prev, *next; /* for whoever holds it */
    CURL *easy;               /* NULL until begun */
    int64_t asked_ns, deadline_ns;
    int timeout_ms;
    size_t max_body;
    bool too_big;
    char *method, *url;
    struct curl_slist *fields, *connect_to;
    mw_net_tls tls;               /* its texts are owned */
    char *sign_scope, *sign_user; /* NULL: not signed */
    char *proxy;                  /* NULL: none */
    bool has_body, follow, compressed, http2;
    int max_redirects, family;
    mw_net_measured *measured; /* NULL: not asked for */
    mw_value *cookies;         /* likewise */
    bool left;                 /* the request went out once */
    bool heard;                /* the head of the last answer is whole */
    mw_buf send, body, headers;
    char trouble[CURL_ERROR_SIZE];
    mw_net_done *done;
    void *arg;
};

typedef struct mw_transfer_end { /* what the loop counts */
    bool failed;
    size_t received;
    double seconds;
} mw_transfer_end;

mw_transfer *mw_transfer_new(const mw_net_request *req, mw_net_done *done, void *arg);
CURL *mw_transfer_begin(mw_transfer *t); /* the configured handle, owned by T */

void mw_transfer_drop(mw_transfer *t); /* frees it; done is not called */

/* Both call done and free T.  The handle must have left its multi. */
mw_transfer_end mw_transfer_finish(mw_transfer *t, CURLcode rc);
void mw_transfer_fail(mw_transfer *t, const char *words, bool stopped);

#endif
