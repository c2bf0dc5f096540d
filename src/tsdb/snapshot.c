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

/* *LINKED: how many blocks are there now. */
static int link_blocks(mw_tsdb *db, const char *dir, size_t *linked, mw_err *err)
{
    int code = MW_OK;
    for (*linked = 0; *linked < db->manifest.n; ++*linked)
        if ((code = link_block(db, dir, db->manifest.block[*linked].id, err))) return code;
    char *blocks = mw_sprintf("%s/blocks", dir);
    int rc = db->io->sync_dir(db->io, blocks);
    if (rc) code = mw_io_fail(err, rc, "cannot sync the folder", blocks);
    mw_free(blocks);
    return code;
}

/* Links to blocks would keep their space when these leave. */
static void unlink_blocks(mw_tsdb *db, const char *dir, size_t linked)
{
    for (size_t i = 0; i < linked; i++) {
        char *path = mw_manifest_block_path(dir, db->manifest.block[i].id);
        db->io->unlink(db->io, path);
        mw_free(path);
    }
}

static int fill(mw_tsdb *db, const char *dir, mw_err *err)
{
    mw_manifest m = db->manifest; /* shares the list */
    size_t linked = 0;
    m.journal_from = 0;
    int code = make_folder(db, dir, NULL, err);
    if (!code) code = make_folder(db, dir, "blocks", err);
    if (!code) code = link_blocks(db, dir, &linked, err);
    if (!code)
        code = mw_statefile_save(db->io, dir, "identity",
                                 (mw_str){(char *)db->secret, sizeof db->secret}, err);
    if (!code) code = copy_notes(db, dir, err);
    if (!code) code = mw_manifest_save(&m, db->io, dir, err);
    int rc = code ? 0 : mw_io_sync_parent(db->io, dir);
    if (rc) code = mw_io_fail(err, rc, "cannot sync the folder of", dir);
    if (code) unlink_blocks(db, dir, linked);
    return code;
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
