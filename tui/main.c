/*
 * main.c - the program: the workbench when nothing is asked for, else one headless command.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "tui/commands/commands.h"
#include "tui/commands/help.h"
#include "tui/commands/out.h"

/*
 * A descriptor that was closed by whoever started us would be given to the next file that is opened, and
 * messages would be written into it. Fill the gaps: reads see an end, writes to standard output fail.
 */
static void fill_descriptors(void) {
    static const int mode[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", mode[fd]);
}

/* Nothing named, or options alone: the workbench. */
static int open_workbench(int argc, char **argv) {
    char **words = xcalloc((size_t)argc + 1, sizeof *words);
    words[0] = (char *)command_open.name;
    for (int i = 1; i < argc; i++)
        words[i] = argv[i];
    int code = command_run(argc, words);
    free(words);
    return code;
}

int main(int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : "";
    fill_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on a file's size is to be a failed write, like a full disk */
    out_open();
    if (!strcmp(first, "--version") || !strcmp(first, "-V")) {
        out_text("thaw " THAW_VERSION "\n");
        return out_close(EXIT_DONE);
    }
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
        help_overview();
        return out_close(EXIT_DONE);
    }
    if (!first[0] || first[0] == '-') return out_close(open_workbench(argc, argv));
    return out_close(command_run(argc - 1, argv + 1));
}
