/* observe.h - the server's own instruments.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_OBSERVE_H
#define MW_HTTP_OBSERVE_H
#include "http/route.h"
#include "http/serving.h"

typedef struct observe observe;

observe *observe_new(mw_registry *reg);
void observe_free(observe *o);

typedef struct finished {
    const mw_route *route; /* NULL: refused before there was one */
    mw_method method;
    int status;
    int64_t took_ns;
    size_t request_bytes, response_bytes;
} finished;

/* All of these may be called by any thread. */
void observe_request(observe *o, const finished *f);
void observe_connections(observe *o, int by);
typedef enum refused { REFUSED_IN_FLIGHT, REFUSED_HANDLES, REFUSED_REASONS } refused;
void observe_refused(observe *o, refused why); /* bytes in flight; no file handle for it */
void observe_in_flight(observe *o, size_t bytes);
void observe_query(observe *o, bool range, int code, int64_t took_ns, size_t samples);
void observe_ingest(observe *o, mw_ingest_kind kind, const char *source, const mw_ingest_result *r);

#endif
