/* select.c - reading the store as a source.
 *
 * A set is a list of ids.  Each step locks one shard, copies the compressed samples of one series
 * and decodes them after the lock is given back.  A series that has left meanwhile is passed over;
 * one that was born into its slot since is recognised by its birth.
 *
 * Names and values are answered for all series that match, whatever the time range: which of
 * them have samples in it is not looked up.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

typedef struct selection {
    mw_series_set set; /* first: what the caller holds */
    mw_tsdb *db;
    mw_ids ids;
    size_t at;
    uint64_t last_birth;
    int64_t min_t, max_t;
    bool labels_only;
    const volatile int *cancel;
    mw_arena *arena; /* labels of the views given out */
    mw_extract extract;
    mw_samples samples;
} selection;

/* What the look at one series under its lock came to. */
enum { PASS, LABELS, SAMPLES };

static int look(selection *sel, const mw_stream *s, const mw_labels **labels)
{
    int found = PASS;
    if (sel->labels_only && mw_stream_surely_in(s, sel->min_t, sel->max_t))
        found = LABELS;
    else if (mw_stream_extract(s, sel->min_t, sel->max_t, &sel->extract))
        found = SAMPLES;
    if (found != PASS) *labels = mw_stream_labels(s, sel->arena);
    return found;
}

static int look_up(selection *sel, uint32_t id, const mw_labels **labels)
{
    mw_shard *sh = &sel->db->shards[id & (sel->db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    const mw_stream *s = mw_shard_at(sh, id >> sel->db->shift);
    int found = s && s->birth <= sel->last_birth ? look(sel, s, labels) : PASS;
    pthread_mutex_unlock(&sh->lock);
    return found;
}

static bool view_of(selection *sel, int found, const mw_labels *labels, mw_series_view *out)
{
    size_t first = 0, n = 0;
    if (found == SAMPLES) {
        n = mw_extract_read(&sel->extract, sel->min_t, sel->max_t, &sel->samples, &first);
        if (n == 0) return false;
    }
    *out = (mw_series_view){.labels = labels};
    if (sel->labels_only) return true;
    out->n = n;
    out->t = sel->samples.t + first;
    out->v = sel->samples.v + first;
    return true;
}

static int set_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    selection *sel = (selection *)set;
    while (sel->at < sel->ids.n) {
        if (sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED))
            return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
        const mw_labels *labels = NULL;
        int found = look_up(sel, sel->ids.v[sel->at++], &labels);
        if (found != PASS && view_of(sel, found, labels, out)) return 1;
    }
    return 0;
}

static void set_close(mw_series_set *set)
{
    selection *sel = (selection *)set;
    mw_ids_deinit(&sel->ids);
    mw_extract_deinit(&sel->extract);
    mw_samples_deinit(&sel->samples);
    mw_arena_free(sel->arena);
    mw_free(sel);
}

static int source_select(mw_source *self, const mw_select *want, mw_series_set **out, mw_err *err)
{
    mw_tsdb *db = (mw_tsdb *)self;
    selection *sel = mw_zalloc(sizeof *sel);
    *sel = (selection){
        .set = {set_next, set_close},
        .db = db,
        .min_t = want->min_t,
        .max_t = want->max_t,
        .labels_only = want->labels_only,
        .cancel = want->cancel,
        .arena = mw_arena_new(0),
    };
    int rc = mw_index_select(db->index, want, &sel->ids, &sel->last_birth, err);
    if (rc != MW_OK || want->min_t > want->max_t) sel->ids.n = 0;
    if (rc == MW_OK)
        *out = &sel->set;
    else
        set_close(&sel->set);
    return rc;
}

/* -- names and values ----------------------------------------------------------------------- */

static void tell(const mw_str_list *list, mw_name_visit *visit, void *arg)
{
    for (size_t i = 0; i < list->n; i++)
        if (visit(arg, list->v[i])) break;
}

static int source_names(mw_source *self, const mw_select *sel, mw_name_visit *visit, void *arg,
                        mw_err *err)
{
    mw_arena *arena = mw_arena_new(0);
    mw_str_list list = {0};
    int rc = mw_index_names(((mw_tsdb *)self)->index, sel, arena, &list, err);
    if (rc == MW_OK) tell(&list, visit, arg);
    mw_free(list.v);
    mw_arena_free(arena);
    return rc;
}

static int source_values(mw_source *self, const char *name, const mw_select *sel,
                         mw_name_visit *visit, void *arg, mw_err *err)
{
    mw_arena *arena = mw_arena_new(0);
    mw_str_list list = {0};
    int rc = mw_index_values(((mw_tsdb *)self)->index, name, sel, arena, &list, err);
    if (rc == MW_OK) tell(&list, visit, arg);
    mw_free(list.v);
    mw_arena_free(arena);
    return rc;
}

void mw_tsdb_source_init(mw_source *source)
{
    *source = (mw_source){source_select, source_names, source_values};
}
