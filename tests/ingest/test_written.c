/* test_written.c - what remote write brought is found again in the real store: once, also when it
 * was sent twice, also after the program ended or died.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/log.h"
#include "base/mem.h"
#include "histline.h"
#include "ingest/ingest.h"
#include "rwbody2.h"
#include "store/fakeio.h"

enum { START = 1700000000 };
#define AT(s) ((int64_t)(START + (s)) * 1000)

/* -- a store, in memory or in a folder ------------------------------------------------------ */

struct world {
    char *dir;
    fakeio io;
    mw_clock_manual clock;
    mw_tsdb_options opt;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
    mw_buf body, text;
};

static void open_store(struct world *w)
{
    w->in = (mw_ingest){.tsdb = mw_tsdb_open(&w->opt, &w->err), .clock = &w->clock.clock};
    assert_non_null(w->in.tsdb);
    assert_int_equal(mw_tsdb_recover(w->in.tsdb, &w->err), MW_OK);
}

static void open_world(struct world *w, bool folder, int64_t out_of_order_ms)
{
    memset(w, 0, sizeof *w);
    mw_log_setup(MW_LEVELS, false);
    mw_clock_manual_init(&w->clock, AT(100));
    w->opt = (mw_tsdb_options){
        .clock = &w->clock.clock, .out_of_order_ms = out_of_order_ms, .sync_ms = 1000};
    w->dir = folder ? folder_new() : NULL;
    if (folder) {
        fakeio_init(&w->io, w->dir);
        w->opt.dir = w->dir;
        w->opt.io = &w->io.io;
    }
    open_store(w);
}

static void close_world(struct world *w)
{
    mw_tsdb_close(w->in.tsdb);
    mw_buf_deinit(&w->body);
    mw_buf_deinit(&w->text);
    if (!w->dir) return;
    fakeio_deinit(&w->io);
    folder_free(w->dir);
}

/* Nothing that the store does from now on reaches the folder when it DIES. */
static void start_again(struct world *w, bool dies)
{
    if (dies) w->io.crash_at = w->io.ops + 1;
    mw_tsdb_close(w->in.tsdb);
    fakeio_deinit(&w->io);
    fakeio_init(&w->io, w->dir);
    open_store(w);
}

static void send(struct world *w, bool second_version)
{
    mw_err_init(&w->err);
    int code = (second_version ? mw_ingest_remote_write2 : mw_ingest_remote_write)(
        &w->in, (mw_str){w->body.p, w->body.n}, &w->result, &w->err);
    if (code) fail_msg("%s", w->err.msg);
}

/* -- what is in it -------------------------------------------------------------------------- */

static void write_series(mw_buf *b, const mw_series_view *view)
{
    mw_labels_text(view->labels, b);
    for (size_t i = 0; i < view->n; i++) {
        mw_buf_byte(b, ' ');
        if (view->h && view->h[i])
            histline(view->h[i], b);
        else if (mw_is_stale(view->v[i]))
            mw_buf_text(b, "stale");
        else
            mw_buf_printf(b, "%g", view->v[i]);
        mw_buf_printf(b, "@%lld", (long long)(view->t[i] / 1000 - START));
    }
    mw_buf_byte(b, '\n');
}

static int write_exemplar(void *arg, const mw_labels *series, const mw_exemplar *e)
{
    mw_labels_text(series, arg);
    mw_buf_text(arg, " # ");
    mw_labels_text(e->labels, arg);
    mw_buf_printf(arg, " %g@%lld\n", e->v, (long long)(e->t / 1000 - START));
    return 0;
}

static int write_metadata(void *arg, const mw_metadata *m)
{
    mw_buf_printf(arg, "%.*s is %.*s in %.*s: %.*s\n", MW_STR_ARG(m->name), MW_STR_ARG(m->type),
                  MW_STR_ARG(m->unit), MW_STR_ARG(m->help));
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of w->text from FROM on, sorted: the store promises no order. */
static void sort_lines(struct world *w, size_t from)
{
    char *lines[64], *copy = mw_strndup(w->text.p + from, w->text.n - from), *rest = copy;
    size_t n = 0;
    for (char *line; (line = strsep(&rest, "\n")) && n < 64;)
        if (*line) lines[n++] = line;
    qsort(lines, n, sizeof *lines, by_text);
    w->text.n = from;
    for (size_t i = 0; i < n; i++) mw_buf_printf(&w->text, "%s\n", lines[i]);
    mw_free(copy);
}

static const char *contents(struct world *w)
{
    mw_series_set *set;
    mw_series_view view;
    mw_source *src = mw_tsdb_source(w->in.tsdb);
    mw_select all = {.min_t = INT64_MIN / 2, .max_t = INT64_MAX / 2};
    mw_buf_reset(&w->text);
    assert_int_equal(src->select(src, &all, &set, &w->err), MW_OK);
    while (set->next(set, &view, &w->err) == 1) write_series(&w->text, &view);
    set->close(set);
    mw_buf_text(&w->text, "");
    sort_lines(w, 0);
    size_t at = w->text.n;
    mw_tsdb_exemplars(w->in.tsdb, &all, 1, write_exemplar, &w->text);
    sort_lines(w, at);
    at = w->text.n;
    mw_tsdb_metadata(w->in.tsdb, MW_STR(""), write_metadata, &w->text);
    sort_lines(w, at);
    return w->text.p;
}

static uint64_t series_held(struct world *w)
{
    mw_tsdb_stats s;
    mw_tsdb_stats_read(w->in.tsdb, &s);
    return s.series;
}

/* -- one of everything ---------------------------------------------------------------------- */

static void write_everything(struct world *w)
{
    mw_buf s;
    mw_buf_reset(&w->body);
    mw_buf_init(&s);
    put_labels(&s, "__name__=up,job=j");
    put_sample(&s, AT(1), 1);
    put_sample(&s, AT(2), mw_stale());
    put_exemplar(&s, "trace_id=abc", 0.5, AT(1));
    put_exemplar(&s, "trace_id=def", 0.75, AT(2));
    put_sub(&w->body, 1, &s);
    mw_buf_init(&s);
    put_labels(&s, "z=1,__name__=down,empty="); /* neither sorted nor without empty values */
    put_sample(&s, AT(1), 7);
    put_sample(&s, AT(2), 8);
    put_sub(&w->body, 1, &s);
    mw_buf_init(&s);
    put_labels(&s, "__name__=h,job=j");
    put_exemplar(&s, "trace_id=h", 2, AT(3)); /* exemplars lie before histograms */
    put_whole(&s, 4, AT(1));
    put_floats(&s, 4, AT(2));
    put_custom(&s, 4, AT(3));
    put_sub(&w->body, 1, &s);
    put_metadata(&w->body, 2, "up", "Is it there?", "");
    put_metadata(&w->body, 3, "h", "How long.", "seconds");
}

#define EVERYTHING                                         \
    "down{z=\"1\"} 7@1 8@2\n"                              \
    "h{job=\"j\"} " WHOLE "@1 " FLOATS "@2 " CUSTOM "@3\n" \
    "up{job=\"j\"} 1@1 stale@2\n"                          \
    "h{job=\"j\"} # {trace_id=\"h\"} 2@3\n"                \
    "up{job=\"j\"} # {trace_id=\"abc\"} 0.5@1\n"           \
    "up{job=\"j\"} # {trace_id=\"def\"} 0.75@2\n"          \
    "h is histogram in seconds: How long.\n"               \
    "up is gauge in : Is it there?\n"

/* Of a series' exemplars only the newest is known AGAIN; those before it are out of order then. */
static void everything_was_taken(struct world *w, bool again)
{
    if (w->result.rejected) fail_msg("%s", w->result.first.msg);
    assert_int_equal(w->result.accepted, 7);
    assert_int_equal(w->result.histograms, 3);
    assert_int_equal(w->result.exemplars, again ? 2 : 3);
    assert_int_equal(w->result.exemplars_rejected, again);
}

static void what_is_sent_twice_is_there_once(void **state)
{
    struct world w;
    for (int folder = 0; folder < 2; folder++) {
        open_world(&w, folder, -1);
        write_everything(&w);
        for (int i = 0; i < 3; i++) {
            send(&w, false);
            everything_was_taken(&w, i > 0);
            assert_string_equal(contents(&w), EVERYTHING);
            assert_int_equal(series_held(&w), 3);
        }
        close_world(&w);
    }
}

static void what_was_written_survives_the_end_of_the_program(void **state)
{
    for (int dies = 0; dies < 2; dies++) {
        struct world w;
        open_world(&w, true, -1);
        write_everything(&w);
        send(&w, false);
        everything_was_taken(&w, false);
        for (int i = 0; i < 3; i++) {
            start_again(&w, dies);
            assert_string_equal(contents(&w), EVERYTHING);
        }
        send(&w, false);
        /* A histogram that lies in a block by now is a duplicate to the store, the same or not. */
        if (dies) everything_was_taken(&w, true);
        assert_string_equal(contents(&w), EVERYTHING);
        close_world(&w);
    }
}

/* -- who a series is ------------------------------------------------------------------------ */

static void write_spelling(struct world *w, const char *labels, int s, double v)
{
    mw_buf one;
    mw_buf_reset(&w->body);
    mw_buf_init(&one);
    put_labels(&one, labels);
    put_sample(&one, AT(s), v);
    put_sub(&w->body, 1, &one);
}

/* The reference under which the store finds the bytes of LABELS without taking them apart; 0 when
 * it does not. */
static uint64_t found_by_key(struct world *w, const char *labels)
{
    mw_buf bytes;
    mw_buf_init(&bytes);
    put_labels(&bytes, labels);
    mw_row row = {.key = mw_tsdb_key(w->in.tsdb, bytes.p, bytes.n), .t = AT(1), .v = 1};
    mw_appender *a = mw_appender_new(w->in.tsdb);
    mw_appender_rows(a, &row, 1);
    assert_int_equal(mw_appender_commit(a, &w->err), MW_OK);
    mw_appender_free(a);
    mw_buf_deinit(&bytes);
    return row.code == MW_ENOENT ? 0 : row.ref;
}

static void every_spelling_of_a_series_is_found_by_its_key(void **state)
{
    static const char *const spellings[] = {"__name__=a,b=1,c=2", "c=2,b=1,__name__=a",
                                            "__name__=a,c=2,b=1", "__name__=a,b=1,c=2,empty="};
    struct world w;
    open_world(&w, true, -1);
    uint64_t ref = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_true(i == 0 || found_by_key(&w, spellings[i]) == 0);
        write_spelling(&w, spellings[i], (int)i + 1, (double)i + 1);
        send(&w, false);
        assert_int_equal(w.result.accepted, 1);
        if (!ref) ref = found_by_key(&w, spellings[i]);
        assert_true(ref && found_by_key(&w, spellings[i]) == ref);
    }
    assert_string_equal(contents(&w), "a{b=\"1\", c=\"2\"} 1@1 2@2 3@3 4@4\n");
    /* After an end the store knows none of them, or another series by the old numbers. */
    start_again(&w, false);
    write_spelling(&w, "__name__=other", 5, 5);
    send(&w, false);
    for (size_t i = 0; i < 4; i++) {
        write_spelling(&w, spellings[i], (int)i + 1, (double)i + 1);
        send(&w, false);
        if (w.result.rejected) fail_msg("%s", w.result.first.msg);
    }
    assert_string_equal(contents(&w), "a{b=\"1\", c=\"2\"} 1@1 2@2 3@3 4@4\nother 5@5\n");
    close_world(&w);
}

static void both_versions_mean_the_same_series(void **state)
{
    struct writer q;
    struct world w;
    open_world(&w, true, -1);
    write_everything(&w);
    send(&w, false);
    mw_buf s;
    mw_buf_init(&s);
    begin(&q);
    put_refs(&q, &s, "__name__=h,job=j");
    put_whole(&s, 3, AT(1));
    put_floats(&s, 3, AT(2));
    put_custom(&s, 3, AT(3));
    put_exemplar2(&q, &s, "trace_id=h", 2, AT(3));
    put_metadata2(&q, &s, 3, "How long.", "seconds");
    put_sub(&q.series, 5, &s);
    mw_buf_init(&s);
    put_refs(&q, &s, "empty=,z=1,__name__=down");
    put_sample(&s, AT(1), 7);
    put_sample(&s, AT(2), 8);
    put_sub(&q.series, 5, &s);
    end(&q, &w.body);
    for (int i = 0; i < 2; i++) {
        send(&w, true);
        if (w.result.rejected) fail_msg("%s", w.result.first.msg);
        assert_int_equal(w.result.accepted, 5);
        assert_int_equal(w.result.histograms, 3);
        assert_int_equal(w.result.exemplars, 1);
        assert_string_equal(contents(&w), EVERYTHING);
    }
    close_world(&w);
}

/* -- what is refused ------------------------------------------------------------------------ */

static void put_times(struct world *w, const char *labels, const int *at, size_t n, double v)
{
    mw_buf s;
    mw_buf_init(&s);
    put_labels(&s, labels);
    for (size_t i = 0; i < n; i++) put_sample(&s, AT(at[i]), v);
    put_sub(&w->body, 1, &s);
}
#define TIMES(w, labels, v, ...) \
    put_times(w, labels, (int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int), v)

/* What is wrong with one sample does no harm to the others of its series, nor to a new one. */
static void refusals_are_counted_one_by_one(void **state)
{
    static const struct {
        int64_t out_of_order_ms;
        uint64_t accepted, rejected;
        int first;
        const char *says, *contents;
    } rows[] = {
        {0, 4, 5, MW_EORDER, "out of order sample: known at 1700000005000 ms",
         "known 1@10 2@20\nnew{job=\"j\"} 2@30 2@31\n"},
        {8000, 5, 4, MW_EOLD, "too old sample: known at 1700000001000 ms",
         "known 2@5 1@10 2@20\nnew{job=\"j\"} 2@30 2@31\n"},
        {-1, 7, 3, MW_EDUP, "duplicate sample for timestamp: known at 1700000010000 ms",
         "known 2@1 2@5 1@10 2@20\nnew{job=\"j\"} 2@29 2@30 2@31\n"},
    };
    for (size_t i = 0; i < 3; i++)
        for (int folder = 0; folder < 2; folder++) {
            struct world w;
            open_world(&w, folder, rows[i].out_of_order_ms);
            TIMES(&w, "__name__=known", 1, 10);
            send(&w, false);
            assert_int_equal(w.result.accepted, 1);
            mw_buf_reset(&w.body);
            if (i == 0) TIMES(&w, "__name__=known", 2, 5, 1);
            if (i == 1) TIMES(&w, "__name__=known", 2, 1, 5);
            if (i == 2) TIMES(&w, "__name__=known", 2, 10, 5, 1);
            TIMES(&w, "__name__=known", 2, 10, 20, 20);
            TIMES(&w, "job=j,__name__=new", 2, 30, 31);
            TIMES(&w, "job=j", 2, 1); /* nobody */
            if (i == 2)
                TIMES(&w, "job=j,__name__=new", 2, 29);
            else
                TIMES(&w, "job=j,__name__=new", 2, 1);
            send(&w, false);
            if (w.result.accepted != rows[i].accepted || w.result.rejected != rows[i].rejected)
                fail_msg("row %zu: %llu accepted, %llu rejected: %s", i,
                         (unsigned long long)w.result.accepted,
                         (unsigned long long)w.result.rejected, contents(&w));
            assert_int_equal(w.result.first.code, rows[i].first);
            assert_string_equal(w.result.first.msg, rows[i].says);
            assert_string_equal(contents(&w), rows[i].contents);
            close_world(&w);
        }
}

static void what_the_retention_forgets_is_not_taken(void **state)
{
    struct world w;
    open_world(&w, true, -1);
    mw_tsdb_close(w.in.tsdb);
    w.opt.retention_ms = 60000; /* it is AT(100) */
    open_store(&w);
    for (int i = 0; i < 2; i++) { /* when the series is not known, and when it is */
        mw_buf_reset(&w.body);
        TIMES(&w, "__name__=a", 1, 1, 50, 39);
        send(&w, false);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 2);
        assert_int_equal(w.result.first.code, MW_EOLD);
        assert_string_equal(contents(&w), "a 1@50\n");
    }
    close_world(&w);
}

static void a_full_store_names_the_limits_and_takes_what_it_knows(void **state)
{
    struct world w;
    open_world(&w, false, -1);
    mw_tsdb_close(w.in.tsdb);
    w.opt.max_series = 2;
    open_store(&w);
    TIMES(&w, "__name__=a", 1, 1, 2);
    TIMES(&w, "__name__=b", 1, 1, 2);
    TIMES(&w, "__name__=c", 1, 1, 2);
    for (int i = 0; i < 2; i++) {
        send(&w, false);
        assert_int_equal(w.result.accepted, 4);
        assert_int_equal(w.result.rejected, 2);
        assert_string_equal(w.result.first.msg, "no room for a new series by limits.series or "
                                                "limits.memory: c at 1700000001000 ms");
        assert_string_equal(contents(&w), "a 1@1 1@2\nb 1@1 1@2\n");
    }
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_twice_is_there_once),
        cmocka_unit_test(what_was_written_survives_the_end_of_the_program),
        cmocka_unit_test(every_spelling_of_a_series_is_found_by_its_key),
        cmocka_unit_test(both_versions_mean_the_same_series),
        cmocka_unit_test(refusals_are_counted_one_by_one),
        cmocka_unit_test(what_the_retention_forgets_is_not_taken),
        cmocka_unit_test(a_full_store_names_the_limits_and_takes_what_it_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
