/* shared.c - values that every node knows: silences, acks, breaker states, what was told to whom.
 *
 * Redis keeps them in one hash and tells changes through the stream.  Each node keeps what it knows
 * in a sorted array: a snapshot (read on every connect) and the stream are compared with it, and
 * only differences are delivered.  A value put while Redis is away waits in the same place, the
 * newest winning, and is sent before the next snapshot is read.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/inside.h"

enum { MAX_VALUES = 200000, MAX_JSON = 4 << 20 };

/* -- the table -------------------------------------------------------------------------------- */

static size_t position(const mw_shared *s, const char *field)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(s->value[mid]->field, field) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static mw_shared_value *get(mw_shared *s, const char *field)
{
    size_t at = position(s, field);
    if (at < s->n && !strcmp(s->value[at]->field, field)) return s->value[at];
    mw_shared_value *v = mw_zalloc(sizeof *v);
    v->field = mw_strdup(field);
    mw_grow(&s->value, &s->cap, s->n + 1, sizeof *s->value);
    memmove(s->value + at + 1, s->value + at, (s->n - at) * sizeof *s->value);
    s->value[at] = v;
    s->n++;
    return v;
}

static void forget_pending(mw_shared *s, mw_shared_value *v)
{
    if (v->pending) s->pending--;
    mw_free(v->want);
    mw_free(v->slot);
    v->want = v->slot = NULL;
    v->pending = false;
}

static void value_free(mw_shared_value *v)
{
    mw_free(v->field);
    mw_free(v->known);
    mw_free(v->want);
    mw_free(v->slot);
    mw_free(v);
}

void mw_shared_deinit(mw_shared *s)
{
    for (size_t i = 0; i < s->n; i++) value_free(s->value[i]);
    mw_free(s->value);
    *s = (mw_shared){0};
}

static void drop_if_empty(mw_shared *s, const char *field)
{
    size_t at = position(s, field);
    mw_shared_value *v = s->value[at];
    if (v->known || v->pending) return;
    memmove(s->value + at, s->value + at + 1, (s->n - at - 1) * sizeof *s->value);
    s->n--;
    value_free(v);
}

/* Drop entries that say nothing any more. */
static void sweep(mw_shared *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        mw_shared_value *v = s->value[i];
        if (v->known || v->pending)
            s->value[kept++] = v;
        else
            value_free(v);
    }
    s->n = kept;
}

/* -- hearing ---------------------------------------------------------------------------------- */

static void deliver(mw_cluster *c, const mw_value *data, const char *field, bool removed)
{
    mw_value *msg = mw_map_new();
    const char *id = strchr(field, '\n');
    mw_map_set_text(msg, "type", "shared");
    mw_map_set(msg, "kind", mw_text_new((mw_str){field, (size_t)(id - field)}));
    mw_map_set_text(msg, "id", id + 1);
    const mw_value *value = mw_map_find(data, "value");
    if (value && !removed) mw_map_set(msg, "value", mw_value_copy(value));
    if (mw_map_text(data, "node").n) mw_map_set_text(msg, "node", mw_map_text(data, "node").p);
    mw_post_send(&c->post, MW_TO_BOTH, msg);
}

/* JSON is what Redis holds for FIELD now ({NULL,0}: nothing); DATA is the same, parsed. */
static void learn(mw_cluster *c, const char *field, mw_str json, const mw_value *data)
{
    mw_shared_value *v = get(&c->shared, field);
    v->seen = true;
    if (json.p ? v->known && mw_str_is(json, v->known) : !v->known) return;
    mw_free(v->known);
    v->known = json.p ? mw_strndup(json.p, json.n) : NULL;
    deliver(c, data, field, !json.p);
}

static char *field_of(const mw_value *data)
{
    mw_str kind = mw_map_text(data, "kind"), id = mw_map_text(data, "id");
    if (!kind.n || !id.n || strlen(kind.p) != kind.n || strlen(id.p) != id.n ||
        strchr(kind.p, '\n'))
        return NULL;
    return mw_sprintf("%s\n%s", kind.p, id.p);
}

void mw_shared_event(mw_cluster *c, const mw_value *data, mw_str json)
{
    char *field = field_of(data);
    if (!field) return;
    learn(c, field, mw_map_find(data, "value") ? json : (mw_str){NULL, 0}, data);
    drop_if_empty(&c->shared, field);
    mw_free(field);
}

void mw_shared_snapshot(mw_cluster *c, const redisReply *fields)
{
    mw_shared *s = &c->shared;
    for (size_t i = 0; i < s->n; i++) s->value[i]->seen = false;
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        mw_str json = mw_reply_text(fields->element[i + 1]);
        mw_value *data = mw_value_from_json(json, NULL);
        char *field = field_of(data);
        if (field) learn(c, field, json, data);
        mw_free(field);
        mw_value_free(data);
    }
    for (size_t i = 0; i < s->n; i++)
        if (!s->value[i]->seen) learn(c, s->value[i]->field, (mw_str){NULL, 0}, NULL);
    sweep(s);
    mw_gauge_set(c->m_pending, (double)s->pending);
}

/* -- telling ---------------------------------------------------------------------------------- */

struct put {
    mw_ask *call; /* NULL: nobody waits for the answer */
    mw_cluster *cluster;
    char *field, *json, *slot; /* json NULL: remove */
    uint64_t fence, turn;
};

static void put_free(struct put *p)
{
    mw_free(p->field);
    mw_free(p->json);
    mw_free(p->slot);
    mw_free(p);
}

static void answer(struct put *p, bool queued)
{
    mw_value *map = mw_map_new();
    if (queued) mw_map_set_bool(map, "queued", true);
    if (p->call)
        mw_ask_answer(p->call, map);
    else
        mw_value_free(map);
}

/* Keep P until Redis is back, unless something newer for its field waits already. */
static void keep(struct put *p)
{
    mw_shared *s = &p->cluster->shared;
    mw_shared_value *v = get(s, p->field);
    if (!v->pending || v->turn < p->turn) {
        forget_pending(s, v);
        v->pending = true;
        s->pending++;
        v->want = p->json;
        v->slot = p->slot;
        v->fence = p->fence;
        v->turn = p->turn;
        p->json = p->slot = NULL;
    }
    mw_gauge_set(p->cluster->m_pending, (double)s->pending);
    answer(p, true);
    put_free(p);
}

static void on_put(void *arg, const redisReply *r)
{
    struct put *p = arg;
    if (!r) {
        keep(p);
        return;
    }
    if (r->type == REDIS_REPLY_ERROR || strcmp(mw_reply_text(r).p, "ok")) {
        bool fenced = r->type != REDIS_REPLY_ERROR;
        const char *text = mw_reply_text(r).p;
        if (p->call && fenced)
            mw_ask_refuse(p->call, "slot %s has moved to another node (fence %s, yours %llu)",
                          p->slot, text, (unsigned long long)p->fence);
        else if (p->call)
            mw_ask_refuse(p->call, "Redis answers: %s", r->str);
        else
            mw_log(MW_INFO, "a value put while Redis was away was refused",
                   "field=\"%s\" why=\"%s\"", p->field,
                   fenced ? "its slot has moved to another node" : r->str);
    } else {
        answer(p, false);
    }
    put_free(p);
}

static mw_value *describe(const mw_cluster *c, const struct put *p)
{
    mw_value *data = mw_map_new();
    const char *id = strchr(p->field, '\n');
    mw_map_set(data, "kind", mw_text_new((mw_str){p->field, (size_t)(id - p->field)}));
    mw_map_set_text(data, "id", id + 1);
    mw_map_set_text(data, "node", c->node);
    return data;
}

/* Takes P. */
static void send_put(mw_cluster *c, struct put *p)
{
    mw_words w = {0};
    mw_buf gone = {0};
    if (!p->json) {
        mw_value *data = describe(c, p);
        mw_value_to_json(data, &gone);
        mw_value_free(data);
    }
    mw_eval_begin(c, &w, mw_script_put, 3, (const char *[]){"shared", "events", "fences"});
    mw_words_text(&w, p->field);
    mw_words_text(&w, p->json ? p->json : "");
    mw_words_text(&w, p->slot ? p->slot : "");
    mw_words_printf(&w, "%llu", (unsigned long long)p->fence);
    mw_words_text(&w, p->json ? p->json : gone.p);
    mw_buf_deinit(&gone);
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_put, p)) keep(p);
}

void mw_shared_put(mw_cluster *c, mw_ask *call)
{
    const mw_value *value = mw_map_find(call->arg, "value");
    mw_str slot = mw_map_text(call->arg, "slot");
    char *field = field_of(call->arg);
    mw_buf json = {0};
    if (!field) {
        mw_ask_refuse(call, "cluster.put: kind and id must be texts without line breaks");
        return;
    }
    if (c->shared.n >= MAX_VALUES && value) {
        mw_free(field);
        mw_ask_refuse(call, "cluster.put: %d values are shared already", MAX_VALUES);
        return;
    }
    struct put *p = mw_zalloc(sizeof *p);
    *p = (struct put){.call = call, .cluster = c, .field = field, .turn = ++c->shared.turn};
    if (value && value->type != MW_NIL) {
        mw_value *data = describe(c, p);
        mw_map_set(data, "value", mw_value_copy(value));
        mw_value_to_json(data, &json);
        mw_value_free(data);
    }
    if (json.n > MAX_JSON) {
        mw_ask_refuse(call, "cluster.put: the value is larger than %d bytes", MAX_JSON);
        mw_buf_deinit(&json);
        put_free(p);
        return;
    }
    p->json = json.n ? mw_buf_take(&json) : NULL;
    p->slot = slot.n ? mw_strdup(slot.p) : NULL;
    p->fence = (uint64_t)mw_map_number(call->arg, "fence", 0);
    if (c->synced)
        send_put(c, p);
    else
        keep(p);
}

/* What this node knows: its own put that waits, otherwise what Redis told. */
void mw_shared_get(mw_cluster *c, mw_ask *call)
{
    const mw_shared *s = &c->shared;
    char *field = field_of(call->arg);
    if (!field) {
        mw_ask_refuse(call, "cluster.get: kind and id must be texts without line breaks");
        return;
    }
    size_t at = position(s, field);
    bool found = at < s->n && !strcmp(s->value[at]->field, field);
    const mw_shared_value *v = found ? s->value[at] : NULL;
    const char *json = !v ? NULL : v->pending ? v->want : v->known;
    mw_value *data = json ? mw_value_from_json(mw_str_of(json), NULL) : NULL;
    const mw_value *value = mw_map_find(data, "value");
    mw_value *answer_map = mw_map_new();
    if (value) mw_map_set(answer_map, "value", mw_value_copy(value));
    mw_ask_answer(call, answer_map);
    mw_value_free(data);
    mw_free(field);
}

void mw_shared_flush(mw_cluster *c)
{
    mw_shared *s = &c->shared;
    for (size_t i = 0; i < s->n; i++) {
        mw_shared_value *v = s->value[i];
        if (!v->pending) continue;
        struct put *p = mw_zalloc(sizeof *p);
        *p = (struct put){.cluster = c,
                          .field = mw_strdup(v->field),
                          .json = v->want,
                          .slot = v->slot,
                          .fence = v->fence,
                          .turn = v->turn};
        v->want = v->slot = NULL;
        forget_pending(s, v);
        send_put(c, p);
    }
}

static void on_seed(void *arg, const redisReply *r) { mw_reply_good(r, "seeding a value"); }

void mw_shared_seed(mw_cluster *c)
{
    for (size_t i = 0; i < c->shared.n; i++) {
        const mw_shared_value *v = c->shared.value[i];
        mw_words w = {0};
        if (!v->known) continue;
        mw_eval_begin(c, &w, mw_script_seed, 2, (const char *[]){"shared", "events"});
        mw_words_text(&w, v->field);
        mw_words_text(&w, v->known);
        mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_seed, c);
    }
}
