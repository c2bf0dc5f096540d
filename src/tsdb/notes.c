/* notes.c - exemplars and metadata in a file of their own, written with each seal.
 *
 * The file is a frame of journal records: what the journal would say if it went back to the
 * beginning.  A damaged or missing one costs exemplars and help texts, never samples.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/log.h"
#include "tsdb/store.h"

enum { NOTES_MAX = 256 << 20 };

static int note_exemplar(void *arg, const mw_labels *series, const mw_exemplar *e)
{
    mw_record_exemplar(arg, series, e);
    return 0;
}

static int note_metadata(void *arg, const mw_metadata *m)
{
    mw_record_metadata(arg, m);
    return 0;
}

int mw_save_notes(mw_tsdb *db, mw_err *err)
{
    mw_buf b = {0};
    mw_select all = {.min_t = INT64_MIN, .max_t = INT64_MAX};
    mw_metabook_each(db->metadata, MW_STR(""), note_metadata, &b);
    mw_exemplars_each(db->exemplars, &all, 1, note_exemplar, &b);
    int code = mw_statefile_save(db->io, db->dir, "notes", (mw_str){b.p, b.n}, err);
    mw_buf_deinit(&b);
    return code;
}

static void take_note(mw_tsdb *db, const mw_record *r)
{
    bool fresh;
    if (r->type == MW_RECORD_METADATA) mw_metabook_set(db->metadata, &r->metadata);
    if (r->type == MW_RECORD_EXEMPLAR)
        mw_exemplars_add(db->exemplars, mw_tsdb_key_of(db, r->series), r->series, &r->exemplar,
                         &fresh);
}

void mw_load_notes(mw_tsdb *db)
{
    mw_buf b = {0};
    mw_err err;
    mw_err_init(&err);
    int code = mw_statefile_load(db->dir, "notes", NOTES_MAX, &b, &err);
    if (code && code != MW_ENOENT)
        mw_log(MW_WARN, "exemplars and metadata are lost", "error=\"%s\"", err.msg);
    mw_arena *arena = mw_arena_new(1 << 20);
    mw_record_reader r;
    mw_record rec;
    mw_record_open(&r, (mw_str){b.p, code ? 0 : b.n}, arena);
    while (mw_record_next(&r, &rec) == 1) {
        take_note(db, &rec);
        while (rec.type == MW_RECORD_DELETE && rec.n_matchers)
            mw_matcher_deinit(&rec.matchers[--rec.n_matchers]);
        mw_arena_reset(arena);
    }
    mw_arena_free(arena);
    mw_buf_deinit(&b);
}
