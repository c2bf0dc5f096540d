/* fuzz_tracectx.c - traceparent in the first line, tracestate in the others.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/fuzz.h"
#include "model/tracectx.h"

static mw_str line(mw_str *rest)
{
    const char *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    mw_str head = {rest->p, nl ? (size_t)(nl - rest->p) : rest->n};
    size_t used = head.n + (nl != NULL);
    *rest = (mw_str){rest->p + used, rest->n - used};
    return head;
}

/* What was understood is understood again when it is passed on. */
static void pass_on(const mw_tracectx *ctx)
{
    char header[MW_TRACEPARENT_BYTES];
    mw_tracectx again;
    mw_traceparent_format(ctx, header);
    memset(&again, 0, sizeof again);
    MW_ASSERT(mw_traceparent_parse(mw_str_of(header), &again));
    MW_ASSERT(!memcmp(ctx->trace_id, again.trace_id, 16) &&
              !memcmp(ctx->span_id, again.span_id, 8));
    MW_ASSERT(memchr(ctx->state, 0, sizeof ctx->state));
    mw_tracestate_add(&again, mw_str_of(ctx->state));
    MW_ASSERT(!strcmp(ctx->state, again.state));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_str rest = {(const char *)data, n};
    mw_tracectx ctx;
    memset(&ctx, 0, sizeof ctx);
    if (!mw_traceparent_parse(line(&rest), &ctx)) return 0;
    while (rest.n) mw_tracestate_add(&ctx, line(&rest));
    pass_on(&ctx);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
