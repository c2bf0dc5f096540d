/* bench_hostile.c - how long the attacks of spec/hostile hold the thread of the rules.
 *
 * Each attack is called as a job of the server would be; the worst is the longest processor time
 * that passed before others could have had their turn.  Names as arguments: only those.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "script/guest.h"

#define FOLDER "spec/hostile"

static const char prelude[] =
    "local host = require 'moonwatch.host'\n"
    "function load(source)\n"
    "  return host.guest{name='rules/x.lua', source=source, kinds={'slack'},\n"
    "    words={alert='named', settings='table', include='text', every='call'},\n"
    "    budget={cpu=CPU}}\n"
    "end\n"
    "function call(guest)\n"
    "  answer = nil\n"
    "  guest:call(guest:declarations()[1].fields.when['@fn'], {},\n"
    "    {kind='every', now=100, rule='Hostile', state={}}, function(a) answer = a end)\n"
    "end\n"
    "function close(guest) guest:close() end\n";

typedef struct held {
    double worst, all; /* seconds: in one go, of the whole call */
    int parts;
} held;

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count(held *h, double since)
{
    double s = cpu_now() - since;
    if (s > h->worst) h->worst = s;
    h->all += s;
    h->parts++;
}

static void must(int rc, mw_err *err)
{
    if (rc == MW_OK) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

/* The guest of the file at PATH stays on the stack; nil when it cannot be loaded. */
static double load(mw_lua *l, const char *path)
{
    static char text[1 << 18];
    mw_err err;
    mw_err_init(&err);
    FILE *f = fopen(path, "rb");
    if (!f) exit(1);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    lua_getglobal(l->L, "load");
    lua_pushlstring(l->L, text, n);
    double start = cpu_now();
    must(mw_lua_run(l, 1, 1, &err), &err);
    return cpu_now() - start;
}

static held call(mw_lua *l)
{
    held h = {0};
    mw_err err;
    mw_err_init(&err);
    lua_getglobal(l->L, "call");
    lua_pushvalue(l->L, -2);
    double start = cpu_now();
    must(mw_lua_run(l, 1, 0, &err), &err);
    count(&h, start);
    for (mw_mail mail; mw_lua_any_left(l) || mw_mailbox_depth(l->inbox);) {
        bool got = mw_mailbox_next(l->inbox, 1, &mail);
        start = cpu_now();
        if (!(got ? mw_lua_answer(l, &mail, &err) : mw_lua_proceed(l, &err))) must(MW_EEXEC, &err);
        count(&h, start);
    }
    return h;
}

static void attack(mw_lua *l, const char *name, held *most)
{
    char path[600];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    double loading = load(l, path);
    held h = {0};
    if (!lua_isnil(l->L, -1)) h = call(l);
    lua_getglobal(l->L, "answer");
    if (lua_istable(l->L, -1)) lua_getfield(l->L, -1, "error");
    const char *why = lua_isstring(l->L, -1) ? lua_tostring(l->L, -1) : "refused when loaded";
    printf("%-28s %8.1f %6d %9.1f %8.1f  %.60s\n", name, h.worst * 1e3, h.parts, h.all * 1e3,
           loading * 1e3, why);
    lua_settop(l->L, 0);
    lua_pushnil(l->L);
    lua_setglobal(l->L, "answer");
    lua_gc(l->L, LUA_GCCOLLECT, 0);
    if (h.worst > most->worst) most->worst = h.worst;
    most->all += h.all;
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i])) return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    struct dirent **files;
    mw_host host = {.clock = &mw_clock_system, .data_dir = "/tmp"};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    const char *cpu = getenv("CPU");
    lua_pushnumber(l->L, cpu ? atof(cpu) : 0);
    lua_setglobal(l->L, "CPU");
    if (luaL_dostring(l->L, prelude)) return 1;
    int n = scandir(FOLDER, &files, NULL, alphasort);
    held most = {0};
    printf("%-28s %8s %6s %9s %8s  (milliseconds)\n", "attack", "held", "parts", "in all",
           "loading");
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(files[i]->d_name, '.');
        if (dot && !strcmp(dot, ".lua") && wanted(files[i]->d_name, argc, argv))
            attack(l, files[i]->d_name, &most);
        free(files[i]);
    }
    free(files);
    printf("%-28s %8.1f %6s %9.1f\n", "the worst, and all", most.worst * 1e3, "", most.all * 1e3);
    mw_lua_free(l);
    return 0;
}
