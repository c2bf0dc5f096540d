/* labels.c - building and reading label sets.
 *
 * The block is: header, N pairs, then all bytes as name NUL value NUL name NUL ...; the hash is of
 * exactly those bytes.  SPDX-License-Identifier: MIT */
#include "model/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static int by_name(const void *a, const void *b)
{
    return mw_str_cmp(((const mw_label *)a)->name, ((const mw_label *)b)->name);
}

/* -- building ------------------------------------------------------------------------------- */

/* Copy the pairs with a value to OUT in order; their number, or -1 after filling ERR. */
static int sorted_pairs(const mw_label *pairs, size_t n, mw_label *out, mw_err *err)
{
    size_t kept = 0;
    bool in_order = true;
    for (size_t i = 0; i < n; i++) {
        if (!pairs[i].value.n) continue;
        if (!pairs[i].name.n) return mw_fail(err, MW_EARG, 0, 0, "a label has an empty name"), -1;
        out[kept++] = pairs[i];
        if (kept > 1 && mw_str_cmp(out[kept - 2].name, out[kept - 1].name) >= 0) in_order = false;
    }
    if (in_order) return (int)kept;
    qsort(out, kept, sizeof *out, by_name);
    for (size_t i = 1; i < kept; i++)
        if (mw_str_eq(out[i - 1].name, out[i].name))
            return mw_fail(err, MW_EARG, 0, 0, "label \"%.*s\" given twice",
                           MW_STR_ARG(out[i].name)),
                   -1;
    return (int)kept;
}

static size_t text_bytes(const mw_label *l, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += l[i].name.n + l[i].value.n + 2;
    return bytes;
}

static char *place(char *to, mw_str from, mw_str *slot)
{
    memcpy(to, from.p, from.n);
    to[from.n] = 0;
    *slot = (mw_str){to, from.n};
    return to + from.n + 1;
}

static mw_labels *fill(mw_labels *ls, const mw_label *l, size_t n)
{
    char *bytes = (char *)(ls->l + n), *p = bytes;
    ls->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        p = place(p, l[i].name, &ls->l[i].name);
        p = place(p, l[i].value, &ls->l[i].value);
    }
    ls->hash = mw_hash(bytes, (size_t)(p - bytes));
    return ls;
}

enum { ON_STACK = 64 };

static mw_labels *build(mw_arena *a, const mw_label *pairs, size_t n, mw_err *err)
{
    mw_label few[ON_STACK], *l = n <= ON_STACK ? few : mw_array(n, sizeof *l);
    mw_labels *ls = NULL;
    int kept = sorted_pairs(pairs, n, l, err);
    if (kept >= 0) {
        size_t size = sizeof *ls + (size_t)kept * sizeof *l + text_bytes(l, (size_t)kept);
        ls = a ? mw_arena_alloc(a, size) : mw_alloc(size);
        if (ls)
            fill(ls, l, (size_t)kept);
        else
            mw_fail(err, MW_ELIMIT, 0, 0, "no memory left in this budget for labels");
    }
    if (l != few) mw_free(l);
    return ls;
}

mw_labels *mw_labels_new(const mw_label *pairs, size_t n, mw_err *err)
{
    return build(NULL, pairs, n, err);
}

mw_labels *mw_labels_new_in(mw_arena *a, const mw_label *pairs, size_t n, mw_err *err)
{
    return build(a, pairs, n, err);
}

mw_labels *mw_labels_copy(const mw_labels *ls) { return build(NULL, ls->l, ls->n, NULL); }

size_t mw_labels_bytes(const mw_labels *ls)
{
    return sizeof *ls + ls->n * sizeof *ls->l + text_bytes(ls->l, ls->n);
}

/* -- reading -------------------------------------------------------------------------------- */

mw_str mw_labels_find(const mw_labels *ls, const char *name)
{
    for (uint32_t i = 0; i < ls->n; i++)
        if (mw_str_is(ls->l[i].name, name)) return ls->l[i].value;
    return (mw_str){NULL, 0};
}

bool mw_labels_eq(const mw_labels *a, const mw_labels *b)
{
    if (a == b) return true;
    return a->hash == b->hash && a->n == b->n && mw_labels_cmp(a, b) == 0;
}

int mw_labels_cmp(const mw_labels *a, const mw_labels *b)
{
    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        int c = mw_str_cmp(a->l[i].name, b->l[i].name);
        if (!c) c = mw_str_cmp(a->l[i].value, b->l[i].value);
        if (c) return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

uint64_t mw_labels_fingerprint(const mw_labels *ls)
{
    uint64_t h = MW_FNV64_START;
    for (uint32_t i = 0; i < ls->n; i++) {
        h = mw_fnv64(mw_fnv64(h, ls->l[i].name.p, ls->l[i].name.n), "\xff", 1);
        h = mw_fnv64(mw_fnv64(h, ls->l[i].value.p, ls->l[i].value.n), "\xff", 1);
    }
    return h;
}

void mw_labels_text(const mw_labels *ls, mw_buf *out)
{
    mw_str metric = mw_labels_find(ls, MW_METRIC_NAME);
    bool bare = mw_metric_name_valid(metric), first = true;
    if (bare) mw_buf_str(out, metric);
    if (bare && ls->n == 1) return;
    mw_buf_byte(out, '{');
    for (uint32_t i = 0; i < ls->n; i++) {
        const mw_label *l = &ls->l[i];
        bool is_metric = mw_str_is(l->name, MW_METRIC_NAME);
        if (bare && is_metric) continue;
        if (!first) mw_buf_text(out, ", ");
        first = false;
        if (is_metric) {
            mw_buf_json(out, l->value); /* {"a metric"} as Prometheus 3 writes it */
            continue;
        }
        if (mw_label_name_valid(l->name))
            mw_buf_str(out, l->name);
        else
            mw_buf_json(out, l->name);
        mw_buf_byte(out, '=');
        mw_buf_json(out, l->value);
    }
    mw_buf_byte(out, '}');
}

void mw_labels_json(const mw_labels *ls, mw_buf *out)
{
    mw_buf_byte(out, '{');
    for (uint32_t i = 0; i < ls->n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, ls->l[i].name);
        mw_buf_byte(out, ':');
        mw_buf_json(out, ls->l[i].value);
    }
    mw_buf_byte(out, '}');
}

static bool name_valid(mw_str name, bool colon)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = i > 0 && c >= '0' && c <= '9';
        if (!letter && !digit && !(colon && c == ':')) return false;
    }
    return name.n > 0;
}

bool mw_label_name_valid(mw_str name) { return name_valid(name, false); }
bool mw_metric_name_valid(mw_str name) { return name_valid(name, true); }
