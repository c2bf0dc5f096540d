/* definitions.c - who the series of the journal are.
 *
 * A sample in the journal names its series by number.  Before anybody can have committed a sample
 * of a series, its definition must be in the journal, even if the one who made the series has not
 * committed yet.  So definitions are gathered in one place for all, in the order in which they were
 * made, and every commit writes what is gathered before its own frame.  A write that fails leaves
 * them where they are.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "tsdb/store.h"

enum { EAGER_BYTES = 4 << 20 };

void mw_define(mw_tsdb *db, uint32_t id, mw_stream *s)
{
    if (s->said == db->gen) return;
    s->said = db->gen;
    if (!db->journal) return;
    pthread_mutex_lock(&db->defs_lock);
    for (uint32_t i = 0; i < s->n_labels; i++) {
        uint32_t *said = mw_index_said(db->index, s->pairs[i]);
        if (*said == db->gen) continue;
        *said = db->gen;
        const mw_pair *p = mw_index_pair(db->index, s->pairs[i]);
        mw_record_pair(&db->defs, s->pairs[i], mw_pair_name(p), mw_pair_value(p));
    }
    mw_record_series(&db->defs, id, (mw_key){s->key_lo, s->key_hi}, s->pairs, s->n_labels);
    pthread_mutex_unlock(&db->defs_lock);
}

static int write_defs(mw_tsdb *db, mw_err *err)
{
    if (!db->defs.n) return MW_OK;
    int code = mw_journal_append(db->journal, (mw_str){db->defs.p, db->defs.n}, err);
    if (code) return code;
    bool large = db->defs.cap > EAGER_BYTES;
    mw_buf_reset(&db->defs);
    if (large) mw_buf_deinit(&db->defs);
    return MW_OK;
}

int mw_write_defs(mw_tsdb *db, mw_err *err)
{
    pthread_mutex_lock(&db->defs_lock);
    int code = write_defs(db, err);
    pthread_mutex_unlock(&db->defs_lock);
    return code;
}

int mw_write_frame(mw_tsdb *db, mw_str frame, mw_err *err)
{
    if (!db->journal) return MW_OK;
    int code = mw_write_defs(db, err);
    if (!code && frame.n) code = mw_journal_append(db->journal, frame, err);
    if (code) {
        __atomic_fetch_add(&db->write_failures, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&db->read_only, code, __ATOMIC_RELAXED);
    }
    return code;
}
