/* each.c - the registry as samples with label sets, without text in between.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "metrics/inside.h"

typedef struct walk {
    const mw_label *extra;
    size_t n_extra;
    mw_registry_visit *visit;
    void *arg;
    mw_arena *arena; /* labels of one sample */
    mw_label *room;
    size_t cap;
} walk;

static bool in_extra(const walk *w, mw_str name)
{
    for (size_t i = 0; i < w->n_extra; i++)
        if (mw_str_eq(w->extra[i].name, name)) return true;
    return false;
}

static mw_str exported(walk *w, mw_str name)
{
    static const char prefix[] = "exported_";
    size_t n = sizeof prefix - 1 + name.n;
    char *p = mw_arena_alloc(w->arena, n);
    memcpy(p, prefix, sizeof prefix - 1);
    memcpy(p + sizeof prefix - 1, name.p, name.n);
    return (mw_str){p, n};
}

static mw_str joined(walk *w, const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    char *p = mw_arena_alloc(w->arena, n + k + 1);
    memcpy(p, name, n);
    memcpy(p + n, suffix, k + 1);
    return (mw_str){p, n + k};
}

static void give(walk *w, const mw_series *s, const char *suffix, mw_str le, double v)
{
    size_t n = 0, need = s->labels->n + w->n_extra + 2;
    mw_arena_reset(w->arena);
    mw_grow(&w->room, &w->cap, need, sizeof *w->room);
    w->room[n++] = (mw_label){MW_STR(MW_METRIC_NAME), joined(w, s->set->name, suffix)};
    if (le.n) w->room[n++] = (mw_label){MW_STR("le"), le};
    for (uint32_t i = 0; i < s->labels->n; i++) {
        mw_label l = s->labels->l[i];
        if (in_extra(w, l.name)) l.name = exported(w, l.name);
        w->room[n++] = l;
    }
    for (size_t i = 0; i < w->n_extra; i++) w->room[n++] = w->extra[i];
    const mw_labels *ls = mw_labels_new_in(w->arena, w->room, n, NULL);
    if (ls) w->visit(w->arg, ls, v);
}

static void give_histogram(walk *w, const mw_series *s, const double *cells)
{
    double count = 0;
    for (size_t i = 0; i <= s->n_bounds; i++) {
        count += cells[i];
        give(w, s, "_bucket", s->set->le[MW_TEXT_004][i], count);
    }
    give(w, s, "_sum", (mw_str){0}, cells[s->n_bounds + 1]);
    give(w, s, "_count", (mw_str){0}, count);
}

void mw_registry_each(mw_registry *reg, const mw_label *extra, size_t n_extra,
                      mw_registry_visit *visit, void *arg)
{
    mw_snapshot snap;
    walk w = {extra, n_extra, visit, arg, mw_arena_new(0), NULL, 0};
    mw_snapshot_init(&snap, reg);
    for (size_t i = 0; i < snap.n; i++) {
        for (size_t k = 0; k < snap.sets[i].n; k++) {
            const mw_series *s = snap.sets[i].series[k];
            if (snap.sets[i].set->kind == MW_HISTOGRAM)
                give_histogram(&w, s, mw_snapshot_cells(&snap, s));
            else
                give(&w, s, "", (mw_str){0}, mw_snapshot_value(&snap, s));
        }
    }
    mw_snapshot_deinit(&snap);
    mw_free(w.room);
    mw_arena_free(w.arena);
}
