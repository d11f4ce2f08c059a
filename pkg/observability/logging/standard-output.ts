import { pino } from 'pino';
import { TurnBuffer } from './turn-buffer.js';

/** Maximum size of the lines that wait for an output that cannot be written; further lines are dropped. */
const maxPendingBytes = 1_048_576;

type OnDropped = (lines: number) => void;

/** All loggers share one output, so that their lines keep their sequence. */
let shared: TurnBuffer | undefined;
const listeners = new Set<OnDropped>();

/**
 * Returns the standard output for loggers. The lines of one turn of the event loop are written with one synchronous
 * system call. Lines that cannot be written, for example because the disk is full, are dropped, and `onDropped` is called.
 */
export function standardOutput(onDropped?: OnDropped): TurnBuffer {
  if (onDropped) listeners.add(onDropped);
  shared ??= open();
  return shared;
}

function open(): TurnBuffer {
  const output = pino.destination({ dest: 1, sync: true, maxLength: maxPendingBytes });
  let writing = 0;
  let isBroken = false;
  const drop = (): void => listeners.forEach((onDropped) => onDropped(writing));
  output.on('drop', drop);
  // A failed write is repeated with the next lines. After EPIPE, no process reads the pipe.
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' || isBroken) return;
    isBroken = true;
    drop();
  });
  const buffer = new TurnBuffer((text, lines) => {
    writing = lines;
    if (isBroken) drop();
    else output.write(text);
  });
  process.once('exit', () => buffer.stopBuffering());
  return buffer;
}
