/* names.c - which services and operations there are, without reading every span.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "traces/trace.h"

void names_init(names *t)
{
    t->n_buckets = 256;
    t->buckets = mw_array(t->n_buckets, sizeof *t->buckets);
}

void names_deinit(names *t)
{
    for (size_t i = 0; i < t->n_buckets; i++)
        for (name *n = t->buckets[i], *next; n; n = next) {
            next = n->next;
            mw_free(n);
        }
    mw_free(t->buckets);
}

static size_t size_of(const name *n) { return sizeof *n + n->service.n + n->operation.n; }

static name **bucket(const names *t, mw_str service, mw_str operation, mw_span_kind kind)
{
    uint64_t h = mw_hash_seed(service.p, service.n, (uint64_t)kind);
    return &t->buckets[mw_hash_seed(operation.p, operation.n, h) & (t->n_buckets - 1)];
}

static void grow(names *t)
{
    names bigger = {.n = t->n, .bytes = t->bytes, .n_buckets = t->n_buckets * 2};
    bigger.buckets = mw_array(bigger.n_buckets, sizeof *bigger.buckets);
    for (size_t i = 0; i < t->n_buckets; i++)
        for (name *n = t->buckets[i], *next; n; n = next) {
            next = n->next;
            name **b = bucket(&bigger, n->service, n->operation, n->kind);
            n->next = *b;
            *b = n;
        }
    mw_free(t->buckets);
    *t = bigger;
}

static name *name_new(const mw_span *s)
{
    name *n = mw_alloc(sizeof *n + s->service.n + s->name.n);
    char *text = (char *)(n + 1);
    if (s->service.n) memcpy(text, s->service.p, s->service.n);
    if (s->name.n) memcpy(text + s->service.n, s->name.p, s->name.n);
    *n = (name){.service = {text, s->service.n},
                .operation = {text + s->service.n, s->name.n},
                .kind = s->kind};
    return n;
}

name *names_add(names *t, const mw_span *s)
{
    if (t->n >= t->n_buckets) grow(t);
    name **b = bucket(t, s->service, s->name, s->kind), *n = *b;
    while (n && !(n->kind == s->kind && mw_str_eq(n->service, s->service) &&
                  mw_str_eq(n->operation, s->name)))
        n = n->next;
    if (!n) {
        n = name_new(s);
        n->next = *b;
        *b = n;
        t->n++;
        t->bytes += size_of(n);
    }
    n->spans++;
    return n;
}

void names_remove(names *t, name *n)
{
    if (--n->spans) return;
    name **at = bucket(t, n->service, n->operation, n->kind);
    while (*at != n) at = &(*at)->next;
    *at = n->next;
    t->n--;
    t->bytes -= size_of(n);
    mw_free(n);
}
