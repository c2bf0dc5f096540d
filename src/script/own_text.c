/* own_text.c - a table from a text to what LuaJIT makes of it, which only grows.
 *
 * A thousand files of rules are a thousand Lua states, and to compile the same few texts in each
 * took a fifth of the time to load them.
 * SPDX-License-Identifier: MIT */
#include "script/own_text.h"

#include <lauxlib.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"

enum { MOST = 16 };

static struct {
    pthread_mutex_t lock;
    size_t n;
    struct compiled {
        const char *text;
        mw_buf code;
    } known[MOST];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What is found never changes again. */
static const struct compiled *find(const char *text)
{
    const struct compiled *found = NULL;
    pthread_mutex_lock(&table.lock);
    for (size_t i = 0; i < table.n && !found; i++)
        if (table.known[i].text == text) found = &table.known[i];
    pthread_mutex_unlock(&table.lock);
    return found;
}

static int write(lua_State *L, const void *p, size_t n, void *to)
{
    (void)L;
    mw_buf_add(to, p, n);
    return 0;
}

/* The function on top is TEXT. */
static void remember(lua_State *L, const char *text)
{
    mw_buf code = {0};
    bool whole = !lua_dump(L, write, &code); /* not when memory ends, which is no failure here */
    if (whole && !find(text)) {
        pthread_mutex_lock(&table.lock);
        if (table.n < MOST) {
            table.known[table.n++] = (struct compiled){text, code};
            code = (mw_buf){0};
        }
        pthread_mutex_unlock(&table.lock);
    }
    mw_buf_deinit(&code);
}

void mw_push_own_text(lua_State *L, const char *text, const char *name)
{
    const struct compiled *c = find(text);
    if (c ? luaL_loadbuffer(L, c->code.p, c->code.n, name)
          : luaL_loadbuffer(L, text, strlen(text), name))
        lua_error(L);
    if (!c) remember(L, text);
}
