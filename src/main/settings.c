/* settings.c - what settings{} says, in the units of the stores.
 *
 * Words have been checked before (lua/moonwatch/words/settings.lua); here a wrong one can only be a
 * bug, but for matchers, which are compiled again.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "main/app.h"

int64_t mw_setting_ms(const mw_value *map, const char *key, int64_t def)
{
    if (mw_str_is(mw_map_text(map, key), "all")) return -1;
    double seconds = mw_map_number(map, key, -1);
    return seconds < 0 ? def : (int64_t)(seconds * 1000 + 0.5);
}

size_t mw_setting_size(const mw_value *map, const char *key, size_t def)
{
    double v = mw_map_number(map, key, 0);
    return v > 0 ? (size_t)v : def;
}

size_t mw_setting_budget(const mw_value *retention, const char *signal, size_t def)
{
    const mw_value *bytes = mw_map_find(retention, "bytes");
    if (bytes && bytes->type == MW_MAP) return mw_setting_size(bytes, signal, def);
    return mw_str_is(mw_str_of(signal), "metrics") ? mw_setting_size(retention, "bytes", def) : def;
}

enum { OUT_OF_ORDER_MS = 30 * 60000, SYNC_MS = 50 };

void mw_tsdb_settings(const mw_value *settings, mw_tsdb_options *o)
{
    const mw_value *keep = mw_map_find(settings, "retention"),
                   *limits = mw_map_find(settings, "limits");
    o->retention_ms = mw_setting_ms(keep, "metrics", 15LL * MW_DAY_MS);
    o->out_of_order_ms = mw_setting_ms(settings, "out_of_order", OUT_OF_ORDER_MS);
    o->sync_ms = (int)mw_setting_ms(settings, "durability", SYNC_MS);
    o->max_disk = mw_setting_budget(keep, "metrics", 0);
    o->max_bytes = mw_setting_size(limits, "memory", 0);
    o->max_series = mw_setting_size(limits, "series", 0);
    o->max_exemplars = mw_setting_size(limits, "exemplars", 0);
}

/* -- retention by series ---------------------------------------------------------------------- */

static int read_class(const mw_value *row, mw_keep_class *out, mw_err *err)
{
    mw_matcher *m;
    int rc = mw_promql_selector(mw_map_text(row, "match"), &m, &out->n, err);
    if (rc) return rc;
    out->matchers = m;
    out->keep_ms = mw_setting_ms(row, "keep", 0);
    return MW_OK;
}

int mw_keep_classes(const mw_value *settings, const char *of, mw_keep_class **out, size_t *n,
                    mw_err *err)
{
    const mw_value *rows = mw_map_find(mw_map_find(settings, "retention"), "items");
    *out = NULL;
    *n = 0;
    if (!rows || rows->type != MW_LIST || !rows->list.n) return MW_OK;
    *out = mw_array(rows->list.n, sizeof **out);
    for (size_t i = 0; i < rows->list.n; i++) {
        mw_str signal = mw_map_text(rows->list.item[i], "of");
        if (!mw_str_is(signal.n ? signal : MW_STR("metrics"), of)) continue;
        int rc = read_class(rows->list.item[i], &(*out)[*n], err);
        if (rc) return rc;
        ++*n;
    }
    return MW_OK;
}

void mw_keep_classes_free(mw_keep_class *classes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mw_matchers_free((mw_matcher *)classes[i].matchers, classes[i].n);
    mw_free(classes);
}
