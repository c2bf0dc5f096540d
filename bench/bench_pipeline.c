/* bench_pipeline.c - what it costs a log record to pass a pipeline that replaces personal data.
 *
 *     bench_pipeline [rounds]      prints ns a record, and GB/s of messages
 *
 * The best of five rounds counts.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "ingest/pipeline.h"

static const char *const lines[][2] = {
    {"clean text, 91 bytes",
     "connection to upstream closed after 3 attempts, trying the next one of the pool in 250 ms"},
    {"clean JSON, 236 bytes",
     "{\"ts\":\"2026-11-27T03:20:11.123Z\",\"level\":\"info\",\"logger\":\"http\",\"msg\":"
     "\"request "
     "served\",\"method\":\"GET\",\"path\":\"/api/v1/orders/"
     "81723\",\"status\":200,\"took_ms\":12.7,"
     "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"bytes\":5123,\"cache\":\"miss\"}"},
    {"JSON with 3 finds",
     "{\"ts\":\"2026-11-27T03:20:11.123Z\",\"level\":\"info\",\"logger\":\"http\",\"msg\":\"signed "
     "in\",\"user\":{\"email\":\"ana@example.com\",\"id\":81723},\"client\":\"10.1.2.3\","
     "\"status\":"
     "200,\"card\":\"4111 1111 1111 1111\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}"},
    {"key=value with 2 finds",
     "time=2026-11-27T03:20:11Z level=warn msg=\"login failed\" user=ana@example.com attempts=3 "
     "client=192.168.17.4 took=12ms region=eu-west-1"},
};

static mw_str dup(const char *text) { return (mw_str){mw_strdup(text), strlen(text)}; }

static mw_pipes *make(bool patterns, bool fields, bool hash)
{
    static const char *const names[] = {"user.email", "password", "http.request.header.*"};
    mw_pipes *set = mw_pipes_new(1);
    mw_pipe *p = &set->pipe[0];
    p->name = mw_strdup("pii");
    p->logs = true;
    p->with = dup("***");
    if (hash) p->hash = mw_hmac_new(MW_STR("a salt of some length"));
    if (patterns) p->kinds = (1u << MW_PII_KINDS) - 1;
    p->fields.name = mw_array(3, sizeof(mw_str));
    for (size_t i = 0; fields && i < 3; i++) p->fields.name[p->fields.n++] = dup(names[i]);
    return set;
}

/* Of this thread's processor time: others may be at work on this machine. */
static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double ns_a_record(const mw_pipes *set, const char *line, size_t rounds)
{
    double best = 1e18;
    mw_label l = {MW_STR("service"), MW_STR("api")};
    mw_labels *stream = mw_labels_new(&l, 1, NULL);
    mw_attr attr = {.key = MW_STR("http.route"), .s = MW_STR("/api/v1/orders/:id")};
    mw_arena *a = mw_arena_new(0);
    for (int k = 0; k < 5; k++) {
        double start = cpu_ns();
        for (size_t i = 0; i < rounds; i++) {
            mw_log_record r = {
                .stream = stream, .message = mw_str_of(line), .fields = &attr, .n_fields = 1};
            mw_arena_reset(a);
            if (mw_pipes_log(set, &r, a) != MW_PASS) abort();
        }
        double ns = (cpu_ns() - start) / (double)rounds;
        if (ns < best) best = ns;
    }
    mw_arena_free(a);
    mw_free(stream);
    return best;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool patterns, fields, hash;
    } sets[] = {{"six patterns", true, false, false},
                {"three fields", false, true, false},
                {"both", true, true, false},
                {"both, hashed", true, true, true}};
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        mw_pipes *set = make(sets[i].patterns, sets[i].fields, sets[i].hash);
        printf("%s\n", sets[i].name);
        for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
            double ns = ns_a_record(set, lines[k][1], rounds);
            printf("  %-24s %6.0f ns a record, %.2f GB/s\n", lines[k][0], ns,
                   (double)strlen(lines[k][1]) / ns);
        }
        mw_pipes_release(set);
    }
    return 0;
}
