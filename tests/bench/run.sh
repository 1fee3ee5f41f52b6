#!/bin/sh
# run.sh - thaw beside Python PyTorch on the same work, the same libtorch and the same threads; see bench.py for training,
# cuda.py for training on a CUDA device, loader.py for making batches of files, screen.py for the workbench, and zoo.py
# for every family's classifying and loading.
# --rounds N; --quick tries everything on few images; --write FILE puts the tables into it.
# PYTHON names the Python whose torch is the libtorch thaw was built with; without it the one that fits is looked for.
set -eu
build=${BUILD:-build}
where=$(sed -n 's/^TORCH_WHERE := //p' "$build/libtorch.mk")
python=${PYTHON:-}
if [ -z "$python" ]; then
    case $where in
    system | /usr | /usr/lib/python3/*) python=/usr/bin/python3 ;;
    */lib/python3*/site-packages/torch) python=${where%/lib/python3*}/bin/python3 ;;
    *) python=python3 ;;
    esac
fi
"$python" -c 'import torch' 2>/dev/null || { echo "bench: $python has no torch; set PYTHON" >&2; exit 1; }
"$python" tests/bench/bench.py --program "${PROGRAM:-thaw}" --python "$python" "$@"
"$python" tests/bench/cuda.py --program "${PROGRAM:-thaw}" --python "$python" "$@"
"$python" tests/bench/loader.py --program "${PROGRAM:-thaw}" --build "$build" "$@"
"$python" tests/bench/screen.py --program "${PROGRAM:-thaw}" "$@"
exec "$python" tests/bench/zoo.py --program "${PROGRAM:-thaw}" "$@"
