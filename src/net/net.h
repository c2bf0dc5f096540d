/* net.h - the outbound loop: HTTP requests and probes, all at once, each with a deadline.
 *
 * One thread drives every transfer (libcurl multi); blocking probes run on a small pool.
 * Any thread may ask.  Nothing waits longer than its own timeout.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_NET_H
#define MW_NET_NET_H
#include "metrics/registry.h"
#include "script/host.h"

typedef struct mw_net mw_net;

mw_net *mw_net_new(mw_registry *reg);
void mw_net_start(mw_net *n);
void mw_net_stop(mw_net *n); /* what is under way is answered with an error */
void mw_net_free(mw_net *n);

typedef struct mw_net_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", n_headers */
    size_t n_headers;
    mw_str body;
    int timeout_ms;
    size_t max_body; /* 0: 1 MiB */
    bool insecure, follow;
} mw_net_request;

typedef struct mw_net_response {
    int status;           /* 0: no answer, see error */
    mw_str body, headers; /* headers: the raw block */
    const char *error;    /* NULL, or what went wrong in words */
    double seconds;
} mw_net_response;

/* DONE is called once on the net thread; R is valid during the call.  The request is copied. */
typedef void mw_net_done(void *arg, const mw_net_response *r);
int mw_net_send(mw_net *n, const mw_net_request *req, mw_net_done *done, void *arg);

/* Operations http, tcp, redis, postgres for Lua. */
void mw_net_offer(mw_net *n, mw_host *host);

#endif
