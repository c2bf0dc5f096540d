/* rwrite.h - a world to send remote write requests to.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_RWRITE_H
#define MW_TESTS_RWRITE_H
#include "fakes.h"
#include "rwbody.h"

typedef int rwrite_ingest(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err);

struct world {
    mw_tsdb db;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
    mw_buf body;
};

static inline void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->in.tsdb = &w->db;
}

static inline void close_world(struct world *w)
{
    mw_buf_deinit(&w->body);
    fake_free(&w->db);
}

/* From memory of exactly its size, so that reading on is seen. */
static inline int write_bytes(struct world *w, rwrite_ingest *ingest, const char *p, size_t n)
{
    char *exact = malloc(n ? n : 1);
    if (n) memcpy(exact, p, n);
    mw_err_init(&w->err);
    int code = ingest(&w->in, (mw_str){exact, n}, &w->result, &w->err);
    free(exact);
    return code;
}

#endif
