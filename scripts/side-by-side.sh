# side-by-side.sh - sourced by what runs tests: commands, a few at a time, whose output comes in the order in which they were
# begun, and not mixed. bash.
#
#     side_by_side JOBS; beside COMMAND...; beside COMMAND...; beside_end
#
# Then BESIDE_CODE[N] is the exit code of the Nth, from 1. A shell has what runs in the background ignore SIGINT and SIGQUIT.

side_by_side() {
    beside_jobs=$1 beside_begun=0 beside_told=0
    beside_folder=$(mktemp -d)
    BESIDE_CODE=()
}

# Those whose turn it is say what they have to say.
beside_tell() {
    while [ -s "$beside_folder/$((beside_told + 1)).code" ]; do
        beside_told=$((beside_told + 1))
        cat "$beside_folder/$beside_told"
        BESIDE_CODE[beside_told]=$(<"$beside_folder/$beside_told.code")
    done
}

# Until at most so many run.
beside_wait() {
    while [ "$(jobs -rp | wc -l)" -gt "$1" ]; do
        wait -n
        beside_tell
    done
}

beside() {
    beside_wait $((beside_jobs - 1))
    beside_begun=$((beside_begun + 1))
    {
        "$@" >"$beside_folder/$beside_begun" 2>&1
        echo $? >"$beside_folder/$beside_begun.code"
    } &
}

beside_end() {
    beside_wait 0
    beside_tell
    rm -rf "$beside_folder"
}
