/* host_line.c - a line from a person at a terminal, with editing, history and completion (libedit).
 *
 * Only in the command line's state.  Lua decides what TAB gives; it is called in the middle of a
 * line, protected, and what it raises is shown as the list of choices.
 * SPDX-License-Identifier: MIT */
#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "script/state.h"

/* libedit never frees the names and helps of functions that were added. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LIBRARY_LEAKS(call) (__lsan_disable(), (call), __lsan_enable())
#else
#define LIBRARY_LEAKS(call) ((void)(call))
#endif

#define EDITOR_TYPE "moonwatch.editor"

enum { HISTORY = 1000, HISTORY_MOST = 100000, LINE_MOST = 1 << 20 };

typedef struct editor {
    EditLine *el;
    History *history;
    lua_State *L;
    int complete_ref;
    char *file, *prompt;
    bool interrupted;
} editor;

static editor *check_editor(lua_State *L)
{
    editor *e = luaL_checkudata(L, 1, EDITOR_TYPE);
    if (!e->el) luaL_error(L, "this editor was closed");
    return e;
}

static editor *editor_of(EditLine *el)
{
    void *data = NULL;
    el_get(el, EL_CLIENTDATA, &data);
    return data;
}

/* -- what libedit calls ---------------------------------------------------------------------- */

static char *prompt_of(EditLine *el) { return editor_of(el)->prompt; }

static unsigned char on_interrupt(EditLine *el, int ch)
{
    editor_of(el)->interrupted = true;
    return CC_NEWLINE;
}

/* complete(text before the cursor) -> what to insert, what to show */
static unsigned char on_tab(EditLine *el, int ch)
{
    editor *e = editor_of(el);
    lua_State *L = e->L;
    const LineInfo *line = el_line(el);
    unsigned char answer = CC_NORM;
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, e->complete_ref);
    lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
    if (lua_pcall(L, 1, 2, 0)) {
        lua_pushnil(L);
        lua_insert(L, -2);
    }
    const char *insert = lua_tostring(L, -2), *show = lua_tostring(L, -1);
    if (insert && *insert) {
        el_insertstr(el, insert);
        answer = CC_REFRESH;
    }
    if (show && *show) {
        fprintf(stdout, "\n%s\n", show);
        fflush(stdout);
        answer = CC_REDISPLAY;
    }
    if (answer == CC_NORM) answer = CC_ERROR; /* rings */
    lua_settop(L, top);
    return answer;
}

/* -- methods --------------------------------------------------------------------------------- */

/* editor:read(prompt) -> line; false after an interrupt; nil at the end of the input */
static int editor_read(lua_State *L)
{
    editor *e = check_editor(L);
    mw_free(e->prompt);
    e->prompt = mw_strdup(luaL_checkstring(L, 2));
    e->interrupted = false;
    e->L = L;
    int n = 0;
    /* Before the prompt is seen: a key that comes between the two would be the terminal's. */
    el_set(e->el, EL_PREP_TERM, 1);
    const char *line = el_gets(e->el, &n);
    if (e->interrupted) {
        fputs("^C\n", stdout);
        lua_pushboolean(L, 0);
        return 1;
    }
    if (!line || n <= 0) return 0;
    if (line[n - 1] == '\n') n--;
    if (n > LINE_MOST) return luaL_error(L, "a line of more than %d bytes", LINE_MOST);
    lua_pushlstring(L, line, (size_t)n);
    return 1;
}

/* The file is the person's own: nobody else reads what was asked. */
static void save(editor *e)
{
    HistEvent ev;
    if (!e->file) return;
    mode_t before = umask(077);
    history(e->history, &ev, H_SAVE, e->file);
    umask(before);
}

static int editor_remember(lua_State *L)
{
    editor *e = check_editor(L);
    HistEvent ev;
    history(e->history, &ev, H_ENTER, luaL_checkstring(L, 2));
    return 0;
}

static int editor_close(lua_State *L)
{
    editor *e = luaL_checkudata(L, 1, EDITOR_TYPE);
    if (!e->el) return 0;
    save(e);
    el_end(e->el);
    history_end(e->history);
    luaL_unref(L, LUA_REGISTRYINDEX, e->complete_ref);
    mw_free(e->file);
    mw_free(e->prompt);
    e->el = NULL;
    return 0;
}

/* -- opening --------------------------------------------------------------------------------- */

static void bind_keys(EditLine *el)
{
    el_set(el, EL_EDITOR, "emacs");
    LIBRARY_LEAKS(el_set(el, EL_ADDFN, "moonwatch-complete", "complete the word", on_tab));
    LIBRARY_LEAKS(el_set(el, EL_ADDFN, "moonwatch-interrupt", "give up this line", on_interrupt));
    el_set(el, EL_BIND, "^I", "moonwatch-complete", NULL);
    el_set(el, EL_BIND, "^C", "moonwatch-interrupt", NULL);
    el_set(el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_set(el, EL_SETTY, "-d", "-isig", NULL); /* ^C is a key while a line is edited */
}

/* host.editor{ history=path, size=, complete=function(text) -> insert, show } */
static int host_editor(lua_State *L)
{
    HistEvent ev;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "complete");
    luaL_checktype(L, -1, LUA_TFUNCTION);
    lua_getfield(L, 1, "history");
    lua_getfield(L, 1, "size");
    int size = luaL_optint(L, -1, HISTORY);
    luaL_argcheck(L, size >= 1 && size <= HISTORY_MOST, 1, "size: between 1 and 100000");
    setlocale(LC_CTYPE, ""); /* letters of more than one byte */
    editor *e = lua_newuserdata(L, sizeof *e);
    *e = (editor){.complete_ref = LUA_NOREF, .L = L, .prompt = mw_strdup("")};
    e->history = history_init();
    e->el = el_init("moonwatch", stdin, stdout, stderr);
    if (!e->el || !e->history) return luaL_error(L, "the terminal cannot be used");
    if (lua_isstring(L, -3)) e->file = mw_strdup(lua_tostring(L, -3));
    lua_pushvalue(L, -4);
    e->complete_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, prompt_of);
    el_set(e->el, EL_HIST, history, e->history);
    history(e->history, &ev, H_SETSIZE, size);
    history(e->history, &ev, H_SETUNIQUE, 1);
    if (e->file) history(e->history, &ev, H_LOAD, e->file);
    bind_keys(e->el);
    if (luaL_newmetatable(L, EDITOR_TYPE)) {
        static const luaL_Reg methods[] = {{"read", editor_read},
                                           {"remember", editor_remember},
                                           {"close", editor_close},
                                           {"__gc", editor_close},
                                           {NULL, NULL}};
        luaL_register(L, NULL, methods);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    return 1;
}

/* Does a person sit at both ends? */
static int host_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
    return 1;
}

void mw_host_open_line(lua_State *L)
{
    static const mw_host_fn fns[] = {
        {"editor", host_editor}, {"terminal", host_terminal}, {NULL, NULL}};
    const mw_face *face = lua_touserdata(L, -1);
    if (face->lua->waits) mw_host_set(L, fns); /* nobody types into an actor */
}
