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

static void fake_clear(mw_tsdb *db)
{
    mw_buf_reset(&db->text);
    if (db->text.p) *db->text.p = 0;
    db->adds = db->commits = db->parsed = 0;
}

static const char *fake_text(mw_tsdb *db) { return db->text.p ? db->text.p : ""; }

#endif
