import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** A log larger than this size is rotated when the process that writes it starts. */
const rotateBytes = 64 * 1024 * 1024;
const tailBytes = 16_384;

/** Opens a log for appending and returns its descriptor. A rotated log is kept as `<file>.1`. */
export function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateBytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}

/**
 * Returns the last `count` lines after the byte offset `from`, at most 16 KiB. Returns an empty text when
 * the log does not exist.
 */
export function lastLines(file: string, count: number, from = 0): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(from, size - tailBytes);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const length = readSync(descriptor, buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, length).trimEnd().split('\n').slice(-count).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
