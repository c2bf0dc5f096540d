/* fakes.h - a store of samples that only writes down what it is given.
 *
 * Stands in for tsdb/ where a test wants to see every call, and to make the store refuse.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FAKES_H
#define MW_TESTS_FAKES_H
#include "base/mem.h"
#include "ingest/ingest.h"
#include "model/sample.h"

struct mw_tsdb {
    mw_buf text;                  /* one line for each sample: labels @ time = value */
    size_t adds, commits, parsed; /* parsed: adds that came without a reference */
    int refuse;                   /* answer of the next add, once */
    struct {
        uint64_t hash, ref;
    } known[4096];
    size_t n_known;
};

struct mw_appender {
    mw_tsdb *db;
};

mw_appender *mw_appender_new(mw_tsdb *db)
{
    mw_appender *a = mw_zalloc(sizeof *a);
    a->db = db;
    return a;
}

void mw_appender_free(mw_appender *a) { mw_free(a); }

static uint64_t fake_ref(mw_tsdb *db, const mw_labels *ls)
{
    for (size_t i = 0; i < db->n_known; i++)
        if (db->known[i].hash == ls->hash) return db->known[i].ref;
    if (db->n_known < 4096) {
        db->known[db->n_known].hash = ls->hash;
        db->known[db->n_known].ref = db->n_known + 1;
        db->n_known++;
    }
    return db->n_known;
}

int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v)
{
    mw_tsdb *db = a->db;
    db->adds++;
    db->parsed += *ref == 0;
    *ref = fake_ref(db, ls);
    if (db->refuse) {
        int code = db->refuse;
        db->refuse = 0;
        return code;
    }
    mw_labels_text(ls, &db->text);
    mw_buf_printf(&db->text, " @%lld ", (long long)t);
    if (mw_is_stale(v))
        mw_buf_text(&db->text, "stale");
    else
        mw_buf_double(&db->text, v);
    mw_buf_byte(&db->text, '\n');
    return MW_OK;
}

int mw_appender_commit(mw_appender *a, mw_err *err)
{
    a->db->commits++;
    return MW_OK;
}

/* -- logs and traces: one line of JSON for each record, one of text for each span ---------------
 */

struct mw_logs {
    mw_buf text;
    size_t commits;
    int refuse;
};

int mw_logs_append(mw_logs *l, const mw_log_record *r, mw_err *err)
{
    if (l->refuse) {
        int code = l->refuse;
        l->refuse = 0;
        return code;
    }
    mw_log_record_json(r, &l->text);
    mw_buf_byte(&l->text, '\n');
    return MW_OK;
}

int mw_logs_commit(mw_logs *l, mw_err *err)
{
    l->commits++;
    return MW_OK;
}

struct mw_traces {
    mw_buf text;
    size_t commits;
};

static void fake_hex(mw_buf *b, const char *name, const void *id, size_t n)
{
    char hex[33];
    mw_hex(id, n, hex);
    mw_buf_printf(b, " %s=%s", name, hex);
}

int mw_traces_append(mw_traces *t, const mw_span *s, mw_err *err)
{
    static const uint8_t zero[16];
    mw_buf *b = &t->text;
    if (!memcmp(s->trace_id, zero, 16) || !memcmp(s->span_id, zero, 8))
        return mw_fail(err, MW_EARG, 0, 0, "a span's ids are all zero");
    mw_buf_printf(b, "%.*s/%.*s/%.*s", MW_STR_ARG(s->service), MW_STR_ARG(s->scope),
                  MW_STR_ARG(s->name));
    fake_hex(b, "trace", s->trace_id, 16);
    fake_hex(b, "span", s->span_id, 8);
    fake_hex(b, "parent", s->parent_id, 8);
    mw_buf_printf(b, " kind=%d status=%d:%.*s state=%.*s %lld+%lld ", (int)s->kind, (int)s->status,
                  MW_STR_ARG(s->status_message), MW_STR_ARG(s->trace_state), (long long)s->start_ns,
                  (long long)((uint64_t)s->end_ns - (uint64_t)s->start_ns));
    mw_attrs_json(s->attrs, s->n_attrs, b);
    mw_attrs_json(s->resource, s->n_resource, b);
    for (size_t i = 0; i < s->n_events; i++) {
        mw_buf_printf(b, " event=%.*s@%lld", MW_STR_ARG(s->events[i].name),
                      (long long)s->events[i].t_ns);
        mw_attrs_json(s->events[i].attrs, s->events[i].n_attrs, b);
    }
    for (size_t i = 0; i < s->n_links; i++) {
        fake_hex(b, "link", s->links[i].trace_id, 16);
        mw_attrs_json(s->links[i].attrs, s->links[i].n_attrs, b);
    }
    mw_buf_byte(b, '\n');
    return MW_OK;
}

int mw_traces_commit(mw_traces *t, mw_err *err)
{
    t->commits++;
    return MW_OK;
}

static inline void fake_clear(mw_tsdb *db)
{
    mw_buf_reset(&db->text);
    if (db->text.p) *db->text.p = 0;
    db->adds = db->commits = db->parsed = 0;
}

static inline const char *fake_text(mw_tsdb *db) { return db->text.p ? db->text.p : ""; }

#endif
