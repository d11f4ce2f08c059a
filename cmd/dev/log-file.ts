import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** A log that grew beyond this is set aside when its process starts, bytes. */
const rotateAt = 64 * 1024 * 1024;
const tailBytes = 16_384;

/** Opens a log to append to, and returns its descriptor. The log before it is kept as `<file>.1`. */
export function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAt) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}

/** The end of a log, at most `count` lines written after byte `from`; empty when there is none. */
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
