/* guest.c - opening one file: state, environment, compiling, running its declarations.
 *
 * Everything that touches the guest's state runs inside lua_cpcall, because an allocation beyond
 * the cap would otherwise end the process.  What C allocates meanwhile hangs from the guest, so a
 * jump out of the middle loses nothing.
 * SPDX-License-Identifier: MIT */
#include "script/guest.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "script/guest_inside.h"
#include "script/guest_lib.h"
#include "script/table_size.h"

const mw_cross_limits mw_guest_limits = {
    .depth = MW_GUEST_DEPTH, .items = 200000, .bytes = 8u << 20, .guest = true};

mw_guest *mw_guest_of(lua_State *L) { return (mw_guest *)mw_sandbox_of(L); }
const mw_value *mw_guest_declarations(const mw_guest *g) { return g->declarations; }

bool mw_word_shape_parse(mw_str name, mw_word_shape *out)
{
    static const char *const names[] = {"named", "table", "text", "call"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (mw_str_is(name, names[i])) return *out = (mw_word_shape)i, true;
    return false;
}

/* -- problems -------------------------------------------------------------------------------- */

void mw_guest_problem(mw_guest *g, const char *file, int line, int col, const char *fmt, ...)
{
    char text[512];
    if (g->problems->list.n >= MW_GUEST_PROBLEMS) return; /* nobody reads more */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mw_value *p = mw_map_new();
    mw_map_set_number(p, "line", line > 0 ? line : 1);
    mw_map_set_number(p, "col", col > 0 ? col : 1);
    mw_map_set_text(p, "message", text);
    if (file && strcmp(file, g->name)) mw_map_set_text(p, "file", file);
    mw_list_add(g->problems, p);
}

/* Where WORD stands by itself in line LINE of TEXT, the first or the LAST time; 1 when nowhere. */
static int column_of(const char *text, int line, const char *word, size_t n, bool last)
{
    for (; line > 1 && (text = strchr(text, '\n')); line--) text++;
    if (!text || !n) return 1;
    int col = 0;
    size_t len = strcspn(text, "\n");
    bool name = isalnum((unsigned char)*word) || *word == '_';
    for (size_t i = 0; i + n <= len && (last || !col); i++) {
        if (memcmp(text + i, word, n)) continue;
        bool before = i && (isalnum((unsigned char)text[i - 1]) || strchr("_.:\"'", text[i - 1]));
        bool after = i + n < len && (isalnum((unsigned char)text[i + n]) || text[i + n] == '_');
        if (!name || (!before && !after)) col = (int)i + 1;
    }
    return col ? col : 1;
}

/* "name:12: message" -> 12 and the message.  Lua cuts long names at the front. */
static const char *split_place(const char *msg, int *line)
{
    *line = 0;
    for (const char *at = strchr(msg, ':'); at; at = strchr(at + 1, ':')) {
        char *end;
        long n = strtol(at + 1, &end, 10);
        if (end == at + 1 || *end != ':') continue;
        *line = (int)n;
        return end[1] == ' ' ? end + 2 : end + 1;
    }
    return msg;
}

static bool is_chunk_name(const char *name, const char *msg)
{
    if (!strncmp(msg, "...", 3)) {
        const char *colon = strchr(msg, ':');
        size_t n = colon ? (size_t)(colon - msg) - 3 : 0, have = strlen(name);
        return colon && have >= n && !strncmp(name + have - n, msg + 3, n);
    }
    size_t n = strlen(name);
    return !strncmp(msg, name, n) && msg[n] == ':';
}

/* The problem that Lua's error message MSG names. */
static void problem_lua(mw_guest *g, const char *msg)
{
    int line;
    const char *what = split_place(msg, &line);
    const char *near = strstr(what, " near '");
    bool own = is_chunk_name(g->name, msg);
    int col = 0;
    if (near && own) col = column_of(g->source, line, near + 7, strcspn(near + 7, "'"), true);
    if (own || !line) {
        mw_guest_problem(g, NULL, line, col, "%s", what);
        return;
    }
    char *file = mw_strndup(msg, strcspn(msg, ":"));
    if (g->error_line)
        mw_guest_problem(g, file, line, 0, "%s (called from %s:%d)", what, g->name, g->error_line);
    else
        mw_guest_problem(g, file, line, 0, "%s", what);
    mw_free(file);
}

/* -- compiling ------------------------------------------------------------------------------- */

typedef struct check {
    mw_guest *g;
    lua_State *L;
    const char *file, *text;
    const char **names;
    size_t n_names;
    int env, missing; /* on the stack: what there is, and a set of what there is not */
    bool bad;
} check;

/* Stands for an unknown word, so that what stands behind it is checked too: word "name" { ... } */
static int unknown_word(lua_State *L)
{
    lua_pushcfunction(L, unknown_word);
    return 1;
}

static void check_global(void *arg, const char *name, bool assigned, int line)
{
    check *c = arg;
    if (c->g->problems->list.n >= MW_GUEST_PROBLEMS) return; /* finding columns takes time */
    int col = column_of(c->text, line, name, strlen(name), false);
    if (assigned) {
        c->bad = true;
        mw_guest_problem(c->g, c->file, line, col,
                         "global \"%.64s\" is assigned: write local %.64s = ...", name, name);
        return;
    }
    lua_pushstring(c->L, name);
    lua_rawget(c->L, c->env);
    bool known = !lua_isnil(c->L, -1);
    lua_pop(c->L, 1);
    if (known) return;
    c->bad = true;
    lua_pushstring(c->L, name);
    lua_pushcfunction(c->L, unknown_word);
    lua_rawset(c->L, c->missing);
    const char *near = mw_nearest(name, c->names, c->n_names);
    if (near)
        mw_guest_problem(c->g, c->file, line, col, "unknown word \"%.64s\" (did you mean \"%s\"?)",
                         name, near);
    else
        mw_guest_problem(c->g, c->file, line, col, "unknown word \"%.64s\"", name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Leaves a new environment on the stack. */
static int push_environment(lua_State *L)
{
    lua_newtable(L);
    int env = lua_gettop(L);
    lua_getfield(L, LUA_REGISTRYINDEX, MW_GUEST_LIB);
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, env);
    }
    lua_pop(L, 1);
    mw_guest_words_open(L, env);
    return env;
}

bool mw_guest_compile(lua_State *L, const char *name, mw_str text)
{
    mw_guest *g = mw_guest_of(L);
    if (text.n > MW_GUEST_SOURCE) {
        mw_guest_problem(g, name, 1, 1, "larger than %d KB: split it", MW_GUEST_SOURCE >> 10);
        return false;
    }
    lua_pushfstring(L, "@%s", name);
    if (luaL_loadbufferx(L, text.p, text.n, lua_tostring(L, -1), "t")) {
        const char *msg = lua_tostring(L, -1);
        problem_lua(g, msg ? msg : "cannot be compiled");
        return false;
    }
    lua_remove(L, -2);
    check c = {.g = g, .L = L, .file = name, .text = text.p};
    c.env = push_environment(L);
    size_t room = mw_guest_names_max(g);
    for (lua_pushnil(L); lua_next(L, c.env); lua_pop(L, 1)) room++;
    c.names = lua_newuserdata(L, room * sizeof *c.names);
    c.n_names =
        mw_guest_names(g, c.names); /* words first: of two that are as near, the first wins */
    size_t n_words = c.n_names;
    for (lua_pushnil(L); lua_next(L, c.env); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING) c.names[c.n_names++] = lua_tostring(L, -2);
    qsort(c.names + n_words, c.n_names - n_words, sizeof *c.names, compare_names);
    lua_newtable(L);
    c.missing = lua_gettop(L);
    lua_pushvalue(L, -4);
    if (!mw_globals_each(L, check_global, &c) && !c.bad)
        mw_guest_problem(g, name, 1, 1, "cannot be checked for unknown words"), c.bad = true;
    for (lua_pushnil(L); lua_next(L, c.missing);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, c.env);
    }
    lua_pop(L, 3);
    lua_setfenv(L, -2);
    return !c.bad;
}

/* -- opening --------------------------------------------------------------------------------- */

static void new_registry_table(lua_State *L, const char *name)
{
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
}

/* The message handler of run_file: who called the module that failed? */
static int note_caller(lua_State *L)
{
    const char *in;
    int in_line, line = mw_guest_own_line(L, &in, &in_line);
    if (in) mw_guest_of(L)->error_line = line;
    return 1;
}

static int run_file(lua_State *L)
{
    mw_guest *g = mw_guest_of(L);
    g->box.sees_places = mw_table_known(L);
    mw_guest_lib_open(L);
    mw_guest_texts_open(L, lua_gettop(L));
    mw_guest_regex_open(L, lua_gettop(L));
    lua_setfield(L, LUA_REGISTRYINDEX, MW_GUEST_LIB);
    new_registry_table(L, MW_GUEST_FNS);
    new_registry_table(L, MW_GUEST_FN_IDS);
    new_registry_table(L, MW_GUEST_MODULES);
    mw_ctx_open(L);
    lua_pushcfunction(L, note_caller);
    int handler = lua_gettop(L);
    bool good = mw_guest_compile(L, g->name, mw_str_of(g->source));
    if (!good && (lua_gettop(L) != handler + 1 || !lua_isfunction(L, -1))) return 0;
    int rc = lua_pcall(L, 0, 0, handler); /* also with unknown words, for what it declares */
    g->no_memory = rc == LUA_ERRMEM;
    return rc && good ? lua_error(L) : 0;
}

static const char *text_of_error(lua_State *L)
{
    const char *msg = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    return msg ? msg : "failed with an error that is no text";
}

static void load(mw_guest *g)
{
    mw_watch **watch = &g->face->lua->watch;
    mw_sandbox_arm(&g->box, g->box.budget.instructions, g->box.budget.cpu, false, watch);
    int rc = lua_cpcall(g->box.L, run_file, NULL);
    mw_sandbox_disarm(&g->box, *watch);
    char text[MW_TRIP_TEXT];
    if (g->box.tripped)
        mw_guest_problem(g, NULL, 0, 0, "%s", mw_trip_text(&g->box, text));
    else if (rc == LUA_ERRMEM || g->no_memory)
        mw_guest_problem(g, NULL, 0, 0, "does not fit its %zu bytes of memory",
                         g->box.budget.memory);
    else if (rc && g->problems->list.n == 0)
        problem_lua(g, text_of_error(g->box.L));
    else if (!rc)
        mw_guest_unfinished(g);
    lua_settop(g->box.L, 0);
}

mw_guest *mw_guest_open(const mw_guest_options *o, mw_value **problems)
{
    mw_guest *g = mw_zalloc(sizeof *g);
    g->face = o->face;
    g->name = mw_strndup(o->name.p, o->name.n);
    g->words = o->words;
    g->kinds = o->kinds;
    g->n_words = o->n_words;
    g->n_kinds = o->n_kinds;
    g->env = o->env ? mw_strdup(o->env) : NULL;
    g->module = o->module;
    g->module_arg = o->module_arg;
    mw_buf_init(&g->module_source);
    mw_buf_init(&g->module_path);
    g->declarations = mw_list_new();
    g->problems = mw_list_new();
    g->unfinished = mw_list_new();
    g->left = MW_GUEST_KEPT;
    if (o->source.n > MW_GUEST_SOURCE || memchr(o->source.p, 0, o->source.n)) {
        g->source = mw_strdup("");
        mw_guest_problem(g, NULL, 1, 1,
                         o->source.n > MW_GUEST_SOURCE ? "larger than %d KB: split it"
                                                       : "not a text file%.0d",
                         MW_GUEST_SOURCE >> 10);
    } else {
        g->source = mw_strndup(o->source.p, o->source.n);
        if (mw_sandbox_init(&g->box, &o->budget) != MW_OK)
            mw_guest_problem(g, NULL, 1, 1, "no memory for a Lua state");
        else
            load(g);
    }
    if (g->problems->list.n == 0) return g;
    *problems = g->problems;
    g->problems = NULL;
    if (o->declared) {
        *o->declared = g->declarations;
        g->declarations = NULL;
    }
    mw_guest_close(g, true);
    return NULL;
}
