/* definitions.c - who the series of the journal are, and what is known of them.
 *
 * A sample in the journal names its series by number.  Before anybody can have committed a sample
 * of a series, its definition must be in the journal, even if the one who made the series has not
 * committed yet.  So definitions are gathered in one place for all, in the order in which they were
 * made, and every commit writes what is gathered before its own frame.  A write that fails leaves
 * them where they are.  Exemplars and metadata go the same way: they are told once, and whoever
 * tells them again relies on the first time.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tsdb/store.h"

enum { FRAME_BYTES = 1 << 20 }; /* a frame that is longer gets no more records */

/* The last frame, with room; under defs_lock. */
static mw_buf *room(mw_tsdb *db)
{
    mw_frames *f = &db->defs;
    if (!f->n || f->frame[f->n - 1].n > FRAME_BYTES) MW_PUSH(f->frame, f->n, f->cap, (mw_buf){0});
    return &f->frame[f->n - 1];
}

void mw_define(mw_tsdb *db, uint32_t id, mw_stream *s)
{
    if (s->said == db->gen) return;
    s->said = db->gen;
    if (!db->journal) return;
    pthread_mutex_lock(&db->defs_lock);
    mw_buf *frame = room(db);
    for (uint32_t i = 0; i < s->n_labels; i++) {
        uint32_t *said = mw_index_said(db->index, s->pairs[i]);
        if (*said == db->gen) continue;
        *said = db->gen;
        const mw_pair *p = mw_index_pair(db->index, s->pairs[i]);
        mw_record_pair(frame, s->pairs[i], mw_pair_name(p), mw_pair_value(p));
    }
    mw_record_series(frame, id, (mw_key){s->key_lo, s->key_hi}, s->pairs, s->n_labels);
    pthread_mutex_unlock(&db->defs_lock);
}

void mw_define_exemplar(mw_tsdb *db, const mw_labels *series, const mw_exemplar *e)
{
    if (!db->journal) return;
    pthread_mutex_lock(&db->defs_lock);
    mw_record_exemplar(room(db), series, e);
    pthread_mutex_unlock(&db->defs_lock);
}

void mw_define_metadata(mw_tsdb *db, const mw_metadata *m)
{
    if (!db->journal) return;
    pthread_mutex_lock(&db->defs_lock);
    mw_record_metadata(room(db), m);
    pthread_mutex_unlock(&db->defs_lock);
}

void mw_forget_defs(mw_tsdb *db)
{
    while (db->defs.n) mw_buf_deinit(&db->defs.frame[--db->defs.n]);
}

/* The oldest first; what was written is gone, what was not stays. */
static int write_defs(mw_tsdb *db, mw_err *err)
{
    mw_frames *f = &db->defs;
    size_t written = 0;
    int code = MW_OK;
    if (!f->n) return MW_OK;
    while (written < f->n && !code) {
        mw_buf *frame = &f->frame[written];
        if (frame->n) code = mw_journal_append(db->journal, (mw_str){frame->p, frame->n}, err);
        if (!code) written++;
    }
    if (written == 1 && f->n == 1) { /* nearly always */
        mw_buf_reset(&f->frame[0]);
        return code;
    }
    for (size_t i = 0; i < written; i++) mw_buf_deinit(&f->frame[i]);
    memmove(f->frame, f->frame + written, (f->n - written) * sizeof *f->frame);
    f->n -= written;
    return code;
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
