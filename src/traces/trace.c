/* trace.c - one span in one block of memory, and one trace: its spans with an index by span id.
 * SPDX-License-Identifier: MIT */
#include "traces/trace.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/pack.h"

/* -- spans ---------------------------------------------------------------------------------- */

static mw_pack_size measure(const mw_span *s)
{
    mw_pack_size size = {sizeof(held_span), 0};
    size.text = s->name.n + s->service.n + s->trace_state.n + s->status_message.n + s->scope.n;
    mw_pack_measure_attrs(&size, s->attrs, s->n_attrs);
    mw_pack_measure_attrs(&size, s->resource, s->n_resource);
    mw_pack_measure_array(&size, s->n_events, sizeof *s->events);
    for (size_t i = 0; i < s->n_events; i++) {
        size.text += s->events[i].name.n;
        mw_pack_measure_attrs(&size, s->events[i].attrs, s->events[i].n_attrs);
    }
    mw_pack_measure_array(&size, s->n_links, sizeof *s->links);
    for (size_t i = 0; i < s->n_links; i++)
        mw_pack_measure_attrs(&size, s->links[i].attrs, s->links[i].n_attrs);
    return size;
}

static void pack_events(mw_pack *p, mw_span *to)
{
    mw_span_event *events = mw_pack_array(p, to->events, to->n_events, sizeof *events);
    for (size_t i = 0; i < to->n_events; i++) {
        events[i].name = mw_pack_str(p, events[i].name);
        events[i].attrs = mw_pack_attrs(p, events[i].attrs, events[i].n_attrs);
    }
    to->events = events;
}

static void pack_links(mw_pack *p, mw_span *to)
{
    mw_span_link *links = mw_pack_array(p, to->links, to->n_links, sizeof *links);
    for (size_t i = 0; i < to->n_links; i++)
        links[i].attrs = mw_pack_attrs(p, links[i].attrs, links[i].n_attrs);
    to->links = links;
}

held_span *span_new(const mw_span *s, name *n)
{
    mw_pack_size size = measure(s);
    held_span *h = mw_alloc(size.fixed + size.text);
    mw_pack pack = {(char *)(h + 1), (char *)h + size.fixed};
    *h = (held_span){.s = *s, .name = n, .bytes = size.fixed + size.text, .refs = 1};
    h->s.name = mw_pack_str(&pack, s->name);
    h->s.service = mw_pack_str(&pack, s->service);
    h->s.trace_state = mw_pack_str(&pack, s->trace_state);
    h->s.status_message = mw_pack_str(&pack, s->status_message);
    h->s.scope = mw_pack_str(&pack, s->scope);
    h->s.attrs = mw_pack_attrs(&pack, s->attrs, s->n_attrs);
    h->s.resource = mw_pack_attrs(&pack, s->resource, s->n_resource);
    pack_events(&pack, &h->s);
    pack_links(&pack, &h->s);
    return h;
}

void span_retain(held_span *s) { __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); }

void span_release(held_span *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) == 0) mw_free(s);
}

/* Clients send any two numbers as times. */
int64_t span_duration(int64_t start_ns, int64_t end_ns)
{
    int64_t d;
    if (end_ns <= start_ns) return 0;
    return __builtin_sub_overflow(end_ns, start_ns, &d) ? INT64_MAX : d;
}

/* -- traces --------------------------------------------------------------------------------- */

trace *trace_new(const uint8_t id[16], int64_t seen_ms)
{
    trace *t = mw_zalloc(sizeof *t);
    memcpy(t->id, id, 16);
    t->seen_ms = seen_ms;
    t->min_ns = INT64_MAX;
    t->max_ns = INT64_MIN;
    t->refs = 1;
    return t;
}

void trace_retain(trace *t) { __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED); }

void trace_release(trace *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL)) return;
    for (size_t i = 0; i < t->n; i++) span_release(t->spans[i]);
    mw_free(t->spans);
    mw_free(t->slots);
    mw_free(t);
}

static size_t slot_of(const trace *t, const uint8_t span_id[8])
{
    return mw_hash(span_id, 8) & (t->n_slots - 1);
}

held_span **trace_find(const trace *t, const uint8_t span_id[8])
{
    if (!t->n_slots) return NULL;
    for (size_t i = slot_of(t, span_id); t->slots[i]; i = (i + 1) & (t->n_slots - 1)) {
        held_span **s = &t->spans[t->slots[i] - 1];
        if (!memcmp((*s)->s.span_id, span_id, 8)) return s;
    }
    return NULL;
}

static void index_span(trace *t, size_t number)
{
    size_t i = slot_of(t, t->spans[number]->s.span_id);
    while (t->slots[i]) i = (i + 1) & (t->n_slots - 1);
    t->slots[i] = (uint32_t)number + 1;
}

void trace_stretch(trace *t, const mw_span *s)
{
    if (s->start_ns < t->min_ns) t->min_ns = s->start_ns;
    if (s->end_ns > t->max_ns) t->max_ns = s->end_ns;
}

void trace_add(trace *t, held_span *s)
{
    MW_PUSH(t->spans, t->n, t->cap, s);
    trace_stretch(t, &s->s);
    if (2 * t->n <= t->n_slots) {
        index_span(t, t->n - 1);
        return;
    }
    mw_free(t->slots);
    t->n_slots = t->n_slots ? t->n_slots * 2 : 8;
    t->slots = mw_array(t->n_slots, sizeof *t->slots);
    for (size_t i = 0; i < t->n; i++) index_span(t, i);
}

size_t trace_bytes(const trace *t)
{
    return sizeof *t + t->cap * sizeof *t->spans + t->n_slots * sizeof *t->slots;
}
