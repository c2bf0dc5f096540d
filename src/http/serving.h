/* serving.h - what handlers may ask of the server that they answer for.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_SERVING_H
#define MW_HTTP_SERVING_H
#include "http/call.h"

bool server_is_ready(const mw_server *s);
void server_say_starting(mw_call *c); /* answers C with 503 and how far the start is */
int server_query_timeout_ms(const mw_server *s);
int64_t server_started_ms(const mw_server *s);
const mw_server_options *server_options(const mw_server *s);

void server_count_in_flight(mw_server *s); /* into its gauge, for the page of metrics */
void server_count_query(mw_server *s, bool range, int code, int64_t took_ns, size_t samples);

typedef enum mw_ingest_kind {
    MW_INGEST_SAMPLES,
    MW_INGEST_RECORDS,
    MW_INGEST_SPANS,
    MW_INGEST_KINDS
} mw_ingest_kind;
/* SOURCE is one of the rows in observe.c. */
void server_count_ingest(mw_server *s, mw_ingest_kind kind, const char *source,
                         const mw_ingest_result *r);

#endif
