/* promseries.c - who a line of a page is about: its own labels under those of its target.
 *
 * A line is checked when its series is new to the target; its labels are made again whenever the
 * store has to be told them.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/prompage.h"
#include "ingest/promtext_line.h"

static mw_label *find(mw_label *l, size_t n, mw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(l[i].name, name)) return &l[i];
    return NULL;
}

/* A name for the page's label L that neither the page nor the target uses. */
static bool rename_exported(mw_promtext *p, mw_label *l, mw_label *all, size_t n)
{
    mw_str name = l->name;
    do {
        char *longer = mw_arena_alloc(p->work, name.n + sizeof "exported_");
        if (!longer) return false;
        memcpy(longer, "exported_", 9);
        memcpy(longer + 9, name.p, name.n);
        longer[name.n + 9] = 0;
        name = (mw_str){longer, name.n + 9};
    } while (find(all, n, name) || mw_labels_find(p->extra, name.p).p);
    l->name = name;
    return true;
}

/* The labels of the target laid over the N labels of the page. */
static mw_labels *merge(mw_promtext *p, const mw_label *page, size_t n, mw_err *err)
{
    size_t total = n;
    mw_label *all = mw_arena_array(p->work, n + p->extra->n, sizeof *all);
    if (!all) return mw_ingest_arena_full(err), NULL;
    if (n) memcpy(all, page, n * sizeof *all);
    for (uint32_t i = 0; i < p->extra->n; i++) {
        mw_label *same = find(all, n, p->extra->l[i].name);
        if (same && p->honor_labels) continue;
        if (same && !same->value.n)
            *same = p->extra->l[i];
        else if (same && !rename_exported(p, same, all, total))
            return mw_ingest_arena_full(err), NULL;
        else
            all[total++] = p->extra->l[i];
    }
    return mw_labels_new_in(p->work, all, total, err);
}

static int check(const mw_promtext *p, const mw_label *l, size_t n, mw_err *err)
{
    int code = mw_ingest_count_fits(&p->limits, n, err);
    for (size_t i = 0; i < n && !code; i++) code = mw_ingest_label_fits(&p->limits, &l[i], err);
    return code;
}

int mw_promseries_check(const mw_promtext *p, const mw_labels *ls, mw_err *err)
{
    if (p->label_limit && ls->n > p->label_limit)
        return mw_fail(err, MW_ELIMIT, 0, 0,
                       "%u labels with those of the target, label_limit is %zu", ls->n,
                       p->label_limit);
    for (uint32_t i = 0; i < ls->n && p->value_limit; i++)
        if (ls->l[i].value.n > p->value_limit)
            return mw_fail(
                err, MW_ELIMIT, 0, 0, "label \"%.*s\" has %zu bytes, label_value_limit is %zu",
                mw_ingest_shown(ls->l[i].name), ls->l[i].name.p, ls->l[i].value.n, p->value_limit);
    return MW_OK;
}

/* -- series that are stored under other labels ---------------------------------------------- */

/* As bytes: for each label the length of its name, its name, and the same of its value. */
static void pack(const mw_labels *ls, mw_buf *out)
{
    for (uint32_t i = 0; i < ls->n; i++) {
        const mw_str part[2] = {ls->l[i].name, ls->l[i].value};
        for (int k = 0; k < 2; k++) {
            uint32_t n = (uint32_t)part[k].n;
            mw_buf_add(out, &n, sizeof n);
            mw_buf_str(out, part[k]);
        }
    }
}

static mw_str take_part(mw_str *packed)
{
    uint32_t n;
    memcpy(&n, packed->p, sizeof n);
    mw_str part = {packed->p + sizeof n, n};
    packed->p += sizeof n + n;
    packed->n -= sizeof n + n;
    return part;
}

static mw_labels *unpack(mw_arena *a, mw_str packed, mw_err *err)
{
    mw_label *l = NULL;
    size_t n = 0;
    while (packed.n) {
        mw_label *one = mw_push_in(a, &l, &n, sizeof *l);
        if (!one) return mw_ingest_arena_full(err), NULL;
        one->name = take_part(&packed);
        one->value = take_part(&packed);
    }
    return mw_labels_new_in(a, l, n, err);
}

/* -- a series -------------------------------------------------------------------------------- */

int mw_promseries_new(mw_promtext *p, mw_str key, uint64_t hash, uint32_t *out, mw_err *err)
{
    mw_label *l;
    size_t n;
    mw_arena_reset(p->work);
    int code = mw_promline_labels(key, p->work, &l, &n, err);
    if (!code) code = check(p, l, n, err);
    if (code) return code;
    mw_labels *labels = merge(p, l, n, err);
    if (!labels) return err->code == MW_EARG ? MW_EPARSE : err->code;
    const mw_labels *as = labels;
    mw_fate fate = p->judge ? p->judge(p->judge_arg, labels, &as) : MW_FATE_KEEP;
    p->waiting += fate == MW_FATE_WAIT;
    if (fate == MW_FATE_AS && (code = check(p, as->l, as->n, err))) return code;
    if (fate <= MW_FATE_AS && fate != MW_FATE_DROP && (code = mw_promseries_check(p, as, err)))
        return code;
    *out = mw_promcache_add(&p->cache, key, hash);
    p->cache.series[*out].dropped = fate == MW_FATE_DROP;
    if (fate != MW_FATE_AS) return MW_OK;
    mw_buf packed = {0};
    pack(as, &packed);
    mw_promcache_as_set(&p->cache, (mw_str){packed.p, packed.n});
    mw_buf_deinit(&packed);
    return MW_OK;
}

mw_labels *mw_promseries_labels(mw_promtext *p, const mw_promseries *s)
{
    mw_label *l;
    size_t n;
    mw_err err;
    mw_err_init(&err);
    if (s->has_as) return unpack(p->work, mw_promcache_as(&p->cache, s), &err);
    if (mw_promline_labels(mw_promcache_key(&p->cache, s), p->work, &l, &n, &err)) return NULL;
    return merge(p, l, n, &err);
}
