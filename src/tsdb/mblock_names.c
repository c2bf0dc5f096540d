/* mblock_names.c - the label names and values of a block, or of some of its series.
 *
 * Of some series, their records are read one after the other; a shape seen before says no new name.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"

static bool is_all(const mw_mblock *b, const mw_ids *among)
{
    return !among || among->n >= b->series;
}

/* -- names ---------------------------------------------------------------------------------- */

static int see_names(const mw_mblock *b, const mw_ids *among, bool *seen)
{
    mw_mb_walk w;
    uint32_t *value = mw_array((size_t)b->widest + 1, sizeof *value), left = b->n_shapes;
    bool *shapes = mw_array((size_t)b->n_shapes + 1, sizeof *shapes);
    int rc = MW_OK;
    mw_mb_walk_start(&w, b);
    for (size_t i = 0; i < among->n && left; i++) {
        const mw_mb_shape *s = mw_mb_walk_read(&w, among->v[i], value);
        if (!s) {
            rc = MW_ECORRUPT;
            break;
        }
        if (shapes[s - b->shapes]) continue;
        shapes[s - b->shapes] = true;
        left--;
        for (uint32_t k = 0; k < s->n; k++) seen[b->columns[s->first + k].name] = true;
    }
    mw_free(shapes);
    mw_free(value);
    return rc;
}

int mw_mblock_names(mw_mblock *b, const mw_ids *among, mw_name_visit *visit, void *arg)
{
    bool *seen = mw_array((size_t)b->n_names + 1, sizeof *seen);
    bool all = is_all(b, among);
    int rc = all ? MW_OK : see_names(b, among, seen);
    for (uint32_t i = 0; i < b->n_names && rc == MW_OK; i++)
        if ((all || seen[i]) && visit(arg, b->names[i].text)) break;
    mw_free(seen);
    return rc;
}

/* -- values --------------------------------------------------------------------------------- */

static int see_values(const mw_mblock *b, uint32_t name, const mw_ids *among, bool *seen)
{
    mw_mb_walk w;
    const mw_mb_shape *last = NULL, *s;
    uint32_t *value = mw_array((size_t)b->widest + 1, sizeof *value), at = 0;
    int rc = MW_OK;
    mw_mb_walk_start(&w, b);
    for (size_t i = 0; i < among->n; i++) {
        s = mw_mb_walk_read(&w, among->v[i], value);
        if (!s) {
            rc = MW_ECORRUPT;
            break;
        }
        if (s != last)
            for (at = 0; at < s->n && b->columns[s->first + at].name != name;) at++;
        last = s;
        if (at < s->n) seen[value[at]] = true;
    }
    mw_free(value);
    return rc;
}

int mw_mblock_values(mw_mblock *b, mw_str name, const mw_ids *among, mw_name_visit *visit,
                     void *arg)
{
    const mw_mb_name *n = mw_mb_name_find(b, name);
    if (!n) return MW_OK;
    bool *seen = mw_array((size_t)n->n + 1, sizeof *seen);
    bool all = is_all(b, among);
    int rc = all ? MW_OK : see_values(b, (uint32_t)(n - b->names), among, seen);
    for (uint32_t i = 0; i < n->n && rc == MW_OK; i++) {
        mw_str text;
        if (!all && !seen[i]) continue;
        if (!mw_mb_value(b, n, i, &text, NULL))
            rc = MW_ECORRUPT;
        else if (visit(arg, text))
            break;
    }
    mw_free(seen);
    return rc;
}
