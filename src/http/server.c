/* server.c - the server put together and taken apart; the order of both.
 *
 * Stop: loops take no more connections and finish what they have; then the pool runs out; what
 * actors answer later finds the mailbox closed and is thrown away.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "http/listen.h"
#include "http/loop.h"

enum {
    REQUEST_TIMEOUT_MS = 60000, /* for a whole request to arrive, and for an idle connection */
    WAITING_PER_QUERY = 8       /* queries that may wait for each that runs */
};

/* -- options --------------------------------------------------------------------------------- */

static void fill_in(mw_server_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores > 0 ? (unsigned)cores : 1;
    if (!o->loops) o->loops = n;
    if (!o->max_body) o->max_body = (size_t)64 << 20;
    if (!o->max_in_flight) o->max_in_flight = (size_t)256 << 20;
    if (!o->max_queries) o->max_queries = 2 * n;
    if (!o->query_timeout_ms) o->query_timeout_ms = 120000;
    if (!o->max_connections) o->max_connections = 10000;
    if (!o->lookback_ms) o->lookback_ms = 5 * 60000;
    if (!o->read_samples) o->read_samples = 50000000;
}

static const char *const *copy_addresses(const mw_server_options *o)
{
    char **copy = mw_array(o->n_listen + 1, sizeof *copy);
    for (size_t i = 0; i < o->n_listen; i++) copy[i] = mw_strdup(o->listen[i]);
    return (const char *const *)copy;
}

/* -- listening ------------------------------------------------------------------------------- */

/* FDS has a row per address and in it one socket per loop. */
static int listen_all(mw_server *s, int *fds, mw_err *err)
{
    for (size_t i = 0; i < s->o.n_listen; i++) {
        unsigned port;
        int rc = listen_on(s->o.listen[i], s->o.loops, fds + i * s->o.loops, &port, err);
        if (rc) {
            for (size_t k = 0; k < i * s->o.loops; k++) close(fds[k]);
            return rc;
        }
        if (!i) s->port = port;
    }
    return MW_OK;
}

static int read_cors(mw_server *s, mw_err *err)
{
    if (!s->o.cors || !strcmp(s->o.cors, ".*")) return MW_OK;
    s->cors = mw_regex_new(mw_str_of(s->o.cors), err);
    return s->cors ? MW_OK : err->code;
}

static void configure(mw_server *s)
{
    h2o_config_init(&s->config);
    s->config.server_name = h2o_iovec_init(H2O_STRLIT("moonwatch"));
    s->config.max_request_entity_size = s->o.max_body;
    s->config.http1.req_timeout = REQUEST_TIMEOUT_MS;
    s->config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&s->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    exchange_register(s, host);
    refuse_register(s, host);
}

static void init_loops(mw_server *s, const int *fds)
{
    int *own = mw_array(s->o.n_listen + 1, sizeof *own);
    s->loops = mw_array(s->o.loops, sizeof *s->loops);
    for (unsigned k = 0; k < s->o.loops; k++) {
        for (size_t i = 0; i < s->o.n_listen; i++) own[i] = fds[i * s->o.loops + k];
        loop_init(&s->loops[k], s, own);
    }
    mw_free(own);
}

/* -- life ------------------------------------------------------------------------------------ */

mw_server *mw_server_new(const mw_server_options *o, const mw_server_parts *parts, mw_err *err)
{
    mw_server *s = mw_zalloc(sizeof *s);
    s->o = *o;
    s->parts = *parts;
    fill_in(&s->o);
    s->o.listen = copy_addresses(o);
    s->o.cors = mw_strdup(o->cors);
    int *fds = mw_array(s->o.n_listen * s->o.loops + 1, sizeof *fds);
    if (read_cors(s, err) || listen_all(s, fds, err)) {
        mw_free(fds);
        mw_server_free(s);
        return NULL;
    }
    s->observe = observe_new(parts->host->registry);
    s->pool =
        mw_pool_new("mw-query", s->o.max_queries, (size_t)s->o.max_queries * WAITING_PER_QUERY);
    s->started_ms = mw_now_ms(parts->host->clock);
    configure(s);
    init_loops(s, fds);
    mw_free(fds);
    return s;
}

void mw_server_start(mw_server *s)
{
    for (unsigned i = 0; i < s->o.loops; i++) loop_start(&s->loops[i]);
}

void mw_server_stop(mw_server *s, int grace_ms)
{
    if (!s->loops || s->stopped) return;
    __atomic_store_n(&s->stopped, true, __ATOMIC_RELAXED);
    s->grace_ms = grace_ms;
    for (unsigned i = 0; i < s->o.loops; i++) loop_stop(&s->loops[i]);
    for (unsigned i = 0; i < s->o.loops; i++) loop_join(&s->loops[i]);
}

void mw_server_free(mw_server *s)
{
    if (!s) return;
    mw_server_stop(s, 0);
    if (s->loops) {
        mw_pool_free(s->pool);
        for (unsigned i = 0; i < s->o.loops; i++) loop_deinit(&s->loops[i]);
        h2o_config_dispose(&s->config);
        mw_free(s->loops);
    }
    observe_free(s->observe);
    mw_regex_free(s->cors);
    for (size_t i = 0; i < s->o.n_listen; i++) mw_free((char *)s->o.listen[i]);
    mw_free((void *)s->o.listen);
    mw_free((char *)s->o.cors);
    mw_free(s);
}

void mw_server_actors(mw_server *s, mw_actor *rules, mw_actor *router, mw_actor *backtest)
{
    s->parts.rules = rules;
    s->parts.router = router;
    s->parts.backtest = backtest;
}

void mw_server_ready(mw_server *s, bool ready)
{
    __atomic_store_n(&s->ready, ready, __ATOMIC_RELEASE);
}
unsigned mw_server_port(const mw_server *s) { return s->port; }

/* -- for handlers ---------------------------------------------------------------------------- */

bool server_is_ready(const mw_server *s) { return __atomic_load_n(&s->ready, __ATOMIC_ACQUIRE); }

void server_say_starting(mw_call *c)
{
    double done = mw_tsdb_progress(c->parts->host->tsdb);
    call_fail_text(c, MW_EBUSY, "starting: %d %% of the journal read", (int)(done * 100));
}

int server_query_timeout_ms(const mw_server *s) { return s->o.query_timeout_ms; }
int64_t server_started_ms(const mw_server *s) { return s->started_ms; }
const mw_server_options *server_options(const mw_server *s) { return &s->o; }

void server_count_in_flight(mw_server *s)
{
    observe_in_flight(s->observe, __atomic_load_n(&s->in_flight, __ATOMIC_RELAXED));
}

void server_count_query(mw_server *s, bool range, int code, int64_t took_ns, size_t samples)
{
    observe_query(s->observe, range, code, took_ns, samples);
}

void server_count_ingest(mw_server *s, mw_ingest_kind kind, const char *source,
                         const mw_ingest_result *r)
{
    observe_ingest(s->observe, kind, source, r);
}
