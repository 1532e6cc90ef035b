#ifndef OO_COMPLETE_H
#define OO_COMPLETE_H
/*
 * What a shell offers when Tab is pressed: from the table of commands, and for names from the agent.
 * The shells' scripts (`ooha completion bash`) only ask for it, so that they never go stale.
 */
#include "base/text.h"
#include "command.h"

/* A line that stands for: the names of files. */
#define COMPLETE_FILES ":files"

/*
 * Appends what may stand in place of the last word, a line each: the word, a tab, what it is.
 * words   of the command line behind the program's name, n of them, the last perhaps empty.
 * Returns 0, -ENOMEM or -EMSGSIZE.
 */
int complete(struct settings *settings, int n, char **words, struct oo_buffer *out);

#endif
