/* members.c - heartbeats, the list of nodes, and the leases that follow from it.
 *
 * A beat is two scripts: "I live, who else does?" and, with the answer, "these slots I take, these
 * I leave, how are the others?".  What the second answers is the truth; messages to the actors tell
 * its differences.  While Redis is away nothing changes: a slot that was held stays held.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "cluster/inside.h"

enum { FORGET_MS = 24 * 3600 * 1000 };

/* -- telling the actors ----------------------------------------------------------------------- */

static void set_lease(mw_cluster *c, size_t i, bool held, uint64_t fence)
{
    mw_lease *l = &c->lease[i];
    bool news = l->held != held || (held && l->fence != fence);
    l->held = held;
    l->fence = fence;
    if (!news) return;
    mw_value *msg = mw_map_new();
    mw_map_set_text(msg, "type", "lease");
    mw_map_set_text(msg, "slot", mw_slot_names[i]);
    mw_map_set_bool(msg, "held", held);
    mw_map_set_number(msg, "fence", (double)fence);
    mw_post_send(&c->post, MW_TO_BOTH, msg);
}

static void count_held(mw_cluster *c)
{
    int n = 0;
    for (size_t i = 0; i < MW_SLOTS; i++) n += c->lease[i].held;
    mw_gauge_set(c->m_held, n);
}

void mw_members_alone(mw_cluster *c)
{
    for (size_t i = 0; i < MW_SLOTS; i++) {
        snprintf(c->lease[i].holder, sizeof c->lease[i].holder, "%s", c->node);
        set_lease(c, i, true, c->lease[i].fence);
    }
    count_held(c);
}

/* -- leases ----------------------------------------------------------------------------------- */

static void note_lease(mw_cluster *c, size_t i, mw_str holder, uint64_t fence, int64_t now)
{
    mw_lease *l = &c->lease[i];
    const char *space = holder.n ? memchr(holder.p, ' ', holder.n) : NULL;
    mw_str name = space ? (mw_str){space + 1, holder.n - (size_t)(space + 1 - holder.p)} : holder;
    snprintf(l->holder, sizeof l->holder, "%.*s", MW_STR_ARG(name));
    if (holder.n)
        l->free_since_ms = 0;
    else if (!l->free_since_ms)
        l->free_since_ms = now;
    set_lease(c, i, mw_str_is(holder, c->holder), fence);
}

static void on_leases(void *arg, const redisReply *r)
{
    mw_cluster *c = arg;
    c->beating = false;
    if (!mw_reply_good(r, "leases") || r->elements != 2 * MW_SLOTS) return;
    int64_t now = mw_cluster_mono_ms();
    for (size_t i = 0; i < MW_SLOTS; i++) {
        uint64_t fence = strtoull(mw_reply_text(r->element[2 * i + 1]).p, NULL, 10);
        note_lease(c, i, mw_reply_text(r->element[2 * i]), fence, now);
    }
    count_held(c);
}

static void ask_leases(mw_cluster *c, const char *const *live, size_t n)
{
    const char *keys[MW_SLOTS + 2] = {"fences", "events"};
    char names[MW_SLOTS][32];
    mw_words w = {0};
    int64_t now = mw_cluster_mono_ms();
    for (size_t i = 0; i < MW_SLOTS; i++) {
        snprintf(names[i], sizeof names[i], "lease:%s", mw_slot_names[i]);
        keys[i + 2] = names[i];
    }
    mw_eval_begin(c, &w, mw_script_leases, MW_SLOTS + 2, keys);
    mw_words_text(&w, c->holder);
    mw_words_printf(&w, "%d", c->lease_ms);
    for (size_t i = 0; i < MW_SLOTS; i++) {
        bool home = !strcmp(mw_slot_home(mw_slot_names[i], live, n), c->node);
        mw_want want = mw_lease_want(&c->lease[i], home, now < c->settle_ms, now, c->lease_ms);
        mw_words_text(&w, mw_slot_names[i]);
        mw_words_text(&w, mw_want_names[want]);
        mw_words_printf(&w, "%llu", (unsigned long long)c->lease[i].fence);
    }
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_leases, c)) c->beating = false;
}

/* -- who is there ----------------------------------------------------------------------------- */

static mw_value *read_node(const mw_cluster *c, const redisReply *name, const redisReply *seen,
                           const redisReply *info, double now)
{
    double at = 0;
    mw_value *facts = mw_value_from_json(mw_reply_text(info), NULL), *node = mw_map_new();
    mw_double_parse(mw_reply_text(seen), &at);
    mw_map_set(node, "name", mw_text_new(mw_reply_text(name)));
    if (mw_map_text(facts, "url").n) mw_map_set_text(node, "url", mw_map_text(facts, "url").p);
    mw_map_set_number(node, "seen", at / 1000);
    mw_map_set_bool(node, "alive", now - at < c->lease_ms);
    mw_value_free(facts);
    return node;
}

static void on_beat(void *arg, const redisReply *r)
{
    mw_cluster *c = arg;
    double now = 0;
    c->beating = false;
    if (!mw_reply_good(r, "heartbeat") || r->elements < 4) return;
    mw_double_parse(mw_reply_text(r->element[0]), &now);
    mw_value_free(c->nodes);
    c->nodes = mw_list_new();
    const char **live = mw_array(r->elements, sizeof *live);
    size_t n = 0;
    for (size_t i = 1; i + 2 < r->elements; i += 3) {
        mw_value *node = read_node(c, r->element[i], r->element[i + 1], r->element[i + 2], now);
        if (mw_map_bool(node, "alive", false)) live[n++] = mw_map_text(node, "name").p;
        mw_list_add(c->nodes, node);
    }
    c->beating = n > 0; /* this node has just said so itself */
    if (n) ask_leases(c, live, n);
    mw_free(live);
}

void mw_members_beat(mw_cluster *c)
{
    mw_words w = {0};
    mw_buf info = {0};
    mw_value *facts = mw_map_new();
    mw_map_set_text(facts, "name", c->node);
    mw_map_set_text(facts, "url", c->url);
    mw_map_set_text(facts, "session", c->session);
    mw_value_to_json(facts, &info);
    mw_eval_begin(c, &w, mw_script_beat, 2, (const char *[]){"nodes", "info"});
    mw_words_text(&w, c->node);
    mw_words_add(&w, (mw_str){info.p, info.n});
    mw_words_printf(&w, "%d", FORGET_MS);
    c->beating = true;
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_beat, c)) c->beating = false;
    mw_value_free(facts);
    mw_buf_deinit(&info);
}

bool mw_members_farewell(mw_cluster *c, mw_link_reply *done)
{
    const char *keys[MW_SLOTS + 3] = {"nodes", "info", "events"};
    char names[MW_SLOTS][32];
    mw_words w = {0};
    for (size_t i = 0; i < MW_SLOTS; i++) {
        snprintf(names[i], sizeof names[i], "lease:%s", mw_slot_names[i]);
        keys[i + 3] = names[i];
    }
    mw_eval_begin(c, &w, mw_script_farewell, MW_SLOTS + 3, keys);
    mw_words_text(&w, c->node);
    mw_words_text(&w, c->holder);
    return mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, done, c);
}

/* -- cluster.nodes ---------------------------------------------------------------------------- */

static mw_value *leases_answer(const mw_cluster *c)
{
    mw_value *map = mw_map_new();
    for (size_t i = 0; i < MW_SLOTS; i++) {
        const mw_lease *l = &c->lease[i];
        if (!l->holder[0]) continue;
        mw_value *one = mw_map_new();
        mw_map_set_text(one, "node", l->holder);
        mw_map_set_number(one, "fence", (double)l->fence);
        mw_map_set(map, mw_slot_names[i], one);
    }
    return map;
}

mw_value *mw_members_answer(const mw_cluster *c)
{
    bool connected = !c->alone && c->synced;
    mw_value *answer = mw_map_new(), *nodes = c->nodes ? mw_value_copy(c->nodes) : mw_list_new();
    mw_map_set_bool(answer, "enabled", !c->alone);
    mw_map_set_bool(answer, "connected", connected);
    mw_map_set_text(answer, "self", c->node);
    if (!connected && c->away_why[0]) mw_map_set_text(answer, "away", c->away_why);
    for (size_t i = 0; !connected && i < nodes->list.n; i++) {
        mw_value *node = nodes->list.item[i]; /* nobody is known to live but this node */
        mw_map_set_bool(node, "alive", mw_str_is(mw_map_text(node, "name"), c->node));
    }
    if (!nodes->list.n) {
        mw_value *self = mw_map_new();
        mw_map_set_text(self, "name", c->node);
        mw_map_set_text(self, "url", c->url);
        mw_map_set_bool(self, "alive", true);
        mw_list_add(nodes, self);
    }
    mw_map_set(answer, "nodes", nodes);
    mw_map_set(answer, "leases", leases_answer(c));
    return answer;
}
