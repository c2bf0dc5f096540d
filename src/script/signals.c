/* signals.c - records and measurements between plain values and the stores.
 * SPDX-License-Identifier: MIT */
#include "script/signals.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

int64_t mw_ms_of(double seconds)
{
    if (isnan(seconds)) return 0;
    if (seconds > 9e12) return 9000000000000000LL;
    if (seconds < -9e12) return -9000000000000000LL;
    return llround(seconds * 1000);
}

/* -- metrics --------------------------------------------------------------------------------- */

mw_value *mw_labels_value(const mw_labels *ls)
{
    mw_value *map = mw_map_new();
    for (size_t i = 0; ls && i < ls->n; i++)
        mw_map_add(map, ls->l[i].name, false, mw_text_new(ls->l[i].value));
    return map;
}

int mw_pairs_init(mw_pairs *p, const mw_value *map, mw_err *err)
{
    *p = (mw_pairs){0};
    mw_buf_init(&p->hold);
    if (!map || map->type == MW_NIL) return MW_OK;
    if (map->type == MW_LIST && map->list.n == 0) return MW_OK;
    if (map->type != MW_MAP) return mw_fail(err, MW_EARG, 0, 0, "labels must be a table");
    p->pair = mw_array(map->map.n + 1, sizeof *p->pair);
    mw_buf_room(&p->hold, map->map.n * MW_DOUBLE_MAX);
    for (size_t i = 0; i < map->map.n; i++) {
        const mw_entry *e = &map->map.entry[i];
        mw_label *l = &p->pair[p->n++];
        l->name = e->key;
        if (e->value->type == MW_TEXT) {
            l->value = e->value->text;
        } else if (e->value->type == MW_NUMBER) {
            l->value.p = p->hold.p + p->hold.n;
            l->value.n = (size_t)mw_double_general(e->value->number, p->hold.p + p->hold.n);
            p->hold.n += l->value.n;
        } else {
            mw_pairs_deinit(p);
            return mw_fail(err, MW_EARG, 0, 0, "label \"%.64s\" must be a text", e->key.p);
        }
    }
    return MW_OK;
}

void mw_pairs_deinit(mw_pairs *p)
{
    mw_free(p->pair);
    mw_buf_deinit(&p->hold);
    *p = (mw_pairs){0};
}

/* Seconds that a person waits, not a program. */
static const double waits[] = {0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};

static const struct how {
    const char *name;
    mw_kind kind;
    void (*record)(mw_series *s, double v);
    const double *buckets;
    size_t n_buckets;
} hows[] = {
    {"add", MW_COUNTER, mw_counter_add, NULL, 0},
    {"set", MW_GAUGE, mw_gauge_set, NULL, 0},
    {"observe", MW_HISTOGRAM, mw_histogram_observe, NULL, 0},
    {"wait", MW_HISTOGRAM, mw_histogram_observe, waits, sizeof waits / sizeof *waits},
};

static const struct how *find_how(const char *name, mw_err *err)
{
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
        if (!strcmp(name, hows[i].name)) return &hows[i];
    mw_fail(err, MW_EARG, 0, 0, "no way to record is called \"%s\"", name);
    return NULL;
}

int mw_signal_instrument(mw_host *h, const char *how, const char *name, const mw_value *labels,
                         const char *help, mw_series **s, mw_err *err)
{
    if (!h->registry) return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no registry here");
    const struct how *way = find_how(how, err);
    if (!way) return MW_EARG;
    mw_pairs p;
    int rc = mw_pairs_init(&p, labels, err);
    if (rc != MW_OK) return rc;
    mw_family family = {.kind = way->kind,
                        .name = name,
                        .help = help,
                        .buckets = way->buckets,
                        .n_buckets = way->n_buckets};
    rc = mw_registry_series(h->registry, &family, p.pair, p.n, s, err);
    mw_pairs_deinit(&p);
    return rc == MW_OK ? MW_OK : mw_fail(err, rc, 0, 0, "%s: %s", name, mw_code_text(rc));
}

int mw_signal_metric(mw_host *h, const char *how, const char *name, const mw_value *labels,
                     double value, const char *help, mw_err *err)
{
    mw_series *s;
    int rc = mw_signal_instrument(h, how, name, labels, help, &s, err);
    if (rc == MW_OK) find_how(how, err)->record(s, value);
    return rc;
}
