/* logrec.c - log records as JSON.  SPDX-License-Identifier: MIT */
#include "model/logrec.h"

#include <stdio.h>

static void hex_field(mw_buf *out, const char *name, const uint8_t *bytes, size_t n)
{
    char hex[33];
    mw_hex(bytes, n, hex);
    mw_buf_printf(out, ",\"%s\":\"%s\"", name, hex);
}

void mw_log_record_json(const mw_log_record *r, mw_buf *out)
{
    /* Nanoseconds as a string: they do not fit a JSON number in most readers. */
    mw_buf_printf(out, "{\"timestamp\":\"%lld\",\"level\":\"%s\",\"message\":", (long long)r->t_ns,
                  mw_level_name(r->level));
    mw_buf_json(out, r->message);
    mw_buf_text(out, ",\"stream\":");
    mw_labels_json(r->stream, out);
    mw_buf_text(out, ",\"fields\":");
    mw_attrs_json(r->fields, r->n_fields, out);
    if (r->has_trace) hex_field(out, "trace_id", r->trace_id, 16);
    if (r->has_span) hex_field(out, "span_id", r->span_id, 8);
    mw_buf_byte(out, '}');
}
