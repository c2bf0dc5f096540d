/* swap.c - the list of blocks changes: on disk first, then for readers, then the files go.
 *
 * The manifest decides what exists.  A crash before it is saved leaves a file that no list names; a
 * crash after it leaves files that no list names any more; both are removed at the next start. When
 * the list was saved but its folder not synced, either list may be the one that is read next, so
 * the files of both stay.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

static bool among(const uint64_t *ids, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id) return true;
    return false;
}

static mw_manifest next_manifest(const mw_manifest *m, const uint64_t *leave, size_t n,
                                 const mw_live *come)
{
    mw_manifest next = {.next_id = m->next_id, .journal_from = m->journal_from};
    for (size_t i = 0; i < m->n; i++)
        if (!among(leave, n, m->block[i].id)) MW_PUSH(next.block, next.n, next.cap, m->block[i]);
    if (come) {
        const mw_mblock_meta *meta = mw_mblock_meta_of(come->b);
        mw_manifest_block b = {.id = come->id,
                               .min_t = meta->min_t,
                               .max_t = meta->max_t,
                               .bytes = mw_block_bytes(mw_mblock_file(come->b)),
                               .level = come->level};
        MW_PUSH(next.block, next.n, next.cap, b);
        next.next_id = come->id + 1;
    }
    return next;
}

static void remove_file(mw_tsdb *db, uint64_t id)
{
    char *path = mw_manifest_block_path(db->dir, id);
    db->io->unlink(db->io, path);
    mw_free(path);
}

/* Would a start read a list that names block ID?  The new list may have taken the old one's name
 * although what came behind that failed; when in doubt it has. */
static bool is_listed(const mw_tsdb *db, uint64_t id)
{
    mw_manifest m;
    int code = mw_manifest_load(&m, db->dir, NULL);
    bool listed = code != MW_OK && code != MW_ENOENT;
    for (size_t i = 0; i < m.n; i++) listed |= m.block[i].id == id;
    mw_manifest_deinit(&m);
    return listed;
}

/* Its number is not given again: no other block may be written over one that may be listed. */
static void give_up(mw_tsdb *db, const mw_live *come)
{
    mw_mblock_release(come->b);
    if (!is_listed(db, come->id)) remove_file(db, come->id);
    db->manifest.next_id = come->id + 1;
}

int mw_swap_blocks(mw_tsdb *db, const uint64_t *leave, size_t n, const mw_live *come, mw_err *err)
{
    mw_manifest next = next_manifest(&db->manifest, leave, n, come);
    int code = mw_manifest_save(&next, db->io, db->dir, err);
    if (code) {
        mw_manifest_deinit(&next);
        if (come) give_up(db, come);
        return code;
    }
    mw_manifest_deinit(&db->manifest);
    db->manifest = next;
    mw_blocks_change(&db->blocks, leave, n, come);
    for (size_t i = 0; i < n; i++) remove_file(db, leave[i]);
    return MW_OK;
}
