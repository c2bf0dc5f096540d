/* net.c - the loop that drives every HTTP request.
 *
 * mw_net_send puts a transfer into the inbox and wakes the loop.  The loop moves it to its own
 * waiting line, begins it when fewer than MAX_RUNNING are under way, and answers it exactly once:
 * when libcurl is done with it, when its deadline passes in the line, or when the loop stops.
 * Only the loop thread touches the multi handle and the two lists; the inbox has the lock.
 * SPDX-License-Identifier: MIT */
#include "net/net.h"

#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/grpc_op.h"
#include "net/http_op.h"
#include "net/probe.h"
#include "net/transfer.h"
#include "net/words.h"

enum { MAX_RUNNING = 2048, MAX_WAITING = 8192, IDLE_MS = 1000, KEPT_CONNECTIONS = 256 };

struct list {
    mw_transfer *first, *last;
    size_t n;
};

struct mw_net {
    CURLM *multi; /* of a running loop */
    pthread_t thread;
    mw_probes *probes;

    pthread_mutex_t lock;
    bool open, running_loop, stopping; /* under the lock, as is what follows */
    struct list inbox;                 /* asked for, not yet seen by the loop */
    size_t waiting_n;                  /* inbox + waiting, to bound them */

    struct list waiting, running; /* loop thread only */
    size_t told_waiting, told_running;
    mw_series *answered, *failed, *refused, *active, *queued, *seconds, *received;
};

/* -- lists ------------------------------------------------------------------------------------ */

static void list_add(struct list *l, mw_transfer *t)
{
    t->next = NULL;
    t->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = t;
    l->last = t;
    l->n++;
}

static void list_remove(struct list *l, mw_transfer *t)
{
    *(t->prev ? &t->prev->next : &l->first) = t->next;
    *(t->next ? &t->next->prev : &l->last) = t->prev;
    l->n--;
}

/* -- the loop --------------------------------------------------------------------------------- */

/* True while the loop shall go on. */
static bool take_inbox(mw_net *n)
{
    pthread_mutex_lock(&n->lock);
    struct list in = n->inbox;
    n->inbox = (struct list){0};
    bool go_on = !n->stopping;
    pthread_mutex_unlock(&n->lock);
    for (mw_transfer *t = in.first, *next; t; t = next) {
        next = t->next;
        list_add(&n->waiting, t);
    }
    return go_on;
}

static void leave_waiting(mw_net *n, mw_transfer *t)
{
    list_remove(&n->waiting, t);
    pthread_mutex_lock(&n->lock);
    n->waiting_n--;
    pthread_mutex_unlock(&n->lock);
}

static void begin_waiting(mw_net *n)
{
    while (n->waiting.first && n->running.n < MAX_RUNNING) {
        mw_transfer *t = n->waiting.first;
        leave_waiting(n, t);
        list_add(&n->running, t);
        MW_ASSERT(curl_multi_add_handle(n->multi, mw_transfer_begin(t)) == CURLM_OK);
    }
}

static void fail_waiting(mw_net *n, mw_transfer *t, const char *words, bool stopped)
{
    leave_waiting(n, t);
    mw_counter_add(n->failed, 1);
    mw_transfer_fail(t, words, stopped);
}

static void expire_waiting(mw_net *n, int64_t now)
{
    for (mw_transfer *t = n->waiting.first, *next; t; t = next) {
        next = t->next;
        if (t->deadline_ns > now) continue;
        mw_buf words = {0};
        mw_words_timeout(&words, t->timeout_ms);
        mw_buf_text(&words, " waiting for its turn: too many requests are under way");
        fail_waiting(n, t, words.p, false);
        mw_buf_deinit(&words);
    }
}

static void reap(mw_net *n)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(n->multi, &left));) {
        if (m->msg != CURLMSG_DONE) continue;
        mw_transfer *t;
        CURLcode rc = m->data.result; /* M dies with the handle's removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        curl_multi_remove_handle(n->multi, t->easy);
        list_remove(&n->running, t);
        mw_transfer_end end = mw_transfer_finish(t, rc);
        mw_counter_add(end.failed ? n->failed : n->answered, 1);
        mw_counter_add(n->received, (double)end.received);
        mw_histogram_observe(n->seconds, end.seconds);
    }
}

/* Milliseconds until the first deadline in the line; libcurl watches those under way. */
static int patience(const mw_net *n, int64_t now)
{
    int64_t ms = IDLE_MS;
    for (const mw_transfer *t = n->waiting.first; t; t = t->next) {
        int64_t left = (t->deadline_ns - now) / 1000000 + 1;
        if (left < ms) ms = left;
    }
    return ms < 0 ? 0 : (int)ms;
}

static void give_up(mw_net *n)
{
    static const char why[] = "moonwatch is stopping";
    for (mw_transfer *t; (t = n->waiting.first);) fail_waiting(n, t, why, true);
    for (mw_transfer *t; (t = n->running.first);) {
        curl_multi_remove_handle(n->multi, t->easy);
        list_remove(&n->running, t);
        mw_counter_add(n->failed, 1);
        mw_transfer_fail(t, why, true);
    }
}

/* Several loops share the gauges. */
static void tell(mw_net *n)
{
    mw_gauge_add(n->active, (double)n->running.n - (double)n->told_running);
    mw_gauge_add(n->queued, (double)n->waiting.n - (double)n->told_waiting);
    n->told_running = n->running.n;
    n->told_waiting = n->waiting.n;
}

static void *loop(void *arg)
{
    mw_net *n = arg;
    int running;
    while (take_inbox(n)) {
        expire_waiting(n, mw_mono_ns());
        begin_waiting(n);
        curl_multi_perform(n->multi, &running);
        reap(n);
        begin_waiting(n);
        tell(n);
        curl_multi_poll(n->multi, NULL, 0, patience(n, mw_mono_ns()), NULL);
    }
    give_up(n);
    tell(n);
    return NULL;
}

/* -- from other threads ----------------------------------------------------------------------- */

/* The loop and what it needs come with the first request: many a node never sends one. */
static void start_loop(mw_net *n)
{
    sigset_t all, before;
    MW_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    n->multi = curl_multi_init();
    MW_ASSERT(n->multi);
    curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    sigfillset(&all); /* signals belong to the main thread */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MW_ASSERT(pthread_create(&n->thread, NULL, loop, n) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(n->thread, "mw-net");
    n->running_loop = true;
}

int mw_net_send(mw_net *n, const mw_net_request *req, mw_net_done *done, void *arg)
{
    mw_transfer *t = mw_transfer_new(req, done, arg);
    pthread_mutex_lock(&n->lock);
    int code = n->stopping ? MW_ECANCEL : n->waiting_n >= MAX_WAITING ? MW_EBUSY : MW_OK;
    if (code == MW_OK) {
        list_add(&n->inbox, t);
        n->waiting_n++;
        if (n->open && !n->running_loop) start_loop(n);
    }
    CURLM *multi = n->multi;
    pthread_mutex_unlock(&n->lock);
    if (code == MW_OK) {
        if (multi) curl_multi_wakeup(multi);
    } else {
        mw_counter_add(n->refused, 1);
        mw_transfer_drop(t);
    }
    return code;
}

static void make_metrics(mw_net *n, mw_registry *reg)
{
    static const char requests[] = "moonwatch_net_requests_total";
    static const char help[] = "Outbound HTTP requests by how they ended.";
    n->answered = mw_counter(reg, requests, help, "outcome", "answered", NULL);
    n->failed = mw_counter(reg, requests, help, "outcome", "failed", NULL);
    n->refused = mw_counter(reg, requests, help, "outcome", "refused", NULL);
    n->active =
        mw_gauge(reg, "moonwatch_net_requests_active", "Outbound HTTP requests under way.", NULL);
    n->queued = mw_gauge(reg, "moonwatch_net_requests_queued",
                         "Outbound HTTP requests waiting for their turn.", NULL);
    n->seconds = mw_histogram(reg, "moonwatch_net_request_duration_seconds",
                              "Time from asking to answer of outbound HTTP requests.", NULL);
    n->received = mw_counter(reg, "moonwatch_net_received_bytes_total",
                             "Bytes of answers to outbound HTTP requests, decoded.", NULL);
}

mw_net *mw_net_new(mw_registry *reg)
{
    mw_net *n = mw_zalloc(sizeof *n);
    pthread_mutex_init(&n->lock, NULL);
    make_metrics(n, reg);
    n->probes = mw_probes_new(reg);
    return n;
}

void mw_net_start(mw_net *n)
{
    pthread_mutex_lock(&n->lock);
    n->open = true;
    if (n->inbox.first) start_loop(n);
    pthread_mutex_unlock(&n->lock);
}

void mw_net_stop(mw_net *n)
{
    pthread_mutex_lock(&n->lock);
    bool first = !n->stopping, loop_runs = n->running_loop;
    n->stopping = true;
    pthread_mutex_unlock(&n->lock);
    if (!first) return;
    if (loop_runs) {
        curl_multi_wakeup(n->multi);
        pthread_join(n->thread, NULL);
    } else {
        take_inbox(n), give_up(n);
    }
    mw_probes_stop(n->probes);
}

void mw_net_free(mw_net *n)
{
    if (!n) return;
    mw_net_stop(n);
    mw_probes_free(n->probes);
    if (n->running_loop) {
        curl_multi_cleanup(n->multi);
        curl_global_cleanup();
    }
    pthread_mutex_destroy(&n->lock);
    mw_free(n);
}

void mw_net_allow(mw_net *n, const char *const *folders, size_t n_folders)
{
    mw_probes_allow(n->probes, folders, n_folders);
}

void mw_net_offer(mw_net *n, mw_host *host)
{
    mw_host_add_op(host, "http", n, mw_http_op);
    mw_host_add_op(host, "grpc", n, mw_grpc_op);
    mw_probes_offer(n->probes, host);
}
