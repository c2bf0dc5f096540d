/* rwrite.h - a world to send remote write requests to.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_RWRITE_H
#define MW_TESTS_RWRITE_H
#include "fakes.h"
#include "mutate.h"
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

/* -- damage --------------------------------------------------------------------------------- */

/* The first N bytes of P are stored or refused as damaged; SAYS, unless NULL, stands in the
 * refusal. */
static inline void send_damaged(struct world *w, rwrite_ingest *ingest, const char *p, size_t n,
                                const char *says)
{
    fake_clear(&w->db);
    int code = write_bytes(w, ingest, p, n);
    assert_true(code == MW_OK || code == MW_EPARSE);
    if (code && says) assert_non_null(strstr(w->err.msg, says));
    assert_int_equal(w->result.accepted, fake_lines(&w->db));
}

/* The body of W cut off anywhere, with any bit turned, and changed at random. */
static inline void send_all_damage(struct world *w, rwrite_ingest *ingest, const char *says)
{
    mutator m = {21};
    for (size_t n = 0; n < w->body.n; n++) {
        send_damaged(w, ingest, w->body.p, n, says);
        assert_int_equal(w->db.commits, 1);
    }
    for (size_t at = 0; at < w->body.n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            w->body.p[at] = (char)(w->body.p[at] ^ 1 << bit);
            fake_clear(&w->db);
            write_bytes(w, ingest, w->body.p, w->body.n);
            assert_int_equal(w->result.accepted, fake_lines(&w->db));
            w->body.p[at] = (char)(w->body.p[at] ^ 1 << bit);
        }
        if (at % 64 == 0) fake_forget(&w->db);
    }
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bad = mutate(&m, w->body.p, w->body.n, &n);
        send_damaged(w, ingest, bad, n, says);
        free(bad);
        if (i % 1000 == 0) {
            fake_free(&w->db);
            memset(&w->db, 0, sizeof w->db);
        }
    }
}

#endif
