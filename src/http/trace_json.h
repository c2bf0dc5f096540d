/* trace_json.h - ids and times of spans in JSON; for the two APIs that show traces.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_TRACE_JSON_H
#define MW_HTTP_TRACE_JSON_H
#include "http/call.h"

enum { MW_TRACES_USUAL = 20, MW_TRACES_MOST = 1000, MW_TRACE_TAGS = 20 };

typedef struct mw_trace_ask {
    mw_traces_query q;
    mw_attr tags[MW_TRACE_TAGS];
} mw_trace_ask;

int trace_ask_tag(mw_trace_ask *a, mw_str key, mw_str value, mw_err *err);
/* 1 to 32 hex digits, short ones as if with zeros in front. */
bool trace_id_parse(mw_str hex, uint8_t id[16]);
void trace_json_hex(mw_buf *out, const char *name, const uint8_t *id, size_t n); /* "name":"00ff" */

#endif
