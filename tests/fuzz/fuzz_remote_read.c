/* fuzz_remote_read.c - remote read requests, after snappy; what was understood is asked of a store,
 * and its answers are written both ways.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/pb.h"
#include "fuzz/stores.h"
#include "ingest/readpb.h"
#include "ingest/readreq.h"

static const mw_label region = {{"region", 6}, {"lisbon", 6}};

static void fill(fuzz_stores *s)
{
    mw_str page = MW_STR("up{job=\"a\"} 1 1000\nup{job=\"a\"} 0 2000\nup{job=\"b\"} 1 1500\n");
    MW_ASSERT(mw_ingest_promtext(&s->in, MW_PAGE_TEXT, page, 1000, &s->result, &s->err) == MW_OK);
}

static void answer(mw_tsdb *db, const mw_select *q, const mw_labels *external)
{
    mw_err err;
    mw_series_set *set;
    mw_series_view v;
    mw_buf labels = {0}, scratch = {0}, out = {0};
    mw_err_init(&err);
    mw_source *src = mw_tsdb_source(db);
    if (src->select(src, q, &set, &err)) return;
    while (set->next(set, &v, &err) == 1) {
        size_t at = 0;
        mw_buf_reset(&labels);
        mw_read_labels(v.labels, external, &labels);
        mw_str ls = {labels.p, labels.n};
        mw_read_timeseries(ls, &v, &out);
        do mw_read_frame(ls, &v, &at, 64, 1, &scratch, &out);
        while (at < v.n);
    }
    set->close(set);
    mw_buf_deinit(&labels);
    mw_buf_deinit(&scratch);
    mw_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_stores s;
    mw_read_request r;
    mw_err err;
    mw_err_init(&err);
    mw_labels *external = mw_labels_new(&region, 1, NULL);
    int rc = mw_read_request_parse((mw_str){(const char *)data, n}, external, &r, &err);
    MW_ASSERT(rc == err.code);
    if (rc == MW_OK) {
        fuzz_stores_open(&s);
        fill(&s);
        for (size_t i = 0; i < r.n; i++) answer(s.in.tsdb, &r.query[i], external);
        fuzz_stores_close(&s);
        mw_read_request_deinit(&r);
    }
    mw_free(external);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void put_sub(mw_buf *out, uint32_t field, mw_buf *sub)
{
    mw_pb_put_bytes(out, field, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static void put_matcher(mw_buf *q, uint64_t type, const char *name, const char *value)
{
    mw_buf m = {0};
    mw_pb_put_varint(&m, 1, type);
    mw_pb_put_bytes(&m, 2, mw_str_of(name));
    mw_pb_put_bytes(&m, 3, mw_str_of(value));
    put_sub(q, 3, &m);
}

static void write_seeds(void)
{
    mw_buf body = {0}, q = {0}, hints = {0};
    mw_pb_put_varint(&q, 1, 0);
    mw_pb_put_varint(&q, 2, 5000);
    put_matcher(&q, 0, "__name__", "up");
    put_sub(&body, 1, &q);
    fuzz_seed("one", body.p, body.n);
    mw_pb_put_varint(&q, 1, (uint64_t)-1000);
    mw_pb_put_varint(&q, 2, 1600);
    put_matcher(&q, 2, "job", "a|b");
    put_matcher(&q, 3, "job", "c.*");
    put_matcher(&q, 1, "x", "y");
    put_matcher(&q, 0, "region", "lisbon");
    mw_pb_put_varint(&hints, 1, 15000);
    mw_pb_put_bytes(&hints, 2, MW_STR("series"));
    mw_pb_put_varint(&hints, 3, 500);
    mw_pb_put_varint(&hints, 4, 1500);
    put_sub(&q, 4, &hints);
    put_sub(&body, 1, &q);
    mw_pb_put_bytes(&body, 2, MW_STR("\1\0"));
    fuzz_seed("two", body.p, body.n);
    mw_buf_deinit(&body);
}

FUZZ_INITIALIZE(NULL, write_seeds)
