import { findSourceMap } from 'node:module';

const skippedFiles = /[\\/]node_modules[\\/]|[\\/]observability[\\/](logging[\\/]logger|call-site)\./;

/**
 * Returns the position of the log statement, such as `order/saga/saga.ts:42`. If Node runs with source maps, this is
 * the position in the TypeScript source. The function takes about two microseconds, because it reads raw stack frames
 * and does not format the stack.
 */
export function callSite(): string {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 6;
  Error.prepareStackTrace = (_error, frames) => frames;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, callSite);
  const frames = holder.stack as NodeJS.CallSite[];
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  const frame = frames.find((candidate) => !skippedFiles.test(candidate.getFileName() ?? 'node_modules/'));
  return frame ? positionOf(frame) : 'unknown';
}

/** Cache of {@link positionOf}; its size is at most the number of log statements in the program. */
const positions = new Map<string, string>();

function positionOf(frame: NodeJS.CallSite): string {
  const file = frame.getFileName() ?? '';
  const [line, column] = [frame.getLineNumber() ?? 0, frame.getColumnNumber() ?? 0];
  const key = `${file}:${line}:${column}`;
  const cached = positions.get(key);
  if (cached !== undefined) return cached;
  const origin = findSourceMap(file)?.findOrigin(line, column) ?? {};
  const position = `${shortPath(file)}:${'lineNumber' in origin ? Number(origin.lineNumber) : line}`;
  positions.set(key, position);
  return position;
}

/** Returns the path below the last `pkg`, `cmd` or `test` directory, or the last two segments of other paths. */
export function shortPath(file: string): string {
  const segments = file.split(/[\\/]/);
  const root = Math.max(...['pkg', 'cmd', 'test'].map((name) => segments.lastIndexOf(name)));
  return segments.slice(root === -1 ? -2 : root + 1).join('/');
}
