/* test_pipeline.c - what pipelines make of records and spans.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "ingest/pipeline.h"
#include "mutate.h"

enum { ALL = (1 << MW_PII_KINDS) - 1 };

static mw_str dup(const char *text) { return (mw_str){mw_strdup(text), strlen(text)}; }

static void add(mw_names *names, const char *name)
{
    mw_str *more = mw_array(names->n + 1, sizeof *more);
    if (names->n) memcpy(more, names->name, names->n * sizeof *more);
    more[names->n++] = dup(name);
    mw_free(names->name);
    names->name = more;
}

static mw_condition *condition(const char *name, mw_match_op op, const char *value)
{
    mw_condition *c = mw_array(1, sizeof *c);
    c->matcher = mw_array(1, sizeof *c->matcher);
    c->n = 1;
    assert_int_equal(mw_matcher_init(&c->matcher[0], op, mw_str_of(name), mw_str_of(value), NULL),
                     MW_OK);
    return c;
}

/* One pipeline that is about everything and does nothing yet. */
static mw_pipes *one(mw_pipe **p)
{
    mw_pipes *set = mw_pipes_new(1);
    *p = &set->pipe[0];
    (*p)->name = mw_strdup("p");
    (*p)->logs = (*p)->spans = true;
    (*p)->with = dup("***");
    return set;
}

/* -- records -------------------------------------------------------------------------------- */

static const mw_attr fields[] = {
    {.key = {"user.email", 10}, .s = {"x", 1}},
    {.key = {"n", 1}, .type = MW_ATTR_INT, .i = 4111111111111111},
    {.key = {"k", 1}, .type = MW_ATTR_INT, .i = 4111111111111112},
    {.key = {"ip", 2}, .s = {"at 10.1.2.3", 11}},
    {.key = {"deep", 4}, .type = MW_ATTR_JSON, .s = {"{\"a\":[\"b@c.de\",4111111111111111]}", 33}},
    {.key = {"password", 8}, .type = MW_ATTR_DOUBLE, .d = 1.5},
};

/* What SET makes of MESSAGE with these fields; NULL: dropped. */
static char *record(mw_pipes *set, const char *message, size_t n_fields)
{
    static mw_buf out;
    mw_label l[] = {{MW_STR("service"), MW_STR("api")}, {MW_STR("owner"), MW_STR("bob@corp.io")}};
    mw_labels *stream = mw_labels_new(l, 2, NULL);
    mw_log_record r = {.level = MW_INFO,
                       .stream = stream,
                       .message = mw_str_of(message),
                       .fields = fields,
                       .n_fields = n_fields};
    mw_arena *a = mw_arena_new(0);
    mw_passed how = mw_pipes_log(set, &r, a);
    mw_buf_reset(&out);
    if (how == MW_PASS) {
        mw_buf_text(&out, "");
        mw_buf_str(&out, r.message);
        mw_buf_text(&out, n_fields ? " | " : "");
        if (n_fields) mw_attrs_json(r.fields, r.n_fields, &out);
        if (n_fields) mw_labels_text(r.stream, &out);
    }
    mw_arena_free(a);
    mw_free(stream);
    return how == MW_PASS ? out.p : NULL;
}

static void patterns_and_fields_are_replaced_wherever_they_are(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    add(&p->fields, "email");
    add(&p->fields, "PASSWORD");
    assert_string_equal(
        record(set, "mail a@b.io", 6),
        "mail *** | {\"user.email\":\"***\",\"n\":\"***\",\"k\":4111111111111112,\"ip\":\"at ***\","
        "\"deep\":{\"a\":[\"***\",\"***\"]},\"password\":\"***\"}{owner=\"***\", service=\"api\"}");
    mw_pipes_release(set);
}

static void names_are_found_in_json_and_in_words(void **state)
{
    static const char *const rows[][2] = {
        {"{\"user\":{\"email\":\"x\\\"y\",\"id\":1}}", "{\"user\":{\"email\":\"***\",\"id\":1}}"},
        {"{\"email\" : {\"a\":[1,\"}\"]}, \"b\":2}", "{\"email\" : \"***\", \"b\":2}"},
        {"{\"email\":null,\"x_email\":1,\"em\":{\"email\":true}}",
         "{\"email\":\"***\",\"x_email\":1,\"em\":{\"email\":\"***\"}}"},
        {"[{\"http\":{\"header\":{\"cookie\":1,\"x\":[2]}}}]",
         "[{\"http\":{\"header\":{\"cookie\":\"***\",\"x\":\"***\"}}}]"},
        {"level=info email=ana user.email=\"a \\\" b\" n=1",
         "level=info email=*** user.email=\"***\" n=1"},
        {"email= x=1 myemail=2", "email=*** x=1 myemail=2"},
        {"email", "email"},
        {"{\"email\":\"", "{\"email\":\"***"},
        {"{\"n\":1,\"email\":\"cut o", "{\"n\":1,\"email\":\"***"},
        {"12:30 INFO {\"a\":{\"email\":\"x\"}} done",
         "12:30 INFO {\"a\":{\"email\":\"***\"}} done"},
        {"{'email': 'a b', 'n': 1}", "{'email': '***', 'n': 1}"},
        {"{email: a, n: 1} map[email:a n:1]", "{email: ***, n: 1} map[email:***]"},
        {"email: a b, n: 1", "email: ***, n: 1"},
        {"email = a n = 1", "email = *** n = 1"},
        {"User(email='a \\' b', n=1)", "User(email='***', n=1)"},
        {"email::send http://email/x", "email::send http://email/x"},
        {"\033[36memail\033[0m=a n=1 \033[36memail=\033[0mb",
         "\033[36memail\033[0m=*** n=1 \033[36memail=\033[0m***"},
        {"{\"m\":\"got email=x from y\"}", "{\"m\":\"got email=*** from y\"}"},
        {"{\"em\\u0061il\":\"x\"}", "{\"em\\u0061il\":\"***\"}"},
        {"{\"m\":\"{\\\"email\\\":\\\"x\\\"}\"}", "{\"m\":\"{\\\"email\\\":\\\"***\\\"}\"}"},
        {"{\"m\":{\"http_header-x\":1}}", "{\"m\":{\"http_header-x\":\"***\"}}"},
        {"{\"a\":1} email=x {\"b\":2}", "{\"a\":1} email=*** {\"b\":2}"},
    };
    mw_pipe *p;
    mw_pipes *set = one(&p);
    add(&p->fields, "email");
    add(&p->fields, "http.header.*");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(record(set, rows[i][0], 0), rows[i][1]);
    mw_pipes_release(set);
}

static void json_stays_json_and_nobody_hides_behind_its_escapes(void **state)
{
    static const char *const rows[][2] = {
        {"{\"m\":\"Hello\\nana@b.io\"}", "{\"m\":\"Hello\\n***\"}"},
        {"{\"from\":\"Ana \\u003cana@b.io\\u003e\"}", "{\"from\":\"Ana <***>\"}"},
        {"{\"from\":\"ana\\u0040b.io\",\"x\":\"\\ud83d\\ude00\"}",
         "{\"from\":\"***\",\"x\":\"\\ud83d\\ude00\"}"},
        {"{\"m\":\"\\ud83d\\ude00 ana@b.io\"}", "{\"m\":\"\xf0\x9f\x98\x80 ***\"}"},
        {"{\"ana@b.io\":{\"a\\nc@d.io\":1}}", "{\"***\":{\"a\\n***\":1}}"},
        {"{\"token\":\"x\",\"db_password\":\"y\",\"tokens\":\"z\",\"auth\":3}",
         "{\"token\":\"***\",\"db_password\":\"***\",\"tokens\":\"z\",\"auth\":3}"},
        {"{\"n\":4111111111111111,\"k\":\"EMP-1\",\"l\":EMP-2}",
         "{\"n\":\"***\",\"k\":\"***\",\"l\":\"***\"}"},
        {"{\"m\":\"EMP\\u002d12\"}", "{\"m\":\"***\"}"},
        {"{\"a\" b\":[x}ana@b.io]\"}", "{\"a\" b\":[***]\"}"},
    };
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    p->regex = mw_array(1, sizeof(mw_regex *));
    p->regex[p->n_regex++] = mw_regex_new_search(MW_STR("EMP-[0-9]+"), NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(record(set, rows[i][0], 0), rows[i][1]);
    mw_free((char *)p->with.p);
    p->with = dup("\"x\"");
    assert_string_equal(record(set, "{\"m\":\"ana@b.io\"}", 0), "{\"m\":\"\\\"x\\\"\"}");
    mw_pipes_release(set);
}

static void members_are_found_however_deep_they_are(void **state)
{
    enum { DEEP = 90, LONG = 300 };
    mw_pipe *p;
    mw_pipes *set = one(&p);
    mw_buf in = {0}, out = {0};
    add(&p->fields, "user.email");
    for (int i = 0; i < DEEP; i++) mw_buf_text(&in, i == 3 ? "{\"x\":{\"" : "{\"x\":");
    for (int i = 0; i < LONG; i++) mw_buf_byte(&in, 'y');
    mw_buf_text(&in, "\":1},\"user\":{\"email\":\"");
    mw_buf_str(&out, (mw_str){in.p, in.n});
    mw_buf_text(&in, "secret\"}}");
    mw_buf_text(&out, "***\"}}");
    assert_string_equal(record(set, in.p, 0), out.p);
    mw_buf_deinit(&in);
    mw_buf_deinit(&out);
    mw_pipes_release(set);
}

static void what_cannot_be_looked_through_is_not_kept(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->regex = mw_array(1, sizeof(mw_regex *));
    p->regex[p->n_regex++] = mw_regex_new_search(MW_STR("(a+)+b"), NULL);
    assert_string_equal(record(set, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa c ab", 0), "***");
    mw_pipes_release(set);
}

static void names_of_fields_have_people_in_them_too(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    add(&p->fields, "user.email");
    mw_attr attrs[] = {
        {.key = MW_STR("ana@b.io"), .type = MW_ATTR_INT, .i = 1},
        {.key = MW_STR("user"), .type = MW_ATTR_JSON, .s = MW_STR("{\"email\":\"x\"}")},
        {.key = MW_STR("user_email"), .s = MW_STR("x")},
        {.key = MW_STR("card"), .type = MW_ATTR_DOUBLE, .d = 4111111111111111},
        {.key = MW_STR("client_secret"), .s = MW_STR("x")},
        {.key = MW_STR("list"), .type = MW_ATTR_JSON, .s = MW_STR("[\"a\\nb@c.io\"]")},
    };
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    mw_log_record r = {.message = MW_STR(""), .stream = none, .fields = attrs, .n_fields = 6};
    mw_arena *a = mw_arena_new(0);
    mw_buf out = {0};
    assert_int_equal(mw_pipes_log(set, &r, a), MW_PASS);
    mw_attrs_json(r.fields, r.n_fields, &out);
    assert_string_equal(out.p,
                        "{\"***\":1,\"user\":{\"email\":\"***\"},\"user_email\":\"***\","
                        "\"card\":\"***\",\"client_secret\":\"***\",\"list\":[\"a\\n***\"]}");
    mw_buf_deinit(&out);
    mw_arena_free(a);
    mw_free(none);
    mw_pipes_release(set);
}

static void a_text_in_which_nothing_is_found_is_not_copied(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    add(&p->fields, "email");
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    mw_log_record r = {.message = MW_STR("nothing of the kind"), .stream = none};
    const char *before = r.message.p;
    mw_arena *a = mw_arena_new(0);
    assert_int_equal(mw_pipes_log(set, &r, a), MW_PASS);
    assert_ptr_equal(r.message.p, before);
    mw_arena_free(a);
    mw_free(none);
    mw_pipes_release(set);
}

static void a_hash_is_the_same_for_the_same_value_and_says_nothing_without_its_salt(void **state)
{
    mw_pipe *p;
    char first[80], other[80];
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    p->hash = mw_hmac_new(MW_STR("salt"));
    strcpy(first, record(set, "a@b.io", 0));
    assert_memory_equal(first, "email:", 6);
    assert_int_equal(strlen(first), 6 + 16);
    assert_string_equal(record(set, "a@b.io", 0), first);
    strcpy(other, record(set, "c@b.io", 0));
    assert_string_not_equal(other, first);
    mw_hmac_free(p->hash);
    p->hash = mw_hmac_new(MW_STR("other"));
    assert_string_not_equal(record(set, "a@b.io", 0), first);
    mw_pipes_release(set);
}

static void regular_expressions_find_what_is_ones_own(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->regex = mw_array(1, sizeof(mw_regex *));
    p->regex[p->n_regex++] = mw_regex_new_search(MW_STR("EMP-[0-9]+"), NULL);
    assert_string_equal(record(set, "EMP-12 and EMP-7, EMP-", 0), "*** and ***, EMP-");
    mw_pipes_release(set);
}

static void records_are_dropped_by_what_they_say(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->drop = condition("message", MW_MATCH_RE, "GET /health.*");
    p->n_drop = 1;
    assert_null(record(set, "GET /healthz", 0));
    assert_non_null(record(set, "GET /x", 0));
    p->match = condition("user_email", MW_MATCH_EQ, "x");
    p->n_match = 1;
    assert_non_null(record(set, "GET /healthz", 0));
    assert_null(record(set, "GET /healthz", 1));
    mw_pipes_release(set);
}

static void fields_are_removed_renamed_and_set(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    add(&p->remove, "deep");
    add(&p->remove, "pass*");
    add(&p->renamed, "ip");
    add(&p->rename, "client");
    add(&p->set, "env");
    add(&p->values, "prod");
    add(&p->set, "k");
    add(&p->values, "v");
    assert_string_equal(record(set, "m", 6),
                        "m | {\"user.email\":\"x\",\"n\":4111111111111111,\"k\":\"v\","
                        "\"client\":\"at 10.1.2.3\",\"env\":\"prod\"}"
                        "{owner=\"bob@corp.io\", service=\"api\"}");
    mw_pipes_release(set);
}

static void no_record_is_kept_as_it_came_when_there_is_no_room(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    enum { MANY = 100000 };
    char *text = mw_alloc(MANY + 1);
    for (size_t i = 0; i < MANY; i++) text[i] = "a@b.io "[i % 7];
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    mw_log_record r = {.message = {text, MANY}, .stream = none};
    mw_arena *small = mw_arena_new(20000);
    assert_int_equal(mw_pipes_log(set, &r, small), MW_PASS_FULL);
    mw_arena_free(small);
    mw_free(none);
    mw_free(text);
    mw_pipes_release(set);
}

static void damaged_texts_are_walked_without_harm(void **state)
{
    static const char seed[] =
        "{\"email\":{\"a\":[1,\"b@c.de\"]},\"http\":{\"header\":{\"x\":2}},\"n\":4111111111111111} "
        "email=\"x\\\" y\" token=abc";
    mutator m = {11};
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    add(&p->fields, "email");
    add(&p->fields, "http.header.*");
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bytes = mutate(&m, seed, sizeof seed - 1, &n);
        mw_arena *a = mw_arena_new(0);
        mw_log_record r = {.message = {bytes, n}, .stream = none};
        assert_int_equal(mw_pipes_log(set, &r, a), MW_PASS);
        mw_attr attr = {.key = MW_STR("x"), .type = MW_ATTR_JSON, .s = {bytes, n}};
        r = (mw_log_record){.message = MW_STR("m"), .stream = none, .fields = &attr, .n_fields = 1};
        assert_int_equal(mw_pipes_log(set, &r, a), MW_PASS);
        mw_arena_free(a);
        free(bytes);
    }
    mw_free(none);
    mw_pipes_release(set);
}

/* -- spans ---------------------------------------------------------------------------------- */

static void spans_are_redacted_in_all_their_parts(void **state)
{
    mw_pipe *p;
    mw_pipes *set = one(&p);
    p->kinds = ALL;
    add(&p->fields, "email");
    mw_attr attr = {.key = MW_STR("x"), .s = MW_STR("a@b.io")};
    mw_attr named = {.key = MW_STR("user.email"), .s = MW_STR("q")};
    mw_span_event event = {.name = MW_STR("c@d.io"), .attrs = &attr, .n_attrs = 1};
    mw_span_link link = {.attrs = &attr, .n_attrs = 1};
    mw_span s = {.name = MW_STR("GET /u/a@b.io"),
                 .service = MW_STR("api"),
                 .status_message = MW_STR("no a@b.io"),
                 .attrs = &named,
                 .n_attrs = 1,
                 .resource = &attr,
                 .n_resource = 1,
                 .events = &event,
                 .n_events = 1,
                 .links = &link,
                 .n_links = 1};
    mw_arena *a = mw_arena_new(0);
    assert_int_equal(mw_pipes_span(set, &s, a), MW_PASS);
    assert_true(mw_str_is(s.name, "GET /u/***") && mw_str_is(s.service, "api"));
    assert_true(mw_str_is(s.status_message, "no ***") && mw_str_is(s.attrs[0].s, "***"));
    assert_true(mw_str_is(s.resource[0].s, "***") && mw_str_is(s.events[0].name, "***"));
    assert_true(mw_str_is(s.events[0].attrs[0].s, "***") &&
                mw_str_is(s.links[0].attrs[0].s, "***"));
    assert_true(mw_str_is(attr.s, "a@b.io") && mw_str_is(named.s, "q"));
    add(&p->remove, "x");
    assert_int_equal(mw_pipes_span(set, &s, a), MW_PASS);
    assert_true(!s.n_resource && !s.events[0].n_attrs && !s.links[0].n_attrs && s.n_attrs == 1);
    p->drop = condition("status", MW_MATCH_EQ, "unset");
    p->n_drop = 1;
    assert_int_equal(mw_pipes_span(set, &s, a), MW_PASS_DROP);
    p->spans = false;
    assert_int_equal(mw_pipes_span(set, &s, a), MW_PASS);
    mw_arena_free(a);
    mw_pipes_release(set);
}

static void another_set_takes_the_place_of_one_in_use(void **state)
{
    mw_pipe *p;
    mw_pipe_slot *slot = mw_pipe_slot_new(NULL);
    assert_null(mw_pipe_slot_hold(slot));
    mw_pipe_slot_put(slot, one(&p));
    const mw_pipes *held = mw_pipe_slot_hold(slot);
    mw_pipe_slot_put(slot, NULL);
    assert_int_equal(held->n, 1);
    mw_pipe_slot_leave(slot, held);
    mw_pipe_slot_free(slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_and_fields_are_replaced_wherever_they_are),
        cmocka_unit_test(names_are_found_in_json_and_in_words),
        cmocka_unit_test(json_stays_json_and_nobody_hides_behind_its_escapes),
        cmocka_unit_test(members_are_found_however_deep_they_are),
        cmocka_unit_test(what_cannot_be_looked_through_is_not_kept),
        cmocka_unit_test(names_of_fields_have_people_in_them_too),
        cmocka_unit_test(a_text_in_which_nothing_is_found_is_not_copied),
        cmocka_unit_test(a_hash_is_the_same_for_the_same_value_and_says_nothing_without_its_salt),
        cmocka_unit_test(regular_expressions_find_what_is_ones_own),
        cmocka_unit_test(records_are_dropped_by_what_they_say),
        cmocka_unit_test(fields_are_removed_renamed_and_set),
        cmocka_unit_test(no_record_is_kept_as_it_came_when_there_is_no_room),
        cmocka_unit_test(damaged_texts_are_walked_without_harm),
        cmocka_unit_test(spans_are_redacted_in_all_their_parts),
        cmocka_unit_test(another_set_takes_the_place_of_one_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
