/* value.c - making, copying, reading and freeing plain values.
 *
 * A map is an array of entries in the order in which they came; maps are small, so looking
 * up is a walk.  Whoever knows that a key is new adds it without one (mw_map_add).
 * SPDX-License-Identifier: MIT */
#include "script/value.h"

#include <string.h>

#include "base/mem.h"

/* -- making ---------------------------------------------------------------------------------- */

static mw_value *new_value(mw_type type)
{
    mw_value *v = mw_zalloc(sizeof *v);
    v->type = type;
    return v;
}

static mw_str own(mw_str s) { return (mw_str){mw_strndup(s.p ? s.p : "", s.n), s.n}; }

mw_value *mw_nil_new(void) { return new_value(MW_NIL); }
mw_value *mw_list_new(void) { return new_value(MW_LIST); }
mw_value *mw_map_new(void) { return new_value(MW_MAP); }

mw_value *mw_bool_new(bool b)
{
    mw_value *v = new_value(MW_BOOL);
    v->b = b;
    return v;
}

mw_value *mw_number_new(double d)
{
    mw_value *v = new_value(MW_NUMBER);
    v->number = d;
    return v;
}

mw_value *mw_text_new(mw_str s)
{
    mw_value *v = new_value(MW_TEXT);
    v->text = own(s);
    return v;
}

mw_value *mw_error_new(const char *text)
{
    mw_value *v = mw_map_new();
    mw_map_set_text(v, "error", text);
    return v;
}

void mw_value_free(mw_value *v)
{
    if (!v) return;
    switch (v->type) {
    case MW_TEXT: mw_free((char *)v->text.p); break;
    case MW_LIST:
        for (size_t i = 0; i < v->list.n; i++) mw_value_free(v->list.item[i]);
        mw_free(v->list.item);
        break;
    case MW_MAP:
        for (size_t i = 0; i < v->map.n; i++) {
            mw_free((char *)v->map.entry[i].key.p);
            mw_value_free(v->map.entry[i].value);
        }
        mw_free(v->map.entry);
        break;
    case MW_NIL:
    case MW_BOOL:
    case MW_NUMBER: break;
    }
    mw_free(v);
}

mw_value *mw_value_copy(const mw_value *v)
{
    if (!v) return NULL;
    mw_value *out = new_value(v->type);
    switch (v->type) {
    case MW_NIL: break;
    case MW_BOOL: out->b = v->b; break;
    case MW_NUMBER: out->number = v->number; break;
    case MW_TEXT: out->text = own(v->text); break;
    case MW_LIST:
        for (size_t i = 0; i < v->list.n; i++) mw_list_add(out, mw_value_copy(v->list.item[i]));
        break;
    case MW_MAP:
        for (size_t i = 0; i < v->map.n; i++) {
            const mw_entry *e = &v->map.entry[i];
            mw_map_add(out, e->key, e->numeric, mw_value_copy(e->value));
        }
        break;
    }
    return out;
}

/* -- lists and maps -------------------------------------------------------------------------- */

void mw_list_add(mw_value *list, mw_value *take)
{
    MW_ASSERT(list->type == MW_LIST);
    MW_PUSH(list->list.item, list->list.n, list->list.cap, take);
}

void mw_map_add(mw_value *map, mw_str key, bool numeric, mw_value *take)
{
    MW_ASSERT(map->type == MW_MAP);
    mw_entry e = {own(key), take, numeric};
    MW_PUSH(map->map.entry, map->map.n, map->map.cap, e);
}

static mw_entry *find_entry(const mw_value *map, const char *key)
{
    if (!map || map->type != MW_MAP) return NULL;
    for (size_t i = 0; i < map->map.n; i++)
        if (mw_str_is(map->map.entry[i].key, key)) return &map->map.entry[i];
    return NULL;
}

void mw_map_set(mw_value *map, const char *key, mw_value *take)
{
    mw_entry *e = find_entry(map, key);
    if (!e) {
        mw_map_add(map, mw_str_of(key), false, take);
        return;
    }
    mw_value_free(e->value);
    e->value = take;
}

void mw_map_set_text(mw_value *map, const char *key, const char *text)
{
    if (text) mw_map_set(map, key, mw_text_new(mw_str_of(text)));
}

void mw_map_set_number(mw_value *map, const char *key, double v)
{
    mw_map_set(map, key, mw_number_new(v));
}

void mw_map_set_bool(mw_value *map, const char *key, bool b)
{
    mw_map_set(map, key, mw_bool_new(b));
}

const mw_value *mw_map_find(const mw_value *map, const char *key)
{
    const mw_entry *e = find_entry(map, key);
    return e ? e->value : NULL;
}

mw_str mw_map_text(const mw_value *map, const char *key)
{
    const mw_value *v = mw_map_find(map, key);
    return v && v->type == MW_TEXT ? v->text : (mw_str){"", 0};
}

double mw_map_number(const mw_value *map, const char *key, double def)
{
    const mw_value *v = mw_map_find(map, key);
    return v && v->type == MW_NUMBER ? v->number : def;
}

bool mw_map_bool(const mw_value *map, const char *key, bool def)
{
    const mw_value *v = mw_map_find(map, key);
    return v && v->type == MW_BOOL ? v->b : def;
}
