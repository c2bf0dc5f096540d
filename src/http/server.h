/* server.h - the HTTP server: h2o loops, one per core, and the routes of the contract.
 *
 * A loop never blocks: ingest is parsed on it, queries run on a pool, whatever Lua decides is asked
 * of an actor.  HTTP/1.1 only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_SERVER_H
#define MW_HTTP_SERVER_H
#include "ingest/ingest.h"
#include "net/scrape.h"
#include "script/actor.h"

typedef struct mw_server mw_server;

typedef struct mw_server_options {
    const char *const *listen; /* "127.0.0.1:9490", "[::1]:9490", ":9490"; n_listen; port 0: any */
    size_t n_listen;
    unsigned loops;           /* 0: one per core */
    size_t max_body;          /* encoded bytes of a request; 0: 64 MiB */
    size_t max_in_flight;     /* bytes of all requests being received or handled; 0: 256 MiB */
    unsigned max_queries;     /* at once; 0: 2 per core */
    int query_timeout_ms;     /* 0: 2 minutes */
    unsigned max_connections; /* 0: 10000 */
    const char *cors;         /* origins whose pages may read: an anchored regex; NULL: all */
    const mw_labels *external_labels; /* put to what leaves by federation and remote read; may be
                                         NULL; borrowed */
    int64_t lookback_ms;              /* 0: 5 minutes; how old a sample of the federation may be */
    int64_t retention_ms;             /* of samples; 0: forever */
    size_t read_samples;              /* of one remote read; 0: 50 million */
} mw_server_options;

typedef struct mw_server_parts { /* all borrowed */
    mw_host *host;
    mw_ingest *ingest;
    mw_scraper *scraper; /* may be NULL */
    mw_actor *rules, *router,
        *backtest; /* may be NULL: their routes answer 503; see mw_server_actors */
} mw_server_parts;

mw_server *mw_server_new(const mw_server_options *o, const mw_server_parts *parts,
                         mw_err *err); /* binds */
void mw_server_start(mw_server *s);
/* Actors that were not there yet when the server was made; before the first mw_server_ready. */
void mw_server_actors(mw_server *s, mw_actor *rules, mw_actor *router, mw_actor *backtest);
/* Until READY every path but /-/healthy, /-/ready and /metrics answers 503 and how far the recovery
 * of the store is, and the store is not touched. */
void mw_server_ready(mw_server *s, bool ready);
unsigned mw_server_port(const mw_server *s);     /* of the first listener */
void mw_server_stop(mw_server *s, int grace_ms); /* no new connections, work in flight finished */
void mw_server_free(mw_server *s);

#endif
