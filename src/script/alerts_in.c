/* alerts_in.c - the reader.  Anything that it does not expect sets `odd`, and that is the end.
 *
 * What base/json.h forgives and others do not is looked for in the whole body first: bytes that are
 * not UTF-8, and escapes of NUL and of halves of characters.
 * SPDX-License-Identifier: MIT */
#include "script/alerts_in.h"

#include <string.h>

#include "base/hash.h"
#include "script/text.h"

/* -- the body as a whole --------------------------------------------------------------------- */

static bool is_ascii(mw_str s)
{
    uint64_t seen = 0, w;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&w, s.p + i, 8);
        seen |= w;
    }
    for (; i < s.n; i++) seen |= (unsigned char)s.p[i];
    return !(seen & 0x8080808080808080ULL);
}

/* Behind "\u": a half of a pair, or NUL. */
static bool is_odd_escape(const char *p, const char *end)
{
    if (end - p < 4) return true;
    return *p == 'd' || *p == 'D' || !memcmp(p, "0000", 4);
}

static bool has_odd_escape(mw_str s)
{
    const char *p = s.p, *end = s.p + s.n;
    while (p < end && (p = memchr(p, '\\', (size_t)(end - p)))) {
        if (end - p < 2) return true;
        if (p[1] == 'u' && is_odd_escape(p + 2, end)) return true;
        p += 2;
    }
    return false;
}

void mw_alerts_in_init(mw_alerts_in *r, mw_str body, mw_arena *arena, bool narrow)
{
    *r = (mw_alerts_in){.narrow = narrow};
    mw_json_init(&r->json, body, arena, NULL);
    r->odd = has_odd_escape(body) || (!is_ascii(body) && !mw_utf8_valid(body)) ||
             mw_json_peek(&r->json) != MW_JSON_ARRAY || !mw_json_array(&r->json);
}

/* -- names and values ------------------------------------------------------------------------ */

static bool odd(mw_alerts_in *r)
{
    r->odd = true;
    return false;
}

/* NEW goes where its name belongs among the N there are; false: it is there already. */
static bool insert(mw_label *set, size_t n, mw_label new)
{
    size_t i = n;
    int c = 1;
    while (i && (c = mw_str_cmp(set[i - 1].name, new.name)) > 0) i--;
    if (i && c == 0) return false;
    memmove(set + i + 1, set + i, (n - i) * sizeof *set);
    set[i] = new;
    return true;
}

static bool is_name(const mw_alerts_in *r, mw_str name)
{
    return r->narrow ? mw_label_name_valid(name) : name.n > 0;
}

/* A set of texts by name, which may be empty texts with EMPTY. */
static bool read_set(mw_alerts_in *r, mw_label *set, size_t *n, bool empty)
{
    mw_label l;
    if (*n || mw_json_peek(&r->json) != MW_JSON_OBJECT || !mw_json_object(&r->json)) return odd(r);
    while (mw_json_key(&r->json, &l.name)) {
        if (*n == MW_ALERT_NAMES || !mw_json_string(&r->json, &l.value)) return odd(r);
        if (!l.value.n && !empty) return odd(r);
        if (!is_name(r, l.name) || !insert(set, *n, l)) return odd(r);
        ++*n;
    }
    return !r->json.code || odd(r);
}

/* The year 1 is how Go writes no time at all. */
static bool read_time(mw_alerts_in *r, bool *said, double *at)
{
    mw_str text;
    if (*said || !mw_json_string(&r->json, &text)) return odd(r);
    if (mw_str_starts(text, "0001-01-01T")) return true;
    bool known = r->time.p && mw_str_eq(r->time, text);
    if (!known && (text.n < 5 || text.p[4] != '-' || !mw_time_parse(text, &r->at))) return odd(r);
    r->time = text;
    *at = r->at;
    return *said = true;
}

/* -- alerts ---------------------------------------------------------------------------------- */

static bool read_field(mw_alerts_in *r, mw_str key, mw_alert_in *a)
{
    if (mw_str_is(key, "labels")) return read_set(r, a->label, &a->n_labels, false);
    if (mw_str_is(key, "annotations")) return read_set(r, a->annotation, &a->n_annotations, true);
    if (mw_str_is(key, "startsAt")) return read_time(r, &a->starts, &a->starts_at);
    if (mw_str_is(key, "endsAt")) return read_time(r, &a->ends, &a->ends_at);
    if (mw_str_is(key, "generatorURL") && !a->url.p && mw_json_string(&r->json, &a->url))
        return true;
    return odd(r);
}

/* Names and values as they follow, with 0xff behind each: see mw_labels_fingerprint. */
static uint64_t fingerprint(const mw_alert_in *a)
{
    uint64_t h = MW_FNV64_START;
    for (size_t i = 0; i < a->n_labels; i++) {
        h = mw_fnv64(mw_fnv64(h, a->label[i].name.p, a->label[i].name.n), "\xff", 1);
        h = mw_fnv64(mw_fnv64(h, a->label[i].value.p, a->label[i].value.n), "\xff", 1);
    }
    return h;
}

bool mw_alerts_in_next(mw_alerts_in *r, mw_alert_in *a)
{
    mw_str key;
    if (r->odd || !mw_json_item(&r->json)) return false;
    if (mw_json_peek(&r->json) != MW_JSON_OBJECT || !mw_json_object(&r->json)) return odd(r);
    a->n_labels = a->n_annotations = 0;
    a->starts = a->ends = false;
    a->url = (mw_str){NULL, 0};
    while (mw_json_key(&r->json, &key))
        if (!read_field(r, key, a)) return false;
    if (r->json.code || !a->n_labels) return odd(r);
    if (a->starts && a->ends && a->ends_at < a->starts_at) return odd(r);
    a->fingerprint = fingerprint(a);
    return true;
}

bool mw_alerts_in_end(mw_alerts_in *r) { return !r->odd && mw_json_end(&r->json) == MW_OK; }
