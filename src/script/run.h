/* run.h - running one of our own modules as a program: the command line, tools, specs.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_RUN_H
#define MW_SCRIPT_RUN_H
#include "script/host.h"

/* require(MODULE).main{ARGV...} in a state with all libraries; its answer is the exit status (nil
 * and true are 0, false is 1).  An error is printed with its traceback and is 1. */
int mw_script_run(mw_host *host, const char *module, int argc, char *const *argv);

#endif
