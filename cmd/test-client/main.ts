import { constants } from 'node:os';
import { runCommandLine } from './cli.js';

const interrupt = new AbortController();
// Once: a second Ctrl-C ends the process at once, and what it started ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => interrupt.abort(128 + constants.signals[signal]));

// Nobody reads any more, as with `| head`: the same as SIGPIPE.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', () => interrupt.abort(128 + constants.signals.SIGPIPE));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  interrupt: interrupt.signal,
});
