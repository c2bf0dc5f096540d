/* test_audit_touched.c - whoever changes any of a chain of audit entries is seen.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/log.h"
#include "store/audit_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_changed_byte_is_seen_and_told_where),
        cmocka_unit_test(removed_moved_and_repeated_entries_are_seen),
        cmocka_unit_test(a_chain_that_was_cut_off_is_seen_by_who_remembers_its_head),
        cmocka_unit_test(a_folder_remembers_how_far_its_chain_went),
        cmocka_unit_test(a_segment_that_is_removed_while_it_is_written_to_is_missed),
        cmocka_unit_test(segments_that_are_missing_are_seen),
        cmocka_unit_test(a_start_behind_changed_entries_touches_nothing_and_says_so),
        cmocka_unit_test(a_torn_end_is_cut_off_and_that_is_in_the_chain),
    };
    mw_log_setup(MW_FATAL, false);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
