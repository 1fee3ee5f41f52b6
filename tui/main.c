/*
 * main.c - the program: the workbench when nothing is asked for, else one headless command.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tui/commands/command.h"
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

int main(int argc, char **argv) {
    fill_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    out_open();
    if (argc == 1) {
        help_overview();
        return out_close(EXIT_DONE);
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        out_text("thaw " THAW_VERSION "\n");
        return out_close(EXIT_DONE);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help_overview();
        return out_close(EXIT_DONE);
    }
    return out_close(command_run(argc - 1, argv + 1));
}
