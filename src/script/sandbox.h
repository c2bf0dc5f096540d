/* x */
#ifndef X
#define X
typedef struct mw_watch mw_watch;
void mw_watch_free(mw_watch *w);
#endif
