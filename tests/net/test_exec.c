/* test_exec.c - promises of programs that are run.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <fcntl.h>

#include "net/net.h"
#include "world.h"

struct world {
    mw_registry *registry;
    mw_net *net;
    mw_host host;
};

static struct world *world_of(const char *folder)
{
    struct world *w = mw_zalloc(sizeof *w);
    w->registry = mw_registry_new(0);
    w->net = mw_net_new(w->registry);
    if (folder) mw_net_allow(w->net, &folder, 1);
    mw_net_offer(w->net, &w->host);
    mw_net_start(w->net);
    return w;
}

static int setup(void **state)
{
    *state = world_of("/usr/bin");
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    mw_net_free(w->net);
    mw_registry_free(w->registry);
    mw_free(w->host.ops);
    mw_free(w);
    return 0;
}

/* SCRIPT by a shell, with MORE fields. */
static mw_value *sh(struct world *w, const char *script, const char *more)
{
    return ask(&w->host, "exec", "{\"command\":[\"sh\",\"-c\",\"%s\"]%s}", script, more);
}

static void a_program_reads_says_and_ends(void **state)
{
    mw_value *a = sh(*state, "cat; echo oh >&2; exit 3", ",\"stdin\":\"hello\",\"timeout\":20");
    assert_no_error(a);
    assert_int_equal(mw_map_number(a, "code", -1), 3);
    assert_string_equal(mw_map_text(a, "stdout").p, "hello");
    assert_string_equal(mw_map_text(a, "stderr").p, "oh\n");
    mw_value_free(a);
    a = sh(*state, "kill -9 $$", ",\"timeout\":20");
    assert_int_equal(mw_map_number(a, "signal", 0), 9);
    assert_null(mw_map_find(a, "code"));
    mw_value_free(a);
}

static void a_large_input_is_there_whole_and_need_not_be_read(void **state)
{
    struct world *w = *state;
    mw_value *arg = mw_value_from_json(
        mw_str_of("{\"command\":[\"sh\",\"-c\",\"wc -c; exit 0\"],\"timeout\":20}"), NULL);
    struct question q;
    char *large = mw_alloc(3 << 20);
    memset(large, 'x', 3 << 20);
    mw_map_set(arg, "stdin", mw_text_new((mw_str){large, 3 << 20}));
    mw_value *again = mw_value_copy(arg);
    ask_begin(&w->host, "exec", arg, &q);
    mw_value *a = ask_end(&q);
    assert_int_equal(atoi(mw_map_text(a, "stdout").p), 3 << 20);
    mw_value_free(a);
    mw_map_set(again, "command", mw_value_from_json(mw_str_of("[\"true\"]"), NULL));
    ask_begin(&w->host, "exec", again, &q);
    a = ask_end(&q);
    assert_int_equal(mw_map_number(a, "code", -1), 0);
    mw_value_free(a);
    mw_free(large);
}

static void what_it_says_is_bounded(void **state)
{
    mw_value *a = sh(*state, "yes | head -c 1000000; yes no | head -c 1000000 >&2; echo end >&2",
                     ",\"timeout\":60");
    assert_no_error(a);
    assert_int_equal(mw_map_text(a, "stdout").n, 64 << 10);
    assert_int_equal(mw_map_text(a, "stderr").n, 4 << 10);
    assert_non_null(strstr(mw_map_text(a, "stderr").p, "end\n"));
    mw_value_free(a);
}

static void it_has_three_descriptors_and_its_own_environment(void **state)
{
    int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    setenv("MW_TEST_SECRET", "s", 1);
    mw_value *a = sh(*state, "ls /proc/$$/fd; env", ",\"env\":{\"MINE\":\"yes\"},\"timeout\":20");
    close(fd);
    const char *said = mw_map_text(a, "stdout").p;
    assert_true(!strncmp(said, "0\n1\n2\n", 6));
    assert_null(strstr(said, "SECRET"));
    assert_non_null(strstr(said, "MINE=yes"));
    assert_non_null(strstr(said, "PATH="));
    for (const char *line = said; (line = strchr(line, '\n')); line++)
        assert_false(atoi(line + 1) > 9);
    mw_value_free(a);
}

static void it_is_killed_when_its_time_is_over_and_when_we_stop(void **state)
{
    struct world *w = *state;
    struct question q;
    assert_error(sh(w, "sleep 1000", ",\"timeout\":0.2"), "still running after 0.2 s");
    assert_error(sh(w, "sleep 1000 & sleep 1000", ",\"timeout\":0.2"), "still running");
    ask_begin(
        &w->host, "exec",
        mw_value_from_json(mw_str_of("{\"command\":[\"sleep\",\"1000\"],\"timeout\":200}"), NULL),
        &q);
    mw_net_stop(w->net);
    assert_error(ask_end(&q), "moonwatch is stopping");
    assert_error(sh(w, "true", ""), "stopping");
}

static void what_is_wrong_is_told(void **state)
{
    struct world *w = *state;
    const char *const wrong[][2] = {
        {"{}", "command must be a list"},
        {"{\"command\":[]}", "command must be a list"},
        {"{\"command\":[1]}", "argument 0"},
        {"{\"command\":[\"a\\u0000b\"]}", "argument 0"},
        {"{\"command\":[\"no-such-program\"]}", "there is no program"},
        {"{\"command\":[\"../../etc/passwd\"]}", "there is no program"},
        {"{\"command\":[\"/etc/passwd\"]}", "not in one of the folders"},
        {"{\"command\":[\"/usr/bin\"]}", ""},
        {"{\"command\":[\"true\"],\"env\":{\"A=B\":\"c\"}}", "variable 1"},
        {"{\"command\":[\"true\"],\"dir\":\"/no/such\"}", "cannot run true"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(ask(&w->host, "exec", "%s", wrong[i][0]), wrong[i][1]);
    struct world *none = world_of(NULL);
    assert_error(sh(none, "true", ""), "settings { programs");
    void *it = none;
    teardown(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_program_reads_says_and_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_input_is_there_whole_and_need_not_be_read, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_it_says_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(it_has_three_descriptors_and_its_own_environment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_is_killed_when_its_time_is_over_and_when_we_stop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
