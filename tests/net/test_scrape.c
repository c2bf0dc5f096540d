/* test_scrape.c - promises of scraping: good pages, bad targets, files that change.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <sys/stat.h>
#include <time.h>

#include "net/scrape.h"
#include "world.h"

struct world {
    mw_registry *registry;
    mw_tsdb *tsdb;
    mw_ingest ingest;
    mw_scraper *scraper;
    mw_host host;
    pid_t server;
    int port;
    char dir[64];
};

/* -- targets ---------------------------------------------------------------------------------- */

static const unsigned char packed[] = {/* gzip of "zipped 3\n" */
                                       0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                       0xab, 0xca, 0x2c, 0x28, 0x48, 0x4d, 0x51, 0x30, 0xe6, 0x02,
                                       0x00, 0x38, 0x69, 0x0f, 0x62, 0x09, 0x00, 0x00, 0x00};

static void say_as(int fd, const char *type, const char *body)
{
    char head[200];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type,
                     strlen(body));
    if (write(fd, head, (size_t)n) < 0 || write(fd, body, strlen(body)) < 0) _exit(1);
}

static void say(int fd, const char *body) { say_as(fd, "text/plain", body); }

static void say_raw(int fd, const void *p, size_t n)
{
    if (write(fd, p, n) < 0) _exit(1);
}

static void serve(int fd)
{
    char head[4096];
    for (;;) {
        ssize_t n = read(fd, head, sizeof head - 1);
        if (n <= 0) _exit(0);
        head[n] = 0;
        const char *path = strchr(head, ' ') + 1;
        if (!strncmp(path, "/good", 5)) {
            say(fd,
                "# TYPE jobs counter\njobs{kind=\"a\"} 1\njobs{kind=\"b\"} 2\nmine{job=\"x\"} 4\n");
        } else if (!strncmp(path, "/open", 5)) {
            if (!strstr(head, "application/openmetrics-text;version=1.0.0")) _exit(1);
            say_as(fd, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                   "# TYPE o counter\no_total 1 # {trace_id=\"x\"} 1\n# EOF\n");
        } else if (!strncmp(path, "/cut", 4)) {
            say_as(fd, "application/openmetrics-text", "# TYPE o counter\no_total 1\n");
        } else if (!strncmp(path, "/stamped", 8)) {
            snprintf(head, sizeof head, "stamped 1 %ld000\n# EOF\n", (long)time(NULL));
            say(fd, head);
        } else if (!strncmp(path, "/broken", 7)) {
            say(fd, "fine 1\nbroken{ 2\n");
        } else if (!strncmp(path, "/packed", 7)) {
            char h[200];
            int k = snprintf(h, sizeof h,
                             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
                             "%zu\r\n\r\n",
                             sizeof packed);
            say_raw(fd, h, (size_t)k);
            say_raw(fd, packed, sizeof packed);
        } else if (!strncmp(path, "/hang", 5)) {
            pause();
        } else if (!strncmp(path, "/huge", 5)) {
            static const char line[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            say_raw(fd, line, sizeof line - 1);
            for (int i = 0;; i++) {
                int k = snprintf(head, sizeof head, "huge{i=\"%d\"} 1\n", i);
                say_raw(fd, head, (size_t)k);
            }
        } else if (!strncmp(path, "/query?a=x%20y", 14)) {
            say(fd, strstr(head, "X-Key: k1") ? "asked 1\n" : "asked 0\n");
        } else {
            static const char no[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
            say_raw(fd, no, sizeof no - 1);
        }
    }
}

/* -- the world -------------------------------------------------------------------------------- */

static int setup(void **state)
{
    struct world *w = mw_zalloc(sizeof *w);
    mw_err err;
    mw_err_init(&err);
    strcpy(w->dir, "/tmp/mw-scrape-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->server = start_server(serve, &w->port);
    w->registry = mw_registry_new(0);
    w->tsdb =
        mw_tsdb_open(&(mw_tsdb_options){.clock = &mw_clock_system, .out_of_order_ms = 0}, &err);
    assert_non_null(w->tsdb);
    w->ingest = (mw_ingest){.tsdb = w->tsdb, .clock = &mw_clock_system};
    w->scraper = mw_scraper_new(&w->ingest, w->registry);
    mw_scraper_offer(w->scraper, &w->host);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[200];
    mw_scraper_stop(w->scraper);
    mw_scraper_free(w->scraper);
    mw_tsdb_close(w->tsdb);
    mw_registry_free(w->registry);
    end_server(w->server);
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    mw_free(w->host.ops);
    mw_free(w);
    return 0;
}

static void set_jobs(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void set_jobs(struct world *w, const char *fmt, ...)
{
    char jobs[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(jobs, sizeof jobs, fmt, ap);
    va_end(ap);
    mw_value *a = ask(&w->host, "scrape", "{\"jobs\":[%s]}", jobs);
    assert_no_error(a);
    mw_value_free(a);
}

struct found {
    size_t series, samples; /* markers apart */
    double last;            /* newest value of the last series seen */
    bool ended;             /* every series ends in a stale marker */
    int64_t times[1000];    /* of one series */
};

/* What the store has of METRIC with LABEL = VALUE (LABEL NULL: any). */
static struct found find(struct world *w, const char *metric, const char *label, const char *value)
{
    struct found f = {.ended = true};
    mw_matcher m[2];
    mw_err err;
    mw_series_set *set;
    mw_series_view v;
    size_t n = 1;
    mw_err_init(&err);
    mw_matcher_init(&m[0], MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), mw_str_of(metric), &err);
    if (label) mw_matcher_init(&m[n++], MW_MATCH_EQ, mw_str_of(label), mw_str_of(value), &err);
    mw_source *source = mw_tsdb_source(w->tsdb);
    mw_select sel = {.matchers = m, .n = n, .min_t = 0, .max_t = INT64_MAX};
    assert_int_equal(source->select(source, &sel, &set, &err), MW_OK);
    while (set->next(set, &v, &err) == 1) {
        f.series++;
        for (size_t i = 0; i < v.n; i++) {
            if (mw_is_stale(v.v[i])) continue;
            if (f.samples < 1000) f.times[f.samples] = v.t[i];
            f.samples++;
            f.last = v.v[i];
        }
        f.ended = f.ended && v.n && mw_is_stale(v.v[v.n - 1]);
    }
    set->close(set);
    while (n) mw_matcher_deinit(&m[--n]);
    return f;
}

static mw_value *targets(struct world *w)
{
    mw_buf json = {0};
    mw_err err;
    mw_err_init(&err);
    mw_scraper_targets_json(w->scraper, &(mw_targets_wish){.active = true, .dropped = true}, &json);
    mw_value *v = mw_value_from_json((mw_str){json.p, json.n}, &err);
    if (!v) fail_msg("targets: %s in %s", err.msg, json.p);
    mw_buf_deinit(&json);
    return v;
}

static size_t n_targets(struct world *w)
{
    mw_value *v = targets(w);
    size_t n = mw_map_find(v, "activeTargets")->list.n;
    mw_value_free(v);
    return n;
}

/* -- promises --------------------------------------------------------------------------------- */

static void pages_are_read_as_what_they_say_they_are(void **state)
{
    struct world *w = *state;
    mw_tsdb_stats st = {0};
    char jobs[1000], *p = jobs;
    static const char *const paths[] = {"open", "cut", "stamped"};
    for (int i = 0; i < 3; i++) {
        if (i) *p++ = ',';
        p += snprintf(p, 300,
                      "{\"job\":\"%s\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/%s\","
                      "\"every\":0.1}",
                      paths[i], w->port, paths[i]);
    }
    set_jobs(w, "%s", jobs);
    EVENTUALLY(find(w, "o_total", NULL, NULL).samples > 0);
    EVENTUALLY((mw_tsdb_stats_read(w->tsdb, &st), st.exemplars == 1));
    EVENTUALLY(find(w, "stamped", NULL, NULL).samples > 0);
    struct found f = find(w, "stamped", NULL, NULL); /* milliseconds, for it is plain text */
    assert_true(f.times[0] <= mw_now_ms(&mw_clock_system));
    EVENTUALLY(find(w, "up", "job", "cut").samples > 0);
    assert_true(find(w, "up", "job", "cut").last == 0);
    assert_int_equal(find(w, "o_total", "job", "cut").series, 0);
}

static void a_good_page_is_stored_with_its_reports(void **state)
{
    struct world *w = *state;
    set_jobs(w,
             "{\"job\":\"j\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/good\",\"every\":0.1,"
             "\"labels\":{\"team\":\"web\"}}",
             w->port);
    EVENTUALLY(find(w, "jobs", "team", "web").samples >= 6);
    assert_int_equal(find(w, "jobs", "job", "j").series, 2);
    assert_int_equal(find(w, "mine", "exported_job", "x").series, 1);
    assert_true(find(w, "up", "job", "j").last == 1);
    assert_true(find(w, "scrape_samples_scraped", NULL, NULL).last == 3);
    assert_true(find(w, "scrape_samples_post_metric_relabeling", NULL, NULL).last == 3);
    assert_int_equal(find(w, "scrape_duration_seconds", NULL, NULL).series, 1);
    EVENTUALLY(find(w, "scrape_series_added", NULL, NULL).last == 0);
    mw_value *all = targets(w);
    const mw_value *t = mw_map_find(all, "activeTargets")->list.item[0];
    assert_string_equal(mw_map_text(t, "health").p, "up");
    assert_string_equal(mw_map_text(t, "lastError").p, "");
    assert_string_equal(mw_map_text(t, "scrapePool").p, "j");
    assert_string_equal(mw_map_text(t, "scrapeInterval").p, "100ms");
    assert_string_equal(mw_map_text(mw_map_find(t, "discoveredLabels"), "__scheme__").p, "http");
    assert_null(mw_map_find(mw_map_find(t, "labels"), "__scheme__"));
    assert_string_equal(mw_map_text(mw_map_find(t, "labels"), "team").p, "web");
    mw_value_free(all);
}

static void bad_targets_are_down_with_a_reason_and_disturb_nobody(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *more, *words;
    } rows[] = {
        {"/hang", "\"timeout\":0.1", "timed out after 0.1 s"},
        {"/broken", "\"timeout\":0.2", "line 2"},
        {"/huge", "\"body_limit\":10000", "larger than 10000 bytes"},
        {"/huge2", "\"body_limit\":0,\"timeout\":0.1", "timed out"},
        {"/good", "\"sample_limit\":2", "more than 2 samples"},
        {"/good", "\"label_limit\":2", "4 labels with those of the target, label_limit is 2"},
        {"/good", "\"label_value_limit\":11", "label_value_limit is 11"},
        {"/none", "\"timeout\":0.2", "server returned HTTP status 503"},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    mw_buf jobs = {0};
    for (int i = 0; i < ROWS; i++)
        mw_buf_printf(&jobs,
                      "{\"job\":\"bad%d\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"%s\","
                      "\"every\":0.2,%s},",
                      i, w->port, rows[i].path, rows[i].more);
    mw_buf_printf(&jobs, "{\"job\":\"off\",\"targets\":[\"127.0.0.1:%d\"],\"every\":0.2},",
                  free_port());
    mw_buf_printf(&jobs,
                  "{\"job\":\"ok\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/good\","
                  "\"every\":0.2}",
                  w->port);
    set_jobs(w, "%s", jobs.p);
    mw_buf_deinit(&jobs);
    for (int i = 0; i < ROWS; i++) {
        char name[16];
        snprintf(name, sizeof name, "bad%d", i);
        EVENTUALLY(find(w, "up", "job", name).samples >= 2);
        assert_true(find(w, "up", "job", name).last == 0);
    }
    EVENTUALLY(find(w, "up", "job", "off").samples >= 1);
    EVENTUALLY(find(w, "up", "job", "ok").samples >= 2);
    assert_true(find(w, "up", "job", "ok").last == 1);
    assert_int_equal(find(w, "fine", NULL, NULL).series, 0);
    mw_value *all = targets(w);
    const mw_value *list = mw_map_find(all, "activeTargets");
    for (int i = 0; i < ROWS; i++) {
        const mw_value *t = list->list.item[i];
        assert_string_equal(mw_map_text(t, "health").p, "down");
        if (!strstr(mw_map_text(t, "lastError").p, rows[i].words))
            fail_msg("%s: %s", rows[i].path, mw_map_text(t, "lastError").p);
    }
    mw_value_free(all);
}

static void answers_may_be_packed_and_questions_carry_what_was_set(void **state)
{
    struct world *w = *state;
    set_jobs(w,
             "{\"job\":\"p\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/packed\",\"every\":0.1},"
             "{\"job\":\"q\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/query\",\"every\":0.1,"
             "\"params\":{\"a\":\"x y\"},\"headers\":{\"X-Key\":\"k1\"}}",
             w->port, w->port);
    EVENTUALLY(find(w, "zipped", "job", "p").last == 3);
    EVENTUALLY(find(w, "asked", "job", "q").last == 1);
}

static void a_target_that_leaves_ends_its_series(void **state)
{
    struct world *w = *state;
    set_jobs(w, "{\"job\":\"j\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/good\",\"every\":0.1}",
             w->port);
    EVENTUALLY(find(w, "jobs", NULL, NULL).samples >= 2);
    assert_false(find(w, "jobs", NULL, NULL).ended);
    set_jobs(w, "%s", "");
    EVENTUALLY(find(w, "jobs", NULL, NULL).ended && find(w, "up", NULL, NULL).ended);
    assert_int_equal(n_targets(w), 0);
}

static void a_target_that_stays_keeps_its_state_when_jobs_are_replaced(void **state)
{
    struct world *w = *state;
    const char *job =
        "{\"job\":\"j\",\"targets\":[%s\"127.0.0.1:%d\"],\"path\":\"/good\",\"every\":0.1}";
    set_jobs(w, job, "", w->port);
    EVENTUALLY(find(w, "up", NULL, NULL).samples >= 2);
    set_jobs(w, job, "\"127.0.0.1:1\",", w->port);
    EVENTUALLY(n_targets(w) == 2);
    mw_value *all = targets(w);
    const mw_value *list = mw_map_find(all, "activeTargets");
    int known = 0;
    for (size_t i = 0; i < 2; i++)
        known += mw_str_is(mw_map_text(list->list.item[i], "health"), "up");
    assert_int_equal(known, 1);
    mw_value_free(all);
    assert_false(find(w, "jobs", NULL, NULL).ended);
}

static int even_distances(struct world *w)
{
    struct found f = find(w, "zipped", NULL, NULL);
    int even = 0;
    for (size_t i = 1; i < f.samples; i++) even += (f.times[i] - f.times[i - 1]) % 500 == 0;
    return even;
}

static void timestamps_stand_at_even_distances(void **state)
{
    struct world *w = *state;
    set_jobs(w, "{\"job\":\"j\",\"targets\":[\"127.0.0.1:%d\"],\"path\":\"/packed\",\"every\":0.5}",
             w->port);
    EVENTUALLY(even_distances(w) >= 1); /* a busy machine starts some late */
}

static void write_file(struct world *w, const char *text)
{
    char path[100], next[100];
    snprintf(path, sizeof path, "%s/t.json", w->dir);
    snprintf(next, sizeof next, "%s/.next", w->dir);
    FILE *f = fopen(next, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(rename(next, path), 0);
}

static void targets_come_from_files_and_a_broken_file_keeps_them(void **state)
{
    struct world *w = *state;
    char text[600], path[100];
    snprintf(text, sizeof text,
             "[{\"targets\":[\"127.0.0.1:%d\",\"127.0.0.1:%d\"],"
             "\"labels\":{\"zone\":\"a\",\"__metrics_path__\":\"/good\"}}]",
             w->port, w->port);
    write_file(w, text);
    set_jobs(w, "{\"job\":\"f\",\"files\":[\"%s/*.json\"],\"every\":0.1}", w->dir);
    EVENTUALLY(find(w, "jobs", "zone", "a").samples >= 2);
    assert_int_equal(n_targets(w), 1); /* the same target twice is one */
    static const char *const broken[] = {"[{\"targets\":[\"127",
                                         "{}",
                                         "[1]",
                                         "[{\"targets\":[1]}]",
                                         "[{\"targets\":[],\"labels\":{\"a b\":\"c\"}}]",
                                         "[{\"targets\":[],\"labels\":[]}]",
                                         ""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_file(w, broken[i]);
        size_t before = find(w, "up", NULL, NULL).samples;
        EVENTUALLY(find(w, "up", NULL, NULL).samples > before + 2);
        assert_int_equal(n_targets(w), 1);
    }
    write_file(w, "[{\"targets\":[\"127.0.0.1:1\", \"no/host\"]}]");
    EVENTUALLY(find(w, "jobs", NULL, NULL).ended);
    assert_int_equal(n_targets(w), 1);
    snprintf(path, sizeof path, "%s/t.json", w->dir);
    unlink(path);
    EVENTUALLY(n_targets(w) == 0);
}

static void jobs_that_make_no_sense_are_refused_by_name(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *job, *words;
    } rows[] = {
        {"{}", "no name"},
        {"{\"job\":\"x\",\"scheme\":\"ftp\"}", "scrape \"x\": scheme"},
        {"{\"job\":\"x\",\"every\":0}", "every"},
        {"{\"job\":\"x\",\"timeout\":-1}", "timeout"},
        {"{\"job\":\"x\",\"targets\":[1]}", "targets must be a list of texts"},
        {"{\"job\":\"x\",\"labels\":{\"a b\":\"c\"}}", "no valid label name"},
        {"{\"job\":\"x\",\"headers\":{\"a\":\"b\\nc\"}}", "header"},
        {"{\"job\":\"x\",\"sample_limit\":-5}", "sample_limit"},
        {"{\"job\":\"x\",\"label_limit\":-5}", "label_limit"},
        {"7", "no name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_error(ask(&w->host, "scrape", "{\"jobs\":[%s]}", rows[i].job), rows[i].words);
    assert_error(ask(&w->host, "scrape", "{}"), "jobs must be a list");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_page_is_stored_with_its_reports),
        T(pages_are_read_as_what_they_say_they_are),
        T(bad_targets_are_down_with_a_reason_and_disturb_nobody),
        T(answers_may_be_packed_and_questions_carry_what_was_set),
        T(a_target_that_leaves_ends_its_series),
        T(a_target_that_stays_keeps_its_state_when_jobs_are_replaced),
        T(timestamps_stand_at_even_distances),
        T(targets_come_from_files_and_a_broken_file_keeps_them),
        T(jobs_that_make_no_sense_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
