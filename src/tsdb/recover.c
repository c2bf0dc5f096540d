/* recover.c - the store as it was when the program ended, however it ended.
 *
 * The manifest names the blocks and the first segment of the journal that is not in them.  Blocks
 * are opened, not read; only the journal behind the last seal is read again.  Its samples become
 * the first generation, so they are sealed with what comes next, and the segments stay until then.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/store.h"

/* -- identity ------------------------------------------------------------------------------- */

static int load_secret(mw_tsdb *db, mw_err *err)
{
    mw_buf b = {0};
    mw_err why;
    mw_err_init(&why);
    int code = mw_statefile_load(db->dir, "identity", sizeof db->secret, &b, &why);
    bool good = code == MW_OK && b.n == sizeof db->secret;
    if (good) memcpy(db->secret, b.p, b.n);
    mw_buf_deinit(&b);
    if (good) return MW_OK;
    /* Not to be read at the moment is not damaged: another identity could not be taken back. */
    if (code && code != MW_ENOENT && code != MW_ECORRUPT)
        return mw_fail(err, code, 0, 0, "%s", why.msg);
    if (code != MW_ENOENT)
        mw_log(MW_ERROR,
               "the folder's identity is damaged: series in old blocks and new samples "
               "of them are told apart by their labels only from now on",
               "folder=%s", db->dir);
    return mw_statefile_save(db->io, db->dir, "identity",
                             (mw_str){(char *)db->secret, sizeof db->secret}, err);
}

/* -- blocks --------------------------------------------------------------------------------- */

/* M is filled in with what the block says of itself.  MW_ECORRUPT, MW_ENOENT: there is no such
 * block any more.  Otherwise it cannot be opened at the moment, which is no reason to lose it. */
static int open_block(mw_tsdb *db, mw_manifest_block *m, mw_err *err)
{
    mw_err why;
    mw_err_init(&why);
    char *path = mw_manifest_block_path(db->dir, m->id);
    mw_mblock *b = mw_mblock_open(path, &why);
    int code = b ? MW_OK : why.code;
    if (b) {
        const mw_mblock_meta *meta = mw_mblock_meta_of(b);
        *m = (mw_manifest_block){m->id, meta->min_t, meta->max_t, mw_block_bytes(mw_mblock_file(b)),
                                 m->level};
        mw_blocks_change(&db->blocks, NULL, 0, &(mw_live){m->id, m->level, b});
    } else if (code == MW_ECORRUPT || code == MW_ENOENT) {
        mw_log(MW_ERROR, "a damaged block is set aside", "block=%s error=\"%s\"", path, why.msg);
        mw_quarantine(db->io, db->dir, m->id, NULL);
        db->quarantined++;
    } else {
        mw_fail(err, code, 0, 0, "%s", why.msg);
    }
    mw_free(path);
    return code;
}

/* Every block that can be opened counts; the journal is read from its beginning.  What was merged
 * just before may be there twice, which reading puts right. */
static void rebuild_manifest(mw_tsdb *db)
{
    size_t n;
    uint64_t *ids = mw_manifest_list(db->dir, &n);
    mw_manifest_deinit(&db->manifest);
    for (size_t i = 0; i < n; i++) {
        mw_manifest_block b = {.id = ids[i]};
        MW_PUSH(db->manifest.block, db->manifest.n, db->manifest.cap, b);
    }
    db->manifest.next_id = n ? ids[n - 1] + 1 : 1;
    mw_free(ids);
}

static int load_manifest(mw_tsdb *db, bool *changed, mw_err *err)
{
    mw_err why;
    mw_err_init(&why);
    int code = mw_manifest_load(&db->manifest, db->dir, &why);
    *changed = code != MW_OK;
    if (code == MW_OK) return code;
    if (code != MW_ENOENT && code != MW_ECORRUPT) return mw_fail(err, code, 0, 0, "%s", why.msg);
    rebuild_manifest(db);
    if (code == MW_ECORRUPT || db->manifest.n)
        mw_log(MW_ERROR, "the list of blocks is missing or damaged and is made again",
               "blocks=%zu error=\"%s\"", db->manifest.n, why.msg);
    return MW_OK;
}

static int open_blocks(mw_tsdb *db, mw_err *err)
{
    bool changed;
    int code = load_manifest(db, &changed, err);
    if (code) return code;
    size_t kept = 0, had = db->manifest.n;
    for (size_t i = 0; i < had; i++) {
        code = open_block(db, &db->manifest.block[i], err);
        if (code == MW_OK) db->manifest.block[kept++] = db->manifest.block[i];
        if (code && code != MW_ECORRUPT && code != MW_ENOENT) return code;
    }
    db->manifest.n = kept;
    mw_manifest_sweep(&db->manifest, db->io, db->dir);
    if (changed) return mw_manifest_save(&db->manifest, db->io, db->dir, err);
    /* A full disk is no reason not to start: the next start finds out again, or a seal tells it. */
    if (kept != had) mw_manifest_save(&db->manifest, db->io, db->dir, NULL);
    return MW_OK;
}

/* -- all of it ------------------------------------------------------------------------------ */

static int make_folders(mw_tsdb *db, mw_err *err)
{
    char *blocks = mw_sprintf("%s/blocks", db->dir);
    const char *all[] = {db->dir, blocks};
    int code = MW_OK;
    for (size_t i = 0; i < 2 && !code; i++) {
        int rc = db->io->mkdir(db->io, all[i]);
        if (rc < 0) code = mw_io_fail(err, rc, "cannot make the folder", all[i]);
    }
    mw_free(blocks);
    return code;
}

/* The folder itself is locked, which also works where no file can be made. */
static int lock_folder(mw_tsdb *db, mw_err *err)
{
    db->lock = open(db->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db->lock < 0) return mw_io_fail(err, -errno, "cannot open the folder", db->dir);
    if (!flock(db->lock, (db->opt.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB)) return MW_OK;
    if (errno == EWOULDBLOCK)
        return mw_fail(err, MW_EBUSY, 0, 0,
                       "%s is in use by another process: one at a time may have a data folder",
                       db->dir);
    mw_log(MW_WARN, "the data folder cannot be locked: see that one process uses it",
           "folder=%s error=\"%s\"", db->dir, strerror(errno));
    return MW_OK;
}

static int open_journal(mw_tsdb *db, mw_err *err)
{
    char *dir = mw_sprintf("%s/journal", db->dir);
    db->journal = mw_journal_open(
        &(mw_journal_options){.io = db->io, .dir = dir, .sync_ms = db->opt.sync_ms}, err);
    mw_free(dir);
    return db->journal ? MW_OK : err ? err->code : MW_EIO;
}

int mw_tsdb_recover(mw_tsdb *db, mw_err *err)
{
    if (!db->dir) {
        db->progress = 1;
        return MW_OK;
    }
    int64_t began = mw_mono_ns();
    pthread_mutex_lock(&db->house);
    int code = make_folders(db, err);
    if (!code) code = lock_folder(db, err);
    if (!code) code = load_secret(db, err);
    if (!code) code = open_blocks(db, err);
    if (!code) mw_load_notes(db);
    if (!code) code = open_journal(db, err);
    if (!code) code = mw_replay(db, err);
    pthread_mutex_unlock(&db->house);
    if (code) return code;
    db->recovery_ms = (uint64_t)(mw_mono_ns() - began) / 1000000;
    double all = 1;
    __atomic_store(&db->progress, &all, __ATOMIC_RELAXED);
    return MW_OK;
}

double mw_tsdb_progress(const mw_tsdb *db)
{
    double p;
    __atomic_load(&db->progress, &p, __ATOMIC_RELAXED);
    return p;
}
