/* pending.c - calls of tsdb.h whose ground is not laid yet.  SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include "tsdb/store.h"

int mw_tsdb_recover(mw_tsdb *db, mw_err *err) { return MW_OK; }
double mw_tsdb_progress(const mw_tsdb *db) { return 1; }

int mw_appender_add_histogram(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                              const mw_nhist *h)
{
    return MW_EMISSING;
}

int mw_appender_add_exemplar(mw_appender *a, const mw_labels *ls, const mw_exemplar *e)
{
    return MW_EMISSING;
}

void mw_appender_set_metadata(mw_appender *a, mw_str name, mw_str type, mw_str help, mw_str unit) {}

mw_key mw_tsdb_key(const mw_tsdb *db, const void *bytes, size_t n)
{
    return (mw_key){mw_hash(bytes, n), (uint32_t)mw_hash_seed(bytes, n, 1)};
}

void mw_tsdb_canonical(const mw_labels *ls, mw_buf *out) {}
void mw_appender_alias(mw_appender *a, mw_key key, uint64_t ref) {}

void mw_appender_rows(mw_appender *a, mw_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rows[i].code =
            rows[i].ref ? mw_appender_add(a, NULL, &rows[i].ref, rows[i].t, rows[i].v) : MW_ENOENT;
}

int mw_tsdb_exemplars(mw_tsdb *db, const mw_select *sel, size_t n, mw_exemplar_visit *visit,
                      void *arg)
{
    return MW_OK;
}

void mw_tsdb_metadata(mw_tsdb *db, mw_str name, mw_metadata_visit *visit, void *arg) {}
int mw_tsdb_seal(mw_tsdb *db, mw_err *err) { return MW_OK; }

int mw_tsdb_delete(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    return mw_fail(err, MW_EMISSING, 0, 0, "nothing can be deleted yet");
}

int mw_tsdb_snapshot(mw_tsdb *db, const char *dir, bool head, mw_err *err)
{
    return mw_fail(err, MW_EMISSING, 0, 0, "no snapshot can be made yet");
}
