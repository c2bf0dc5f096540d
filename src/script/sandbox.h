/* sandbox.h - a Lua state with a budget of instructions, CPU time and memory that cannot be caught.
 *
 * One thread at a time.  While armed, a state that has used up its budget raises an error at every
 * further instruction, so every pcall on its stack dies too and the host gets control back.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_SANDBOX_H
#define MW_SCRIPT_SANDBOX_H
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct mw_budget {
    int64_t instructions; /* of one run; 0: 10 million */
    double cpu;           /* seconds of one run; 0: 0.5 */
    size_t memory;        /* bytes of the whole state; 0: 32 MiB */
    size_t fail_at;       /* tests: the allocation with this number fails; 0: none */
} mw_budget;

typedef enum mw_trip {
    MW_TRIP_NO,
    MW_TRIP_INSTRUCTIONS,
    MW_TRIP_CPU,
    MW_TRIP_MEMORY,
    MW_TRIP_HELD
} mw_trip;

/* The CPU timer of one thread; the backstop behind the count of instructions. */
typedef struct mw_watch mw_watch;
void mw_watch_free(mw_watch *w); /* NULL is fine */
int mw_watch_signal(void); /* what the timer sends; the threads that run guests leave it open */

typedef struct mw_sandbox {
    lua_State *L;
    mw_budget budget, run;          /* of the state; of the run at hand */
    size_t used, peak, allocations; /* PEAK: the most there was in the last run */
    int64_t fuel;                   /* instructions left in this run */
    const char *c_stack;            /* where the C stack was when the run began */
    lua_State *pauses; /* the coroutine that may be left after a slice of time; NULL: none */
    int64_t pause_ns;  /* by mw_mono_ns, when that is at the latest */
    size_t pause_room; /* unless it holds more memory than this */
    bool paused;       /* it was left: the run is not over */
    double cpu_left;   /* of the run, when it was left */
    bool nested; /* what was resumed now can be left as far as those who resumed it are concerned */
    bool sees_places;         /* see table_size.h */
    volatile bool late;       /* a slice ended just now */
    volatile unsigned slices; /* that have ended since the run began or went on */
    char place[128];          /* "file:line: " where the run used up its budget, or "" */
    char stack[1024];         /* and how it had got there, a line each */
    bool armed;
    volatile mw_trip tripped;
} mw_sandbox;

/* BOX must stay where it is.  MW_ELIMIT when the state does not fit its memory. */
int mw_sandbox_init(mw_sandbox *box, const mw_budget *budget);
void mw_sandbox_deinit(mw_sandbox *box);
mw_sandbox *mw_sandbox_of(lua_State *L);

/* The next runs have less than the budget, where LIMIT says so (0: as much). */
void mw_sandbox_narrow(mw_sandbox *box, mw_budget limit);
/* The run at hand, armed in SLICES, may be left by its coroutine CO at the end of a slice of
 * processor time, as if it had yielded nothing, unless it has more than ROOM bytes in hand;
 * mw_sandbox.paused says so, and resuming CO with nothing goes on. */
void mw_sandbox_pause(mw_sandbox *box, lua_State *co, size_t room);
/* Begin a run with FUEL instructions and CPU seconds; *WATCH is made when it is NULL or another
 * thread's.  In SLICES: others wait for the thread, so what cannot be left is stopped after
 * mw_sandbox_hold seconds in one go. */
void mw_sandbox_arm(mw_sandbox *box, int64_t fuel, double cpu, bool slices, mw_watch **watch);
extern const double mw_sandbox_slice, mw_sandbox_hold;
/* End it.  Gives the fuel that is left, 0 when the budget was used up. */
int64_t mw_sandbox_disarm(mw_sandbox *box, mw_watch *watch);

/* For C functions that work in proportion to N: costs N instructions, raises when they are not
 * there, and when C and Lua have called each other too deeply. */
void mw_charge(lua_State *L, uint64_t n);
/* The same without raising: false when the budget is used up, now or before. */
bool mw_spend(mw_sandbox *box, uint64_t n);
/* What it costs to walk over the table at IDX, filled or not. */
uint64_t mw_walk_cost(lua_State *L, int idx);

/* "stopped: used up its 10000000 instructions"; for a state that was tripped. */
enum { MW_TRIP_TEXT = 128 };
const char *mw_trip_text(const mw_sandbox *box, char out[MW_TRIP_TEXT]);

#endif
