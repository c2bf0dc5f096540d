/* cluster.c - the cluster thread: its two connections to Redis and what happens when.
 *
 * One link carries commands, the other waits in XREAD for what the nodes tell each other.  When
 * both are up the node synchronises: it asks for the epoch (a Redis that lost its data has another
 * one, and then gets back what this node knows), sends what was put meanwhile, and reads a
 * snapshot, from whose moment on it follows the stream.  Either link going down starts that over.
 *
 * A node that never reached Redis takes every slot: alone is better than silent.  A node that
 * loses Redis keeps what it held.  SPDX-License-Identifier: MIT */
#include "cluster/cluster.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/inside.h"
#include "cluster/scripts.h"

enum {
    LEASE_MS = 3000,
    READ_BLOCK_MS = 3000,
    FAREWELL_MS = 500,
    RETRY_POST_MS = 20,
    SYNC_AGAIN_MS = 1000
};

int64_t mw_cluster_mono_ms(void) { return mw_mono_ns() / 1000000; }

/* -- talking to Redis ------------------------------------------------------------------------- */

void mw_eval_key(const mw_cluster *c, mw_words *w, const char *key)
{
    mw_words_printf(w, "%s%s", c->prefix, key);
}

void mw_eval_begin(const mw_cluster *c, mw_words *w, const char *script, size_t n_keys,
                   const char *const *keys)
{
    mw_words_text(w, "EVAL");
    mw_words_text(w, script);
    mw_words_printf(w, "%zu", n_keys);
    for (size_t i = 0; i < n_keys; i++) mw_eval_key(c, w, keys[i]);
}

mw_str mw_reply_text(const redisReply *r)
{
    bool text = r && (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS);
    return text ? (mw_str){r->str, (size_t)r->len} : (mw_str){"", 0};
}

bool mw_reply_good(const redisReply *r, const char *doing)
{
    if (r && r->type == REDIS_REPLY_ERROR)
        mw_log(MW_WARN, "Redis refuses", "what=\"%s\" error=\"%s\"", doing, r->str);
    return r && r->type != REDIS_REPLY_ERROR;
}

/* -- coming and going ------------------------------------------------------------------------- */

static void tell_connected(mw_cluster *c, bool connected)
{
    mw_value *msg = mw_map_new();
    mw_map_set_text(msg, "type", "cluster");
    mw_map_set_bool(msg, "connected", connected);
    mw_post_send(&c->post, MW_TO_BOTH, msg);
    mw_gauge_set(c->m_connected, connected);
}

/* Said once, however often coming back fails. */
static void note_away(mw_cluster *c, const char *why)
{
    bool was_there = c->synced;
    c->synced = false;
    snprintf(c->away_why, sizeof c->away_why, "%s", why);
    if (was_there) mw_counter_add(c->m_lost, 1);
    if (!c->told_away) {
        c->told_away = true;
        mw_log(MW_WARN, was_there ? "Redis is away" : "Redis cannot be reached",
               "error=\"%s\" then=\"%s\"", why,
               c->ever_up ? "this node goes on with what it holds"
                          : "this node works alone until it is there");
        tell_connected(c, false);
    }
    if (!c->ever_up) mw_members_alone(c);
}

static void on_down(void *arg, const char *why) { note_away(arg, why); }

/* One step of synchronising failed; work() begins it again. */
static bool step_good(mw_cluster *c, const redisReply *r, int type)
{
    if (r && r->type == type) return true;
    c->syncing = false;
    if (r) note_away(c, r->type == REDIS_REPLY_ERROR ? r->str : "an answer of another kind");
    return false;
}

static void on_snapshot(void *arg, const redisReply *r)
{
    mw_cluster *c = arg;
    if (!step_good(c, r, REDIS_REPLY_ARRAY) || r->elements != 3) return;
    bool back = c->ever_up;
    snprintf(c->event_id, sizeof c->event_id, "%s", mw_reply_text(r->element[0]).p);
    c->syncing = c->told_away = false;
    c->synced = c->ever_up = true;
    mw_log(MW_INFO, back ? "Redis is back" : "Redis is connected", "cluster=%s node=%s", c->name,
           c->node);
    tell_connected(c, true);
    mw_shared_snapshot(c, r->element[2]);
    mw_bundle_newest(c, mw_reply_text(r->element[1]));
    c->beat_ms = 0; /* at once */
}

static void on_hello(void *arg, const redisReply *r)
{
    mw_cluster *c = arg;
    mw_words w = {0};
    if (!step_good(c, r, REDIS_REPLY_STRING)) return;
    bool lost_data = c->epoch[0] && strcmp(c->epoch, mw_reply_text(r).p) != 0;
    snprintf(c->epoch, sizeof c->epoch, "%s", mw_reply_text(r).p);
    if (lost_data) {
        mw_log(MW_WARN, "Redis has lost its data", "then=\"this node gives back what it knows\"");
        mw_shared_seed(c);
        mw_bundle_restore(c);
    }
    mw_shared_flush(c);
    mw_eval_begin(c, &w, mw_script_snapshot, 3, (const char *[]){"events", "shared", "versions"});
    if (!mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS * 2, on_snapshot, c)) c->syncing = false;
}

static void synchronise(mw_cluster *c, int64_t now)
{
    mw_words w = {0};
    bool others = c->nodes && c->nodes->list.n > 1;
    c->sync_ms = now + SYNC_AGAIN_MS;
    c->settle_ms = c->ever_up && others ? now + c->lease_ms : 0;
    mw_eval_begin(c, &w, mw_script_hello, 1, (const char *[]){"epoch"});
    /* Never the same twice: else the node that named the epoch would name the next one alike, and
     * nobody would see that Redis came back empty. */
    mw_words_printf(&w, "%s.%llu", c->session, (unsigned long long)++c->hellos);
    c->syncing = mw_link_send(c->commands, &w, MW_REDIS_TIMEOUT_MS, on_hello, c);
}

static void on_up(void *arg) { ((mw_cluster *)arg)->sync_ms = 0; }

/* -- the stream ------------------------------------------------------------------------------- */

static void on_event(mw_cluster *c, mw_str type, mw_str data)
{
    mw_value *v = mw_value_from_json(data, NULL);
    mw_counter_add(c->m_events, 1);
    if (mw_str_is(type, "shared")) mw_shared_event(c, v, data);
    if (mw_str_is(type, "bundle")) mw_bundle_newest(c, data);
    if (mw_str_is(type, "lease")) c->beat_ms = 0;
    mw_value_free(v);
}

/* [[stream, [[id, [field, value, ...]], ...]]] */
static void on_events(void *arg, const redisReply *r)
{
    mw_cluster *c = arg;
    c->reading = false;
    if (!mw_reply_good(r, "reading events") || !r->elements) return;
    const redisReply *list = r->element[0]->elements == 2 ? r->element[0]->element[1] : NULL;
    for (size_t i = 0; list && i < list->elements; i++) {
        const redisReply *e = list->element[i];
        if (e->elements != 2 || e->element[1]->elements < 4) continue;
        const redisReply *f = e->element[1];
        snprintf(c->event_id, sizeof c->event_id, "%s", mw_reply_text(e->element[0]).p);
        on_event(c, mw_reply_text(f->element[1]), mw_reply_text(f->element[3]));
    }
}

static void read_events(mw_cluster *c)
{
    mw_words w = {0};
    mw_words_text(&w, "XREAD");
    mw_words_text(&w, "COUNT");
    mw_words_text(&w, "500");
    mw_words_text(&w, "BLOCK");
    mw_words_printf(&w, "%d", READ_BLOCK_MS);
    mw_words_text(&w, "STREAMS");
    mw_eval_key(c, &w, "events");
    mw_words_text(&w, c->event_id);
    c->reading = mw_link_send(c->events, &w, READ_BLOCK_MS + MW_REDIS_TIMEOUT_MS, on_events, c);
}

/* -- the loop --------------------------------------------------------------------------------- */

static bool going_on(mw_cluster *c)
{
    pthread_mutex_lock(&c->lock);
    bool on = !c->stopping;
    pthread_mutex_unlock(&c->lock);
    return on;
}

static int64_t less(int64_t a, int64_t b) { return a < b ? a : b; }

/* One poll, at most MS long. */
static void turn(mw_cluster *c, int64_t ms)
{
    struct pollfd fd[3] = {{.fd = c->wake, .events = POLLIN}};
    int64_t now = mw_cluster_mono_ms();
    ms = less(ms, mw_link_prepare(c->commands, now, &fd[1]));
    ms = less(ms, mw_link_prepare(c->events, now, &fd[2]));
    if (poll(fd, 3, ms > 0 ? (int)ms : 0) < 0 && errno != EINTR) MW_ASSERT(!"poll works");
    if (fd[0].revents) {
        eventfd_t n;
        eventfd_read(c->wake, &n);
    }
    now = mw_cluster_mono_ms();
    mw_link_turn(c->commands, now, fd[1].revents);
    mw_link_turn(c->events, now, fd[2].revents);
}

static void work(mw_cluster *c)
{
    int64_t now = mw_cluster_mono_ms(), ms = c->lease_ms / 3;
    bool linked = mw_link_is_up(c->commands) && mw_link_is_up(c->events);
    mw_calls_run(c);
    if (linked && !c->synced && !c->syncing && now >= c->sync_ms) synchronise(c, now);
    if (c->synced && !c->reading) read_events(c);
    if (c->synced && !c->beating && now >= c->beat_ms) {
        c->beat_ms = now + c->lease_ms / 3;
        mw_members_beat(c);
    }
    if (c->synced && !c->beating) ms = c->beat_ms - now;
    if (!mw_post_flush(&c->post)) ms = less(ms, RETRY_POST_MS);
    turn(c, ms);
}

static void on_farewell(void *arg, const redisReply *r) { ((mw_cluster *)arg)->gone = true; }

static void leave(mw_cluster *c)
{
    int64_t until = mw_cluster_mono_ms() + FAREWELL_MS;
    if (!c->synced || !mw_members_farewell(c, on_farewell)) return;
    for (int64_t now; !c->gone && (now = mw_cluster_mono_ms()) < until;) turn(c, until - now);
}

static void *run(void *arg)
{
    mw_cluster *c = arg;
    mw_link_owner owner = {.up = on_up, .down = on_down, .arg = c};
    uint64_t seed = mw_hash(c->session, sizeof c->session);
    c->commands = mw_link_new(&c->redis, owner, seed);
    c->events = mw_link_new(&c->redis, owner, seed + 1);
    while (going_on(c)) work(c);
    mw_calls_run(c);
    leave(c);
    mw_link_free(c->events);
    mw_link_free(c->commands);
    c->events = c->commands = NULL;
    mw_calls_refuse(c, "moonwatch is stopping");
    mw_post_flush(&c->post);
    return NULL;
}

/* -- life ------------------------------------------------------------------------------------- */

static char *default_node(void)
{
    char name[200] = "node";
    gethostname(name, sizeof name - 1);
    return mw_sprintf("%s-%d", name, (int)getpid());
}

static bool name_valid(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] <= ' ' || strchr("{}", name[i])) return false;
    return n > 0 && n < 128;
}

static void make_metrics(mw_cluster *c, mw_registry *reg)
{
    c->m_connected = mw_gauge(reg, "moonwatch_cluster_connected", "1 while Redis is there.", NULL);
    c->m_held = mw_gauge(reg, "moonwatch_cluster_leases_held", "Slots that this node holds.", NULL);
    c->m_pending = mw_gauge(reg, "moonwatch_cluster_values_waiting",
                            "Shared values that wait for Redis to be back.", NULL);
    c->m_lost = mw_counter(reg, "moonwatch_cluster_connections_lost_total",
                           "How often Redis went away.", NULL);
    c->m_events =
        mw_counter(reg, "moonwatch_cluster_events_total", "Events heard from the nodes.", NULL);
}

mw_cluster *mw_cluster_new(const mw_cluster_options *o, mw_host *host, mw_err *err)
{
    unsigned char random[16];
    mw_cluster *c = mw_zalloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    MW_ASSERT(c->wake >= 0 && RAND_bytes(random, sizeof random) == 1);
    mw_hex(random, sizeof random, c->session);
    c->last_call = &c->first_call;
    c->alone = !o->redis;
    c->name = mw_strdup(o->cluster ? o->cluster : "default");
    c->node = o->node ? mw_strdup(o->node) : default_node();
    c->url = mw_strdup(o->url);
    c->lease_ms = o->lease_ms > 0 ? o->lease_ms : LEASE_MS;
    c->prefix = mw_sprintf("{moonwatch:%s}:", c->name);
    c->holder = mw_sprintf("%s %s", c->session, c->node);
    c->counters = mw_map_new();
    c->kept = mw_map_new();
    make_metrics(c, host->registry);
    if (!name_valid(c->name) || !name_valid(c->node)) {
        mw_fail(err, MW_EARG, 0, 0,
                "the names of cluster (\"%s\") and node (\"%s\") must be 1 to 127 characters "
                "without spaces and braces",
                c->name, c->node);
        goto fail;
    }
    if (o->redis && mw_redis_url_parse(o->redis, &c->redis, err) != MW_OK) goto fail;
    return c;
fail:
    mw_cluster_free(c);
    return NULL;
}

void mw_cluster_start_with(mw_cluster *c, mw_receiver rules, mw_receiver router)
{
    sigset_t all, before;
    c->post.line[0].to = rules;
    c->post.line[1].to = router;
    if (c->alone) return;
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&c->thread, NULL, run, c) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(c->thread, "mw-cluster");
    c->started = true;
}

void mw_cluster_stop(mw_cluster *c)
{
    pthread_mutex_lock(&c->lock);
    bool first = !c->stopping;
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    if (!first) return;
    if (c->started) {
        eventfd_write(c->wake, 1);
        pthread_join(c->thread, NULL);
    } else {
        mw_calls_refuse(c, "moonwatch is stopping");
    }
}

void mw_cluster_free(mw_cluster *c)
{
    if (!c) return;
    mw_cluster_stop(c);
    mw_post_deinit(&c->post);
    mw_shared_deinit(&c->shared);
    mw_value_free(c->nodes);
    mw_value_free(c->counters);
    mw_value_free(c->kept);
    mw_value_free(c->bundle_meta);
    mw_free(c->bundle_blob);
    close(c->wake);
    pthread_mutex_destroy(&c->lock);
    mw_free(c->name);
    mw_free(c->node);
    mw_free(c->url);
    mw_free(c->prefix);
    mw_free(c->holder);
    mw_free(c);
}
