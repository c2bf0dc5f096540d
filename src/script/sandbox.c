/* sandbox.c - how the budget is kept.
 *
 * Three things can trip a run: the count hook (every STEP instructions), the allocator at the cap,
 * and a timer on the thread's CPU clock whose signal handler only sets the mark and the hook.
 * Where others wait for the thread the same timer ends slices: the next instruction leaves the run,
 * or the first one that can.  Once tripped, the hook is armed for every single instruction: pcall
 * may catch one error and dies of the next.  A small reserve of memory lets that error's own text
 * be made.
 *
 * The timer is the thread's own, so a signal that was raised before it is disarmed has been
 * handled when the disarming call returns; after that the handler sees no box.
 * SPDX-License-Identifier: MIT */
#include "script/sandbox.h"

#include <lauxlib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "script/table_size.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

const double mw_sandbox_slice = 0.01, mw_sandbox_hold = 0.05;
enum { STEP = 1000, RESERVE = 64 << 10, C_STACK = 512 << 10, HOLD = 5 /* slices */ };

struct mw_watch {
    timer_t timer;
    pid_t thread;
    mw_sandbox *volatile box; /* NULL: nothing runs */
    volatile double later;    /* seconds of the run after those that the timer has now */
};

/* -- memory ---------------------------------------------------------------------------------- */

static void hook(lua_State *L, lua_Debug *ar);

static void trip(mw_sandbox *box, mw_trip why)
{
    if (!box->armed || box->tripped) return;
    box->tripped = why;
    lua_sethook(box->L, hook, LUA_MASKCOUNT, 1);
}

/* Lua's allocator interface.  Copying is work: growing memory costs fuel too. */
static void *allocate(void *ud, void *p, size_t old, size_t size)
{
    mw_sandbox *box = ud;
    if (size == 0) {
        free(p);
        box->used -= old;
        return NULL;
    }
    if (!p) old = 0;
    if (size > old && box->L) { /* a state refused memory while it is made crashes LuaJIT */
        size_t cap = box->run.memory + (box->armed && !box->tripped ? 0 : RESERVE);
        if (box->budget.fail_at && ++box->allocations == box->budget.fail_at) return NULL;
        if (size - old > cap || box->used > cap - (size - old)) {
            trip(box, MW_TRIP_MEMORY);
            return NULL;
        }
        if (box->armed) box->fuel -= (int64_t)(size >> 6);
    }
    void *q = realloc(p, size);
    if (q && (box->used += size - old) > box->peak) box->peak = box->used;
    return q;
}

/* -- the run --------------------------------------------------------------------------------- */

/* Lua limits the stack of each coroutine, not how many of them, or of our functions that call back,
 * stand on the one C stack. */
static void check_c_stack(lua_State *L, const mw_sandbox *box)
{
    if (box->c_stack - (const char *)__builtin_frame_address(0) > C_STACK)
        luaL_error(L, "stack overflow: calls inside calls");
}

static size_t put(char *out, size_t n, size_t cap, const lua_Debug *ar)
{
    int more = snprintf(out + n, cap - n, "\n\t%s:%d: in %s%s%s", ar->short_src, ar->currentline,
                        ar->name ? "function '" : "a function", ar->name ? ar->name : "",
                        ar->name ? "'" : "");
    return more > 0 && (size_t)more < cap - n ? n + (size_t)more : n;
}

/* The run ends here.  Takes none of its memory. */
static void note_place(lua_State *L, mw_sandbox *box)
{
    lua_Debug ar;
    size_t n = 0;
    if (*box->place) return;
    for (int level = 0; level < 30 && lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "nSl", &ar) || ar.currentline <= 0) continue;
        if (!*box->place)
            snprintf(box->place, sizeof box->place, "%s:%d: ", ar.short_src, ar.currentline);
        n = put(box->stack, n, sizeof box->stack, &ar);
    }
    box->stack[n] = 0;
}

/* Not in the middle of a C function that calls back, and not with much memory in hand: others that
 * are left meanwhile have theirs.  Nor on its way out, coroutine by coroutine (guest_leave.c): one
 * that was left there would, when it goes on, hand on a pause that is over. */
static bool may_pause(lua_State *L, const mw_sandbox *box)
{
    if (box->paused || !box->pauses || !box->nested) return false;
    bool due = box->slices || mw_mono_ns() > box->pause_ns; /* also where there is no timer */
    return due && box->used < box->pause_room && lua_isyieldable(L);
}

/* Raises that the budget is used up, at every instruction from now on. */
static void stop(lua_State *L, mw_sandbox *box)
{
    char text[MW_TRIP_TEXT];
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    note_place(L, box);
    luaL_error(L, "%s", mw_trip_text(box, text));
}

static void hook(lua_State *L, lua_Debug *ar)
{
    mw_sandbox *box = mw_sandbox_of(L);
    bool late = box->late;
    if (!box->tripped && late) {
        box->late = false; /* the timer had it look here at once, so this is no whole step */
        lua_sethook(L, hook, LUA_MASKCOUNT, STEP);
    } else if (!box->tripped && (box->fuel -= STEP) < 0) {
        box->tripped = MW_TRIP_INSTRUCTIONS;
    }
    if (box->tripped) stop(L, box);
    check_c_stack(L, box);
    if (!may_pause(L, box)) return;
    box->paused = true;
    lua_yield(L, 0);
}

bool mw_spend(mw_sandbox *box, uint64_t n)
{
    if (!box->armed) return true;
    if (box->tripped) return false;
    if (n <= INT64_MAX && (box->fuel -= (int64_t)n) >= 0) return true;
    box->fuel = 0;
    trip(box, MW_TRIP_INSTRUCTIONS);
    return false;
}

void mw_charge(lua_State *L, uint64_t n)
{
    mw_sandbox *box = mw_sandbox_of(L);
    if (!box->armed) return;
    if (!box->tripped) check_c_stack(L, box);
    if (!mw_spend(box, n)) stop(L, box);
}

/* A place that is empty takes a fraction of what an instruction takes. */
uint64_t mw_walk_cost(lua_State *L, int idx)
{
    return mw_table_places(L, idx, mw_sandbox_of(L)->sees_places) / 4;
}

const char *mw_trip_text(const mw_sandbox *box, char out[MW_TRIP_TEXT])
{
    const mw_budget *b = &box->run;
    switch (box->tripped) {
    case MW_TRIP_MEMORY:
        snprintf(out, MW_TRIP_TEXT, "stopped: used up its %zu bytes of memory", b->memory);
        break;
    case MW_TRIP_CPU:
        snprintf(out, MW_TRIP_TEXT, "stopped: used up its %g seconds of CPU time", b->cpu);
        break;
    case MW_TRIP_HELD:
        snprintf(out, MW_TRIP_TEXT,
                 "stopped: held other rules up for %g seconds of CPU time, in what cannot be left "
                 "for them",
                 mw_sandbox_hold);
        break;
    default:
        snprintf(out, MW_TRIP_TEXT, "stopped: used up its %lld instructions",
                 (long long)b->instructions);
        break;
    }
    return out;
}

mw_sandbox *mw_sandbox_of(lua_State *L)
{
    void *ud;
    lua_getallocf(L, &ud);
    return ud;
}

int mw_sandbox_init(mw_sandbox *box, const mw_budget *budget)
{
    *box = (mw_sandbox){.budget = *budget};
    if (box->budget.instructions <= 0) box->budget.instructions = 10000000;
    if (!(box->budget.cpu > 0)) box->budget.cpu = 0.5;
    if (!box->budget.memory) box->budget.memory = 32u << 20;
    box->run = box->budget;
    box->L = lua_newstate(allocate, box);
    return box->L ? MW_OK : MW_ELIMIT;
}

void mw_sandbox_deinit(mw_sandbox *box)
{
    if (box->L) lua_close(box->L);
    box->L = NULL;
}

/* -- the timer ------------------------------------------------------------------------------- */

int mw_watch_signal(void) { return SIGRTMIN + 5; }

/* W runs for at most SECONDS from now on, or for a slice of them and then for what is LATER. */
static void set_timer(mw_watch *w, double seconds)
{
    struct itimerspec at = {0};
    at.it_value.tv_sec = (time_t)seconds;
    at.it_value.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    timer_settime(w->timer, 0, &at, NULL);
}

static void next_slice(mw_watch *w)
{
    double left = w->later, slice = left < mw_sandbox_slice ? left : mw_sandbox_slice;
    w->later = left - slice;
    set_timer(w, slice);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    mw_watch *w = info->si_value.sival_ptr;
    mw_sandbox *box = info->si_code == SI_TIMER && w ? w->box : NULL;
    if (!box || box->tripped) return;
    if (w->later < 1e-6) {
        trip(box, MW_TRIP_CPU);
    } else if (++box->slices >= HOLD) {
        trip(box, MW_TRIP_HELD);
    } else {
        box->late = true;
        lua_sethook(box->L, hook, LUA_MASKCOUNT, 1);
        next_slice(w);
    }
}

/* Not having a timer is no failure: the count of instructions still stops every loop. */
static mw_watch *watch_new(void)
{
    struct sigaction act = {.sa_sigaction = on_signal,
                            .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&act.sa_mask);
    mw_watch *w = mw_zalloc(sizeof *w);
    w->thread = gettid();
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = mw_watch_signal()};
    ev.sigev_value.sival_ptr = w;
    ev.sigev_notify_thread_id = w->thread;
    if (sigaction(mw_watch_signal(), &act, NULL) ||
        timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &w->timer)) {
        mw_free(w);
        return NULL;
    }
    return w;
}

void mw_watch_free(mw_watch *w)
{
    if (!w) return;
    timer_delete(w->timer);
    mw_free(w);
}

void mw_sandbox_narrow(mw_sandbox *box, mw_budget limit)
{
    mw_budget *run = &box->run;
    *run = box->budget;
    if (limit.instructions > 0 && limit.instructions < run->instructions)
        run->instructions = limit.instructions;
    if (limit.cpu > 0 && limit.cpu < run->cpu) run->cpu = limit.cpu;
    if (limit.memory && limit.memory < run->memory) run->memory = limit.memory;
}

void mw_sandbox_pause(mw_sandbox *box, lua_State *co, size_t room)
{
    box->pause_room = room;
    box->pauses = co;
    box->pause_ns = mw_mono_ns() + (int64_t)(mw_sandbox_hold * 1e9);
}

void mw_sandbox_arm(mw_sandbox *box, int64_t fuel, double cpu, bool slices, mw_watch **watch)
{
    if (*watch && (*watch)->thread != gettid()) {
        mw_watch_free(*watch);
        *watch = NULL;
    }
    if (!*watch) *watch = watch_new();
    box->fuel = fuel;
    box->peak = box->used;
    box->tripped = MW_TRIP_NO;
    *box->place = *box->stack = 0;
    box->c_stack = __builtin_frame_address(0);
    box->armed = true;
    box->paused = box->late = false;
    box->nested = true;
    box->slices = 0;
    box->cpu_left = cpu;
    lua_sethook(box->L, hook, LUA_MASKCOUNT, STEP);
    mw_watch *w = *watch;
    if (!w) return;
    w->box = box;
    w->later = cpu > 1e6 ? 1e6 : cpu;
    if (slices) {
        next_slice(w);
    } else {
        cpu = w->later;
        w->later = 0;
        set_timer(w, cpu);
    }
}

/* What is left of the processor time when the timer stops here. */
static double stop_timer(mw_watch *w)
{
    struct itimerspec none = {0}, left = {0};
    w->box = NULL; /* a slice that ends now has no next one */
    timer_settime(w->timer, 0, &none, &left);
    return (double)left.it_value.tv_sec + (double)left.it_value.tv_nsec / 1e9 + w->later;
}

int64_t mw_sandbox_disarm(mw_sandbox *box, mw_watch *watch)
{
    if (watch) box->cpu_left = stop_timer(watch);
    box->armed = false;
    box->pauses = NULL;
    lua_sethook(box->L, NULL, 0, 0);
    return box->tripped || box->fuel < 0 ? 0 : box->fuel;
}
