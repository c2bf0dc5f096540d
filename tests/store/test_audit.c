/* test_audit.c - promises of the chain of audit entries: what was added stays, and whoever changes
 * any of it is seen.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/audit.h"
#include "store/fakeio.h"

#define DAY_MS 86400000LL
#define START  (20000 * DAY_MS)

struct world {
    char *dir;
    mw_clock_manual clock;
    mw_io quick;
    mw_audit *a;
};

static mw_audit *open_with(struct world *w, const mw_io *io, int64_t keep_ms)
{
    mw_err err;
    mw_err_init(&err);
    mw_audit *a = mw_audit_open(&(mw_audit_options){.io = io,
                                                    .dir = w->dir,
                                                    .node = "n1",
                                                    .clock = &w->clock.clock,
                                                    .keep_ms = keep_ms,
                                                    .segment_bytes = 1000},
                                &err);
    return a;
}

static void begin(struct world *w)
{
    *w = (struct world){.dir = folder_new_quick(), .quick = fakeio_quick()};
    mw_clock_manual_init(&w->clock, START);
    w->a = open_with(w, &w->quick, 0);
    assert_non_null(w->a);
}

static void end(struct world *w)
{
    mw_audit_close(w->a);
    folder_free(w->dir);
}

static int add(mw_audit *a, const char *what, const char *details)
{
    mw_audit_note note = {.what = mw_str_of(what),
                          .who = MW_STR("ana \"the\" admin"),
                          .from = MW_STR("10.0.0.1"),
                          .details = mw_str_of(details)};
    return mw_audit_add(a, &note, NULL, NULL);
}

static void add_some(struct world *w, int n)
{
    for (int i = 0; i < n; i++) {
        char details[40];
        snprintf(details, sizeof details, "{\"silence\":%d}", i);
        assert_int_equal(add(w->a, "silence.made", details), MW_OK);
    }
}

static mw_audit_report walk(const char *dir, const mw_audit_anchor *anchor)
{
    mw_audit_report r;
    assert_int_equal(mw_audit_walk(dir, anchor, NULL, NULL, &r, NULL), MW_OK);
    return r;
}

/* -- a chain that nobody touched ------------------------------------------------------------- */

static void entries_fit_over_segments_and_restarts(void **state)
{
    struct world w;
    mw_audit_mark head;
    begin(&w);
    for (int i = 0; i < 5; i++) {
        add_some(&w, 7);
        mw_audit_close(w.a);
        w.a = open_with(&w, &w.quick, 0);
    }
    mw_audit_head(w.a, &head);
    mw_audit_report r = walk(w.dir, NULL);
    assert_string_equal(r.problem, "");
    assert_int_equal(r.entries, 35);
    assert_int_equal(head.seq, 35);
    assert_string_equal(r.head, head.hash);
    assert_true(r.segments > 3);
    mw_audit_report own;
    assert_int_equal(mw_audit_read(w.a, NULL, NULL, NULL, &own, NULL), MW_OK);
    assert_string_equal(own.head, r.head);
    end(&w);
}

static int keep_seq(void *arg, const mw_audit_entry *e, mw_err *err)
{
    uint64_t *seq = arg; /* [0]: how many; then the first and the last */
    if (!seq[0]++) seq[1] = e->seq;
    seq[2] = e->seq;
    return MW_OK;
}

static void the_last_ones_can_be_had(void **state)
{
    struct world w;
    begin(&w);
    add_some(&w, 20);
    for (size_t n = 0; n <= 25; n++) {
        uint64_t seq[3] = {0};
        assert_int_equal(mw_audit_tail(w.a, n, keep_seq, seq, NULL), MW_OK);
        assert_int_equal(seq[0], n < 20 ? n : 20);
        if (n) assert_int_equal(seq[1], n < 20 ? 21 - n : 1);
        if (n) assert_int_equal(seq[2], 20);
    }
    end(&w);
}

static void an_entry_says_what_was_given(void **state)
{
    struct world w;
    begin(&w);
    add(w.a, "ack.made", "{\"alert\":\"Down\"}");
    uint64_t first = 1;
    size_t n;
    char *bytes = mw_audit_segment(w.a, &first, &n);
    mw_str rest = {bytes, n}, line;
    mw_audit_entry e;
    assert_true(mw_audit_line(&rest, &line) && mw_audit_line(&rest, &line));
    assert_true(mw_audit_entry_line(line, &e));
    const char *want = "{\"seq\":1,\"time\":\"2024-10-04T00:00:00.000Z\",\"node\":\"n1\",\"id\":\"";
    assert_memory_equal(e.json.p, want, strlen(want));
    const char *tail =
        "\"what\":\"ack.made\",\"who\":\"ana \\\"the\\\" admin\",\"from\":\"10.0.0.1\","
        "\"details\":{\"alert\":\"Down\"}}";
    assert_memory_equal(e.json.p + e.json.n - strlen(tail), tail, strlen(tail));
    mw_free(bytes);
    end(&w);
}

static void an_entry_that_is_too_long_is_refused(void **state)
{
    struct world w;
    begin(&w);
    char *long_text = mw_alloc(MW_AUDIT_ENTRY_MAX + 1);
    memset(long_text, 'x', MW_AUDIT_ENTRY_MAX);
    long_text[MW_AUDIT_ENTRY_MAX] = 0;
    assert_int_equal(add(w.a, long_text, ""), MW_ETOOBIG);
    assert_int_equal(add(w.a, "fine", ""), MW_OK);
    assert_string_equal(walk(w.dir, NULL).problem, "");
    mw_free(long_text);
    end(&w);
}

/* -- a chain that somebody touched ----------------------------------------------------------- */

/* The one file of a chain of N entries, and where its lines begin. */
struct text {
    char *bytes, *path;
    size_t n, line[40], lines;
};

static void read_text(struct world *w, uint64_t first, struct text *t)
{
    *t = (struct text){.path = mw_audit_path(w->dir, first)};
    t->bytes = folder_read(t->path, &t->n);
    for (size_t i = 0; i < t->n; i++)
        if (!i || t->bytes[i - 1] == '\n') t->line[t->lines++] = i;
    t->line[t->lines] = t->n;
}

static void free_text(struct text *t)
{
    free(t->bytes);
    mw_free(t->path);
}

static void any_changed_byte_is_seen_and_told_where(void **state)
{
    struct world w;
    struct text t;
    begin(&w);
    add_some(&w, 3);
    read_text(&w, 1, &t);
    for (size_t i = 0; i < t.n; i++) {
        size_t line = 0;
        while (t.line[line + 1] <= i) line++;
        for (int bit = 0; bit < 8; bit += 3) {
            t.bytes[i] ^= (char)(1 << bit);
            folder_write(t.path, t.bytes, t.n);
            t.bytes[i] ^= (char)(1 << bit);
            mw_audit_report r = walk(w.dir, NULL);
            bool last_end = i == t.n - 1;
            assert_true(r.problem[0] || (last_end && r.torn && r.entries == 2));
            if (r.problem[0] && line) assert_in_range(r.bad, line - 1, line + 1);
            assert_true(r.entries <= (line ? line : 1) - (line > 0));
        }
    }
    free_text(&t);
    end(&w);
}

/* Lines of T in the order ORDER ("0132"), as the file. */
static mw_audit_report reordered(struct world *w, const struct text *t, const char *order)
{
    mw_buf b = {0};
    for (; *order; order++) {
        size_t i = (size_t)(*order - '0');
        mw_buf_add(&b, t->bytes + t->line[i], t->line[i + 1] - t->line[i]);
    }
    folder_write(t->path, b.p, b.n);
    mw_buf_deinit(&b);
    return walk(w->dir, NULL);
}

/* Nobody remembers anything any more. */
static void forget_head(struct world *w)
{
    char *path = mw_sprintf("%s/head", w->dir);
    unlink(path);
    mw_free(path);
}

static void removed_moved_and_repeated_entries_are_seen(void **state)
{
    static const struct {
        const char *order;
        uint64_t bad;
    } rows[] = {{"01234", 0},  {"0234", 1}, {"0134", 2}, {"01324", 2}, {"04321", 1},
                {"012234", 3}, {"1234", 1}, {"0124", 3}, {"0012", 0}};
    struct world w;
    struct text t;
    begin(&w);
    add_some(&w, 4);
    forget_head(&w);
    read_text(&w, 1, &t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(reordered(&w, &t, rows[i].order).bad, rows[i].bad);
    free_text(&t);
    end(&w);
}

static void a_chain_that_was_cut_off_is_seen_by_who_remembers_its_head(void **state)
{
    struct world w;
    struct text t;
    mw_audit_mark head;
    begin(&w);
    add_some(&w, 3);
    mw_audit_head(w.a, &head);
    read_text(&w, 1, &t);
    mw_audit_anchor anchor = {head.seq, {head.hash, 12}};
    forget_head(&w);
    assert_true(walk(w.dir, &anchor).met);
    assert_string_equal(reordered(&w, &t, "012").problem, "");
    assert_int_equal(walk(w.dir, &anchor).bad, 3);
    assert_non_null(strstr(walk(w.dir, &anchor).problem, "its end was cut off"));
    folder_write(t.path, t.bytes, t.n);
    anchor.hash = MW_STR("0123456789ab");
    assert_non_null(strstr(walk(w.dir, &anchor).problem, "written anew"));
    free_text(&t);
    end(&w);
}

static void a_folder_remembers_how_far_its_chain_went(void **state)
{
    struct world w;
    struct text t;
    uint64_t *first;
    size_t n;
    mw_audit_report r;
    begin(&w);
    add_some(&w, 3);
    read_text(&w, 1, &t);
    assert_int_equal(reordered(&w, &t, "012").bad, 3);
    assert_int_equal(mw_audit_read(w.a, NULL, NULL, NULL, &r, NULL), MW_OK);
    assert_non_null(strstr(r.problem, "its end was cut off"));
    mw_audit_close(w.a);
    w.a = open_with(&w, &w.quick, 0); /* who starts behind it says so */
    r = walk(w.dir, NULL);
    assert_string_equal(r.problem, "");
    assert_int_equal(r.entries, 3);
    assert_int_equal(mw_audit_read(w.a, NULL, NULL, NULL, &r, NULL), MW_OK);
    assert_non_null(strstr(r.problem, "written anew"));
    free_text(&t);
    read_text(&w, 1, &t);
    assert_non_null(strstr(t.bytes, "\"what\":\"audit.cut\""));
    free_text(&t);
    add_some(&w, 25);
    assert_int_equal(mw_audit_list(w.dir, &first, &n, NULL), MW_OK);
    char *newest = mw_audit_path(w.dir, first[n - 1]);
    unlink(newest);
    assert_non_null(strstr(walk(w.dir, NULL).problem, "its end was cut off"));
    mw_free(newest);
    mw_free(first);
    end(&w);
}

static void a_segment_that_is_removed_while_it_is_written_to_is_missed(void **state)
{
    struct world w;
    mw_audit_report r;
    begin(&w);
    add_some(&w, 3);
    mw_audit_tick(w.a);
    char *path = mw_audit_path(w.dir, 1);
    unlink(path);
    mw_free(path);
    assert_int_equal(mw_audit_read(w.a, NULL, NULL, NULL, &r, NULL), MW_OK);
    assert_non_null(strstr(r.problem, "it was removed"));
    mw_audit_close(w.a);
    w.a = open_with(&w, &w.quick, 0);
    add_some(&w, 3);
    path = mw_audit_path(w.dir, 1);
    unlink(path);
    mw_free(path);
    mw_audit_tick(w.a); /* the first look */
    add_some(&w, 1);
    assert_true(walk(w.dir, NULL).entries ==
                2); /* "audit.cut" and that one, where they can be read */
    end(&w);
}

static void segments_that_are_missing_are_seen(void **state)
{
    struct world w;
    uint64_t *first;
    size_t n;
    begin(&w);
    add_some(&w, 25);
    assert_int_equal(mw_audit_list(w.dir, &first, &n, NULL), MW_OK);
    assert_true(n > 4);
    for (size_t i = 0; i + 1 < n; i++) {
        char *path = mw_audit_path(w.dir, first[i]);
        size_t size;
        char *bytes = folder_read(path, &size);
        unlink(path);
        mw_audit_report r = walk(w.dir, NULL);
        assert_true(r.problem[0]);
        assert_int_equal(r.bad, i ? first[i] : first[1]);
        folder_write(path, bytes, size);
        free(bytes);
        mw_free(path);
    }
    assert_string_equal(walk(w.dir, NULL).problem, "");
    mw_free(first);
    end(&w);
}

static void a_start_behind_changed_entries_touches_nothing_and_says_so(void **state)
{
    struct world w;
    struct text t, again;
    begin(&w);
    add_some(&w, 3);
    mw_audit_close(w.a);
    read_text(&w, 1, &t);
    memcpy(strstr(t.bytes, "\"silence\":1"), "\"silence\":9", 11);
    folder_write(t.path, t.bytes, t.n);
    w.a = open_with(&w, &w.quick, 0);
    add_some(&w, 2);
    read_text(&w, 1, &again);
    assert_int_equal(again.n, t.n);
    assert_memory_equal(again.bytes, t.bytes, t.n);
    assert_int_equal(walk(w.dir, NULL).bad, 2);
    struct text next;
    read_text(&w, 4, &next);
    next.bytes[next.n - 1] = 0;
    assert_non_null(strstr(next.bytes, "\"what\":\"audit.broken\""));
    free_text(&t);
    free_text(&again);
    free_text(&next);
    end(&w);
}

static void a_torn_end_is_cut_off_and_that_is_in_the_chain(void **state)
{
    struct world w;
    struct text t;
    begin(&w);
    add_some(&w, 3);
    mw_audit_close(w.a);
    read_text(&w, 1, &t);
    for (size_t n = 0; n <= t.n; n++) {
        folder_write(t.path, t.bytes, n);
        forget_head(&w); /* who lost power has none that is further */
        w.a = open_with(&w, &w.quick, 0);
        assert_non_null(w.a);
        mw_audit_report r = walk(w.dir, NULL);
        assert_string_equal(r.problem, "");
        assert_int_equal(r.torn, 0);
        size_t whole = 0;
        while (t.line[whole] < n && t.line[whole + 1] <= n) whole++;
        bool torn = whole && n > t.line[whole];
        assert_int_equal(r.entries, whole ? whole - 1 + torn : 0);
        mw_audit_close(w.a);
    }
    w.a = NULL;
    free_text(&t);
    end(&w);
}

/* -- retention -------------------------------------------------------------------------------- */

static void old_segments_leave_and_the_chain_says_so(void **state)
{
    struct world w;
    mw_audit_stats s;
    begin(&w);
    mw_audit_close(w.a);
    w.a = open_with(&w, &w.quick, 10 * DAY_MS);
    for (int day = 0; day < 30; day++) {
        add_some(&w, 2);
        mw_clock_manual_set(&w.clock, START + day * DAY_MS);
    }
    mw_audit_tick(w.a);
    mw_audit_report r = walk(w.dir, NULL);
    mw_audit_stats_read(w.a, &s);
    assert_string_equal(r.problem, "");
    assert_true(r.expired);
    assert_in_range(r.first, 30, 45);
    assert_int_equal(s.expired, r.first - 1);
    assert_int_equal(r.last, 61);
    mw_audit_close(w.a);
    w.a = open_with(&w, &w.quick, 10 * DAY_MS);
    add_some(&w, 1);
    assert_true(walk(w.dir, NULL).expired);
    /* One more is removed by somebody else. */
    char *path = mw_audit_path(w.dir, r.first);
    unlink(path);
    mw_free(path);
    assert_non_null(strstr(walk(w.dir, NULL).problem, "no entry says"));
    end(&w);
}

static void the_current_segment_never_leaves(void **state)
{
    struct world w;
    begin(&w);
    mw_audit_close(w.a);
    w.a = open_with(&w, &w.quick, DAY_MS);
    add_some(&w, 1);
    mw_clock_manual_set(&w.clock, START + 100 * DAY_MS);
    mw_audit_tick(w.a);
    assert_int_equal(walk(w.dir, NULL).entries, 1);
    end(&w);
}

/* -- a disk that does not take it ----------------------------------------------------------------
 */

static void what_was_lost_is_said_when_the_disk_works_again(void **state)
{
    struct world w;
    fakeio f;
    begin(&w);
    mw_audit_close(w.a);
    fakeio_init(&f, w.dir);
    w.a = open_with(&w, &f.io, 0);
    add_some(&w, 2);
    f.full_from = f.ops + 1;
    f.full_to = f.ops + 7;
    int lost = 0;
    while (add(w.a, "silence.made", "{}") != MW_OK) lost++;
    assert_true(lost > 0);
    mw_audit_report r = walk(w.dir, NULL);
    assert_string_equal(r.problem, "");
    assert_int_equal(r.entries, 4);
    char *path = mw_audit_path(w.dir, 1), want[80];
    size_t n;
    char *bytes = folder_read(path, &n);
    snprintf(want, sizeof want,
             "\"what\":\"audit.gap\",\"who\":\"moonwatch\",\"details\":{\"entries\":%d}", lost);
    assert_non_null(memmem(bytes, n, want, strlen(want)));
    free(bytes);
    mw_free(path);
    fakeio_deinit(&f);
    end(&w);
}

static bool read_only;

static int open_unless_read_only(const mw_io *io, const char *path, int flags)
{
    return read_only && (flags & O_ACCMODE) != O_RDONLY ? -EROFS
                                                        : mw_io_system.open(io, path, flags);
}

static void a_disk_that_is_read_only_at_the_start_is_used_when_it_may_be(void **state)
{
    for (int torn = 0; torn < 2; torn++) {
        struct world w;
        begin(&w);
        w.quick.open = open_unless_read_only;
        add_some(&w, 2);
        mw_audit_close(w.a);
        char *path = mw_audit_path(w.dir, 1);
        FILE *f = fopen(path, "ab");
        assert_non_null(f);
        if (torn) fputs("0123456789", f);
        fclose(f);
        mw_free(path);
        read_only = true;
        w.a = open_with(&w, &w.quick, 0);
        read_only = false;
        assert_non_null(w.a);
        add_some(&w, 1);
        mw_audit_report r = walk(w.dir, NULL);
        assert_string_equal(r.problem, "");
        assert_int_equal(r.entries, 3);
        mw_audit_close(w.a);
        read_only = true;
        w.a = open_with(&w, &w.quick, 0);
        assert_int_not_equal(add(w.a, "silence.made", "{}"), MW_OK);
        read_only = false;
        add_some(&w, 1);
        assert_int_equal(walk(w.dir, NULL).entries, 5); /* one says that one was lost */
        end(&w);
    }
}

enum ending { CRASH, POWER, POWER_MIXED };

/* Dies at operation OP; how many entries were promised. */
static uint64_t live(struct world *w, fakeio *f, uint64_t op)
{
    uint64_t promised = 0;
    f->crash_at = op;
    f->torn = op % 2;
    mw_audit *a = open_with(w, &f->io, 10 * DAY_MS);
    for (int i = 0; a && i < 12; i++) {
        mw_audit_mark m;
        mw_audit_note note = {.what = MW_STR("ack.made"), .who = MW_STR("bea"), .details = {0}};
        mw_clock_manual_set(&w->clock, mw_now_ms(&w->clock.clock) + 2 * DAY_MS);
        if (mw_audit_add(a, &note, &m, NULL) == MW_OK) promised = m.seq;
        if (i % 5 == 4) {
            mw_audit_close(a);
            a = open_with(w, &f->io, 10 * DAY_MS);
            if (a) mw_audit_tick(a);
        }
    }
    mw_audit_close(a);
    return promised;
}

static bool dies(enum ending how, uint64_t op)
{
    struct world w;
    fakeio f;
    mutator m = {op * 2654435761u + 1};
    begin(&w);
    mw_audit_close(w.a);
    fakeio_init(&f, w.dir);
    uint64_t promised = live(&w, &f, op);
    bool whole = f.ops < op;
    fakeio_revive(&f);
    if (how != CRASH) fakeio_lose_power(&f, how == POWER ? NULL : &m);
    fakeio_deinit(&f);
    w.a = open_with(&w, &w.quick, 10 * DAY_MS);
    assert_non_null(w.a);
    add_some(&w, 1);
    mw_audit_report r = walk(w.dir, NULL);
    if (r.problem[0]) fail_msg("died at %" PRIu64 ": %s", op, r.problem);
    assert_true(r.last > promised);
    end(&w);
    return whole;
}

static void no_promised_entry_is_lost_wherever_it_ends(void **state)
{
    for (enum ending how = CRASH; how <= POWER_MIXED; how++)
        for (uint64_t op = 1; !dies(how, op); op++) {}
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_fit_over_segments_and_restarts),
        cmocka_unit_test(the_last_ones_can_be_had),
        cmocka_unit_test(an_entry_says_what_was_given),
        cmocka_unit_test(an_entry_that_is_too_long_is_refused),
        cmocka_unit_test(any_changed_byte_is_seen_and_told_where),
        cmocka_unit_test(removed_moved_and_repeated_entries_are_seen),
        cmocka_unit_test(a_chain_that_was_cut_off_is_seen_by_who_remembers_its_head),
        cmocka_unit_test(a_folder_remembers_how_far_its_chain_went),
        cmocka_unit_test(a_segment_that_is_removed_while_it_is_written_to_is_missed),
        cmocka_unit_test(segments_that_are_missing_are_seen),
        cmocka_unit_test(a_start_behind_changed_entries_touches_nothing_and_says_so),
        cmocka_unit_test(a_torn_end_is_cut_off_and_that_is_in_the_chain),
        cmocka_unit_test(old_segments_leave_and_the_chain_says_so),
        cmocka_unit_test(the_current_segment_never_leaves),
        cmocka_unit_test(a_disk_that_is_read_only_at_the_start_is_used_when_it_may_be),
        cmocka_unit_test(what_was_lost_is_said_when_the_disk_works_again),
        cmocka_unit_test(no_promised_entry_is_lost_wherever_it_ends),
    };
    mw_log_setup(MW_FATAL, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
