/* test_cluster.c - promises of nodes that share through a real Redis.
 *
 * Several clusters live in this one process; what they would tell their actors is written down.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "../net/world.h"
#include "cluster/inside.h"

/* -- a Redis of our own ----------------------------------------------------------------------- */

struct redis {
    pid_t pid;
    int port;
    char url[64];
};

static void redis_run(struct redis *r)
{
    char port[16];
    snprintf(port, sizeof port, "%d", r->port);
    r->pid = start_program((const char *[]){"redis-server", "--port", port, "--bind", "127.0.0.1",
                                            "--save", "", NULL});
}

static int setup(void **state)
{
    struct redis *r = mw_zalloc(sizeof *r);
    r->port = free_port();
    snprintf(r->url, sizeof r->url, "redis://127.0.0.1:%d", r->port);
    redis_run(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    end_server(((struct redis *)*state)->pid);
    mw_free(*state);
    return 0;
}

/* -- a node ----------------------------------------------------------------------------------- */

struct node {
    mw_registry *registry;
    mw_host host;
    mw_cluster *cluster;
    pthread_mutex_t lock;
    bool held[MW_SLOTS], connected;
    uint64_t fence[MW_SLOTS];
    mw_value *shared; /* "kind id" -> value */
    mw_value *bundle; /* the newest message */
    int bundles, refuse;
};

static int hear(void *self, mw_value *m)
{
    struct node *n = self;
    pthread_mutex_lock(&n->lock);
    bool full = n->refuse > 0;
    mw_str type = mw_map_text(m, "type");
    if (full) {
        n->refuse--;
    } else if (mw_str_is(type, "lease")) {
        for (size_t i = 0; i < MW_SLOTS; i++) {
            if (!mw_str_is(mw_map_text(m, "slot"), mw_slot_names[i])) continue;
            n->held[i] = mw_map_bool(m, "held", false);
            n->fence[i] = (uint64_t)mw_map_number(m, "fence", 0);
        }
    } else if (mw_str_is(type, "shared")) {
        char *key = mw_sprintf("%s %s", mw_map_text(m, "kind").p, mw_map_text(m, "id").p);
        const mw_value *v = mw_map_find(m, "value");
        mw_map_set(n->shared, key, v ? mw_value_copy(v) : mw_bool_new(false));
        mw_free(key);
    } else if (mw_str_is(type, "cluster")) {
        n->connected = mw_map_bool(m, "connected", false);
    } else if (mw_str_is(type, "bundle")) {
        mw_value_free(n->bundle);
        n->bundle = mw_value_copy(m);
        n->bundles++;
    }
    pthread_mutex_unlock(&n->lock);
    mw_value_free(m);
    return full ? MW_EBUSY : MW_OK;
}

static struct node *node_new(const char *redis, const char *name)
{
    struct node *n = mw_zalloc(sizeof *n);
    mw_err err;
    mw_err_init(&err);
    pthread_mutex_init(&n->lock, NULL);
    n->registry = mw_registry_new(0);
    n->host.registry = n->registry;
    n->shared = mw_map_new();
    n->cluster = mw_cluster_new(
        &(mw_cluster_options){.redis = redis, .node = name, .url = "http://here"}, &n->host, &err);
    if (!n->cluster) fail_msg("%s", err.msg);
    mw_cluster_offer(n->cluster, &n->host);
    mw_cluster_start_with(n->cluster, (mw_receiver){hear, n}, (mw_receiver){NULL, NULL});
    return n;
}

static void node_free(struct node *n)
{
    mw_cluster_free(n->cluster);
    mw_registry_free(n->registry);
    mw_value_free(n->shared);
    mw_value_free(n->bundle);
    mw_free(n->host.ops);
    mw_free(n);
}

static int held(struct node *n)
{
    int count = 0;
    pthread_mutex_lock(&n->lock);
    for (size_t i = 0; i < MW_SLOTS; i++) count += n->held[i];
    pthread_mutex_unlock(&n->lock);
    return count;
}

static bool connected(struct node *n)
{
    pthread_mutex_lock(&n->lock);
    bool yes = n->connected;
    pthread_mutex_unlock(&n->lock);
    return yes;
}

/* The number that N was told for KEY; 0 when removed, -1 when never told. */
static double told(struct node *n, const char *key)
{
    pthread_mutex_lock(&n->lock);
    const mw_value *v = mw_map_find(n->shared, key);
    double number = !v ? -1 : v->type == MW_NUMBER ? v->number : 0;
    pthread_mutex_unlock(&n->lock);
    return number;
}

static double bundle_version(struct node *n)
{
    pthread_mutex_lock(&n->lock);
    double v = mw_map_number(n->bundle, "version", 0);
    pthread_mutex_unlock(&n->lock);
    return v;
}

static void put(struct node *n, const char *id, int v)
{
    mw_value *a =
        ask(&n->host, "cluster.put", "{\"kind\":\"k\",\"id\":\"%s\",\"value\":%d}", id, v);
    assert_no_error(a);
    mw_value_free(a);
}

/* The fencing token of a slot that N holds, or 0. */
static uint64_t fence_of(struct node *n, size_t slot)
{
    pthread_mutex_lock(&n->lock);
    uint64_t fence = n->held[slot] ? n->fence[slot] : 0;
    pthread_mutex_unlock(&n->lock);
    return fence;
}

/* Each slot is held by one of the two, and both have some. */
static bool shared_out(struct node *a, struct node *b)
{
    int both = 0;
    for (size_t i = 0; i < MW_SLOTS; i++) both += fence_of(a, i) && fence_of(b, i);
    return held(a) && held(b) && held(a) + held(b) == MW_SLOTS && !both;
}

/* -- promises --------------------------------------------------------------------------------- */

static void a_lone_node_answers_without_redis(void **state)
{
    struct node *n = node_new(NULL, "a");
    mw_value *a = ask(&n->host, "cluster.nodes", "{}");
    assert_false(mw_map_bool(a, "enabled", true));
    assert_string_equal(mw_map_text(a, "self").p, "a");
    mw_value_free(a);
    put(n, "x", 1);
    mw_value_free(ask(&n->host, "cluster.put", "{\"kind\":\"share\",\"id\":\"x\",\"value\":5}"));
    a = ask(&n->host, "cluster.get", "{\"kind\":\"share\",\"id\":\"x\"}");
    assert_true(mw_map_number(a, "value", 0) == 5);
    mw_value_free(a);
    assert_error(ask(&n->host, "cluster.push", "{\"files\":{\"a.lua\":\"\"}}"), "no Redis");
    mw_value_free(ask(&n->host, "cluster.incr", "{\"key\":\"hits\"}"));
    a = ask(&n->host, "cluster.incr", "{\"key\":\"hits\",\"by\":2.5}");
    assert_true(mw_map_number(a, "value", 0) == 3.5);
    mw_value_free(a);
    assert_int_equal(held(n), 0);
    node_free(n);
}

static void slots_are_shared_out_handed_over_and_given_back(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(held(a) == MW_SLOTS && connected(a));
    struct node *b = node_new(r->url, "b");
    EVENTUALLY(shared_out(a, b));
    for (size_t i = 0; i < MW_SLOTS; i++) assert_true(!fence_of(b, i) || fence_of(b, i) == 2);
    mw_value *seen = NULL;
    EVENTUALLY((mw_value_free(seen), seen = ask(&a->host, "cluster.nodes", "{}"),
                mw_map_find(seen, "leases")->map.n == MW_SLOTS));
    assert_true(mw_map_bool(seen, "connected", false));
    assert_int_equal(mw_map_find(seen, "nodes")->list.n, 2);
    mw_value_free(seen);
    node_free(b); /* gives its leases back */
    EVENTUALLY(held(a) == MW_SLOTS);
    node_free(a);
}

static void a_killed_node_is_taken_over_from_within_five_seconds(void **state)
{
    struct redis *r = *state;
    fflush(NULL);
    pid_t victim = fork();
    if (!victim) {
        node_new(r->url, "victim");
        for (;;) pause();
    }
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(connected(a) && held(a) > 0 && held(a) < MW_SLOTS);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    int64_t killed = mw_mono_ns();
    EVENTUALLY(held(a) == MW_SLOTS);
    print_message("taken over after %.2f s\n", (double)(mw_mono_ns() - killed) / 1e9);
    node_free(a);
}

static void values_reach_every_node_and_those_that_come_later(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a"), *b = node_new(r->url, "b");
    put(a, "early", 1); /* before anybody is connected */
    EVENTUALLY(told(a, "k early") == 1 && told(b, "k early") == 1);
    put(b, "late", 2);
    put(b, "late", 3);
    EVENTUALLY(told(a, "k late") == 3 && told(b, "k late") == 3);
    mw_value_free(ask(&a->host, "cluster.put", "{\"kind\":\"k\",\"id\":\"early\"}"));
    EVENTUALLY(told(b, "k early") == 0);
    struct node *c = node_new(r->url, "c");
    EVENTUALLY(told(c, "k late") == 3);
    assert_true(told(c, "k early") == -1);
    assert_error(ask(&a->host, "cluster.put", "{\"kind\":\"a\\nb\",\"id\":\"x\"}"), "line breaks");
    node_free(c);
    node_free(b);
    node_free(a);
}

static void a_write_with_an_old_fence_is_refused(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(connected(a) && held(a) == MW_SLOTS && fence_of(a, 3) == 1);
    const char *guarded =
        "{\"kind\":\"k\",\"id\":\"g\",\"value\":1,\"slot\":\"rules/3\",\"fence\":%d}";
    char arg[200];
    snprintf(arg, sizeof arg, guarded, 1);
    mw_value *answer = ask(&a->host, "cluster.put", "%s", arg);
    assert_no_error(answer);
    mw_value_free(answer);
    snprintf(arg, sizeof arg, guarded, 0);
    assert_error(ask(&a->host, "cluster.put", "%s", arg), "rules/3 has moved");
    node_free(a);
}

static void a_full_mailbox_delays_messages_and_loses_none(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(connected(a));
    pthread_mutex_lock(&a->lock);
    a->refuse = 5;
    pthread_mutex_unlock(&a->lock);
    put(a, "one", 1);
    put(a, "two", 2);
    EVENTUALLY(told(a, "k one") == 1 && told(a, "k two") == 2);
    node_free(a);
}

static void bundles_are_pushed_versioned_and_rolled_back(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a"), *b = node_new(r->url, "b");
    EVENTUALLY(connected(a) && connected(b));
    mw_value *one = ask(&a->host, "cluster.push",
                        "{\"files\":{\"b.lua\":\"two\",\"a.lua\":\"one\"},\"author\":\"me\"}");
    assert_no_error(one);
    EVENTUALLY(bundle_version(a) == 1 && bundle_version(b) == 1);
    pthread_mutex_lock(&b->lock);
    assert_string_equal(mw_map_text(mw_map_find(b->bundle, "files"), "a.lua").p, "one");
    pthread_mutex_unlock(&b->lock);
    mw_value *two = ask(&b->host, "cluster.push", "{\"files\":{\"a.lua\":\"other\"}}");
    EVENTUALLY(bundle_version(a) == 2 && bundle_version(b) == 2);
    mw_value *back = ask(&b->host, "cluster.rollback", "{\"version\":1}");
    assert_int_equal(mw_map_number(back, "version", 0), 3);
    assert_true(mw_str_eq(mw_map_text(back, "sha"), mw_map_text(one, "sha")));
    EVENTUALLY(bundle_version(a) == 3 && bundle_version(b) == 3);
    mw_value *versions = ask(&a->host, "cluster.versions", "{}");
    assert_int_equal(mw_map_find(versions, "versions")->list.n, 3);
    assert_int_equal(mw_map_number(versions, "current", 0), 3);
    assert_error(ask(&a->host, "cluster.rollback", "{\"version\":77}"), "no version 77");
    assert_error(ask(&a->host, "cluster.push", "{\"files\":{\"../x\":\"\"}}"), "no usable path");
    assert_error(ask(&a->host, "cluster.push", "{\"files\":{\"/x\":\"\"}}"), "no usable path");
    assert_error(ask(&a->host, "cluster.push", "{}"), "no files");
    struct node *c = node_new(r->url, "c");
    EVENTUALLY(bundle_version(c) == 3);
    mw_value_free(one);
    mw_value_free(two);
    mw_value_free(back);
    mw_value_free(versions);
    node_free(c);
    node_free(b);
    node_free(a);
}

static void a_node_that_never_saw_redis_works_alone_and_joins_later(void **state)
{
    struct redis *r = *state;
    end_server(r->pid);
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(held(a) == MW_SLOTS);
    assert_false(connected(a));
    put(a, "x", 7);
    assert_error(ask(&a->host, "cluster.versions", "{}"), "Redis is away");
    assert_error(ask(&a->host, "cluster.incr", "{\"key\":\"x\"}"), "Redis is away");
    redis_run(r);
    EVENTUALLY(connected(a) && told(a, "k x") == 7);
    struct node *b = node_new(r->url, "b");
    EVENTUALLY(shared_out(a, b) && told(b, "k x") == 7);
    node_free(b);
    node_free(a);
}

static void a_killed_redis_changes_nothing_and_gets_everything_back(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a"), *b = node_new(r->url, "b");
    EVENTUALLY(shared_out(a, b));
    put(a, "before", 1);
    mw_value_free(ask(&a->host, "cluster.push", "{\"files\":{\"a.lua\":\"one\"}}"));
    EVENTUALLY(told(b, "k before") == 1 && bundle_version(a) == 1 && bundle_version(b) == 1);
    end_server(r->pid);
    EVENTUALLY(!connected(a) && !connected(b));
    int of_a = held(a), of_b = held(b);
    put(a, "during", 2);
    assert_int_equal(of_a + of_b, MW_SLOTS);
    redis_run(r); /* empty: it kept nothing on disk */
    EVENTUALLY(connected(a) && connected(b));
    EVENTUALLY(told(b, "k during") == 2);
    mw_value *got = ask(&b->host, "cluster.get", "{\"kind\":\"k\",\"id\":\"during\"}");
    assert_true(mw_map_number(got, "value", 0) == 2);
    mw_value_free(got);
    EVENTUALLY(told(a, "k before") == 1 && told(b, "k before") == 1);
    EVENTUALLY(shared_out(a, b));
    struct node *c = node_new(r->url, "c");
    EVENTUALLY(told(c, "k before") == 1 && told(c, "k during") == 2 && bundle_version(c) == 1);
    pthread_mutex_lock(&a->lock);
    assert_int_equal(a->bundles, 1);
    pthread_mutex_unlock(&a->lock);
    node_free(c);
    node_free(b);
    node_free(a);
}

static void a_redis_that_stands_still_is_noticed_and_taken_back(void **state)
{
    struct redis *r = *state;
    struct node *a = node_new(r->url, "a");
    EVENTUALLY(held(a) == MW_SLOTS && connected(a));
    kill(r->pid, SIGSTOP);
    mw_value *queued = ask(&a->host, "cluster.put", "{\"kind\":\"k\",\"id\":\"s\",\"value\":5}");
    assert_no_error(queued);
    assert_true(mw_map_bool(queued, "queued", false));
    mw_value_free(queued);
    EVENTUALLY(!connected(a));
    assert_int_equal(held(a), MW_SLOTS);
    kill(r->pid, SIGCONT);
    EVENTUALLY(connected(a) && told(a, "k s") == 5);
    EVENTUALLY(held(a) == MW_SLOTS);
    node_free(a);
}

static void names_and_urls_that_cannot_work_are_refused(void **state)
{
    struct node n = {.registry = mw_registry_new(0)};
    n.host.registry = n.registry;
    static const mw_cluster_options bad[] = {{.redis = "http://x"},
                                             {.redis = "redis://h", .node = "a b"},
                                             {.redis = "redis://h", .cluster = "{}"},
                                             {.redis = "redis://h", .node = ""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mw_err err;
        mw_err_init(&err);
        assert_null(mw_cluster_new(&bad[i], &n.host, &err));
        assert_true(err.msg[0] != 0);
    }
    mw_registry_free(n.registry);
}

static void a_slot_moves_only_when_its_home_does(void **state)
{
    const char *three[] = {"a", "b", "c"}, *two[] = {"a", "c"};
    for (size_t i = 0; i < MW_SLOTS; i++) {
        const char *before = mw_slot_home(mw_slot_names[i], three, 3);
        const char *after = mw_slot_home(mw_slot_names[i], two, 2);
        if (strcmp(before, "b") != 0) assert_string_equal(before, after);
    }
}

static void leases_are_wanted_by_rule(void **state)
{
    mw_lease mine = {.held = true}, taken = {0}, free_ = {.free_since_ms = 1000};
    assert_int_equal(mw_lease_want(&mine, true, false, 0, 3000), MW_TAKE);
    assert_int_equal(mw_lease_want(&mine, false, false, 0, 3000), MW_LEAVE);
    assert_int_equal(mw_lease_want(&mine, false, true, 0, 3000), MW_TAKE);
    assert_int_equal(mw_lease_want(&taken, true, true, 0, 3000), MW_LOOK);
    assert_int_equal(mw_lease_want(&taken, false, false, 9000, 3000), MW_LOOK);
    assert_int_equal(mw_lease_want(&free_, false, false, 2000, 3000), MW_LOOK);
    assert_int_equal(mw_lease_want(&free_, false, false, 2500, 3000), MW_TAKE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_node_answers_without_redis),
        T(slots_are_shared_out_handed_over_and_given_back),
        T(a_killed_node_is_taken_over_from_within_five_seconds),
        T(values_reach_every_node_and_those_that_come_later),
        T(a_write_with_an_old_fence_is_refused),
        T(a_full_mailbox_delays_messages_and_loses_none),
        T(bundles_are_pushed_versioned_and_rolled_back),
        T(a_node_that_never_saw_redis_works_alone_and_joins_later),
        T(a_killed_redis_changes_nothing_and_gets_everything_back),
        T(a_redis_that_stands_still_is_noticed_and_taken_back),
        cmocka_unit_test(names_and_urls_that_cannot_work_are_refused),
        cmocka_unit_test(a_slot_moves_only_when_its_home_does),
        cmocka_unit_test(leases_are_wanted_by_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
