/* snapshot.c - a second data folder that shares its blocks with this one.
 *
 * Blocks never change, so a hard link is a copy.  The journal is not linked: with the head sealed
 * there is nothing in it that the blocks do not have.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

static int make_folder(mw_tsdb *db, const char *dir, const char *inner, mw_err *err)
{
    char *path = inner ? mw_sprintf("%s/%s", dir, inner) : mw_strdup(dir);
    int rc = db->io->mkdir(db->io, path);
    int code = rc < 0 ? mw_io_fail(err, rc, "cannot make the folder", path) : MW_OK;
    mw_free(path);
    return code;
}

static int link_block(mw_tsdb *db, const char *dir, uint64_t id, mw_err *err)
{
    char *from = mw_manifest_block_path(db->dir, id), *to = mw_manifest_block_path(dir, id);
    int rc = db->io->link(db->io, from, to);
    int code = rc < 0 ? mw_io_fail(err, rc, "cannot link the block", to) : MW_OK;
    mw_free(from);
    mw_free(to);
    return code;
}

static int copy_notes(mw_tsdb *db, const char *dir, mw_err *err)
{
    mw_buf b = {0};
    int code = MW_OK;
    if (mw_statefile_load(db->dir, "notes", 256 << 20, &b, NULL) == MW_OK)
        code = mw_statefile_save(db->io, dir, "notes", (mw_str){b.p, b.n}, err);
    mw_buf_deinit(&b);
    return code;
}

static int fill(mw_tsdb *db, const char *dir, mw_err *err)
{
    mw_manifest m = db->manifest; /* shares the list */
    m.journal_from = 0;
    int code = make_folder(db, dir, NULL, err);
    if (!code) code = make_folder(db, dir, "blocks", err);
    for (size_t i = 0; i < m.n && !code; i++) code = link_block(db, dir, m.block[i].id, err);
    if (!code)
        code = mw_statefile_save(db->io, dir, "identity",
                                 (mw_str){(char *)db->secret, sizeof db->secret}, err);
    if (!code) code = copy_notes(db, dir, err);
    return code ? code : mw_manifest_save(&m, db->io, dir, err);
}

int mw_tsdb_snapshot(mw_tsdb *db, const char *dir, bool head, mw_err *err)
{
    if (!db->dir)
        return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "a store without a folder has no snapshots");
    pthread_mutex_lock(&db->house);
    int code = head ? mw_seal(db, err) : MW_OK;
    if (!code) code = fill(db, dir, err);
    pthread_mutex_unlock(&db->house);
    return code;
}
