/* net.h - the outbound loop: HTTP requests and probes, all at once, each with a deadline.
 *
 * One thread drives every transfer (libcurl multi); blocking probes run on a small pool.
 * Any thread may ask.  Nothing waits longer than its own timeout.  Only http and https are spoken,
 * redirects are followed only when asked for, and proxy variables of the environment are ignored.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_NET_H
#define MW_NET_NET_H
#include "metrics/registry.h"
#include "script/host.h"

typedef struct mw_net mw_net;

mw_net *mw_net_new(mw_registry *reg);
void mw_net_start(mw_net *n);
void mw_net_stop(mw_net *n); /* what is under way is answered with an error */
void mw_net_free(mw_net *n); /* NULL is fine; stops first when that was forgotten */

/* NULL: the authorities of the system; no certificate of ours; the name of the url. */
typedef struct mw_net_tls {
    const char *ca, *cert, *key; /* PEM files */
    const char *server_name;
    bool insecure; /* any certificate will do */
} mw_net_tls;

/* Sign the request as Amazon wants it (Signature Version 4); region NULL: not at all. */
typedef struct mw_net_sign {
    const char *region, *service, *key, *secret;
} mw_net_sign;

typedef struct mw_net_request {
    const char *method, *url;   /* method NULL: GET, or POST when there is a body */
    const char *const *headers; /* "Name: value", n_headers */
    size_t n_headers;
    mw_str body;
    int timeout_ms;  /* 0: 10 s; counts from mw_net_send, waiting for a turn included */
    size_t max_body; /* of the decoded answer; 0: 1 MiB */
    mw_net_tls tls;
    mw_net_sign sign;
    const char *proxy; /* NULL: none; "http://user:password@host:port", also https and socks5h */
    const mw_value *cookies; /* not NULL: those that it begins with, see cookies.h */
    bool follow;
    int max_redirects; /* 0: 10 */
    int family;        /* AF_INET, AF_INET6, or 0 for any */
    bool compressed;   /* offer gzip and decode the answer */
    bool measure;      /* a connection of its own, and tell where the time went */
    bool http2;        /* and nothing else, also in plain text */
} mw_net_request;

typedef struct mw_net_measured mw_net_measured; /* measure.h */

typedef struct mw_net_response {
    int status;           /* 0: no answer, see error */
    mw_str body, headers; /* headers: the raw block of the last answer */
    const char *error;    /* NULL, or what went wrong in words; never holds the url */
    double seconds;
    bool sent; /* there is an error, but the request left: it may have been acted on */
    const mw_value *cookies;         /* those there are now; NULL unless asked for */
    const mw_net_measured *measured; /* NULL unless asked for; also of what failed */
    bool stopped; /* the error is that this process is stopping: it says nothing about the peer */
    bool unasked; /* nor does this one: there was no turn for it, or no time to wait for the answer
                   */
} mw_net_response;

/* DONE is called once on the net thread; R is valid during the call.  The request is copied.
 * MW_EBUSY: too many are waiting.  MW_ECANCEL: stopped.  DONE is not called after a refusal. */
typedef void mw_net_done(void *arg, const mw_net_response *r);
int mw_net_send(mw_net *n, const mw_net_request *req, mw_net_done *done, void *arg);

/* Programs in these folders may be run (operation exec); none when this was never said. */
void mw_net_allow(mw_net *n, const char *const *folders, size_t n_folders);

/* Operations http, tcp, redis, postgres, mail and exec for Lua. */
void mw_net_offer(mw_net *n, mw_host *host);

#endif
