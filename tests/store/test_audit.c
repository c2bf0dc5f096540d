/* test_audit.c - promises of the chain of audit entries: what was added stays.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/log.h"
#include "store/audit_world.h"

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
    mw_audit_close(w.a);
    w.a = NULL;
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
        cmocka_unit_test(old_segments_leave_and_the_chain_says_so),
        cmocka_unit_test(the_current_segment_never_leaves),
        cmocka_unit_test(a_disk_that_is_read_only_at_the_start_is_used_when_it_may_be),
        cmocka_unit_test(what_was_lost_is_said_when_the_disk_works_again),
        cmocka_unit_test(no_promised_entry_is_lost_wherever_it_ends),
    };
    mw_log_setup(MW_FATAL, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
