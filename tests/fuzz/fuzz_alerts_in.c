/* fuzz_alerts_in.c - bodies of alerts: what is read the short way is what a reader that knows all
 * of JSON finds in them.  SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "script/alerts_in.h"
#include "script/value.h"

static void same_set(const mw_label *l, size_t n, const mw_value *map)
{
    MW_ASSERT(n == (map ? map->map.n : 0));
    for (size_t i = 0; i < n; i++) {
        MW_ASSERT(!i || mw_str_cmp(l[i - 1].name, l[i].name) < 0);
        size_t k = 0;
        while (k < n && !mw_str_eq(map->map.entry[k].key, l[i].name)) k++;
        MW_ASSERT(k < n && mw_str_eq(map->map.entry[k].value->text, l[i].value));
    }
}

static void same_alert(const mw_alert_in *a, const mw_value *v)
{
    MW_ASSERT(v->type == MW_MAP && a->n_labels > 0);
    same_set(a->label, a->n_labels, mw_map_find(v, "labels"));
    same_set(a->annotation, a->n_annotations, mw_map_find(v, "annotations"));
    MW_ASSERT(mw_str_eq(a->url, mw_map_text(v, "generatorURL")));
    MW_ASSERT(!a->starts || !a->ends || a->starts_at <= a->ends_at);
    mw_labels *ls = mw_labels_new(a->label, a->n_labels, NULL);
    MW_ASSERT(ls && mw_labels_fingerprint(ls) == a->fingerprint);
    mw_free(ls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static mw_alert_in a;
    mw_alerts_in in;
    mw_str body = {(const char *)data, n};
    mw_arena *arena = mw_arena_new(0);
    mw_value *all = mw_value_from_json(body, NULL);
    size_t i = 0;
    mw_alerts_in_init(&in, body, arena, n % 2);
    for (; mw_alerts_in_next(&in, &a); i++)
        if (all) {
            MW_ASSERT(all->type == MW_LIST && i < all->list.n);
            same_alert(&a, all->list.item[i]);
        }
    if (mw_alerts_in_end(&in)) MW_ASSERT(all && all->type == MW_LIST && all->list.n == i);
    mw_value_free(all);
    mw_arena_free(arena);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
