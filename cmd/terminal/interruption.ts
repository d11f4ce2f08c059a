import { constants } from 'node:os';

/**
 * Returns a signal that aborts on SIGINT, SIGTERM and SIGHUP, and when standard output or standard error is closed, as in
 * `program | head`. The reason of the abort is the exit code: 128 + the number of the signal.
 */
export function interruptionSignal(): AbortSignal {
  const interruption = new AbortController();
  const { signals } = constants;
  // A second signal ends the process at once.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => interruption.abort(128 + signals[name]));
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', () => interruption.abort(128 + signals.SIGPIPE));
  return interruption.signal;
}
