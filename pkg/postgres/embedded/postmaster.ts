import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pause } from '../../runtime/index.js';
import { runProgram } from './run-program.js';

/** The postmaster (main process) of a server, as described in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** True when the server accepts connections; false while the server starts or is in crash recovery. */
  readonly ready: boolean;
}

const pollMs = 20;

/**
 * Reads `postmaster.pid`, which may describe a process that has ended. The lines of the file are: pid, data directory,
 * start time, port, socket directory, address, shared memory key, status.
 */
export async function readPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]) || 0, ready: lines[7] === 'ready' };
}

/** Returns the postmaster of the data directory, or undefined when no server runs. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const found = await readPostmaster(data);
  if (found === undefined || !isAlive(found.pid)) return undefined;
  return (await isPostmasterOf(found.pid, data)) ? found : undefined;
}

/**
 * Removes a lock file (`postmaster.pid`) whose process id belongs to another program, because PostgreSQL would treat
 * the program as a running server. PostgreSQL handles other stale lock files itself.
 */
export async function removeStaleLockFile(data: string): Promise<void> {
  const found = await readPostmaster(data);
  if (found === undefined || !isAlive(found.pid)) return;
  if (await isPostmasterOf(found.pid, data)) return;
  await rm(path.join(data, 'postmaster.pid'), { force: true });
}

/** Returns true for a running process and false for a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    // The format is `pid (name) state …`, and the name may contain parentheses.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('Z') ?? false;
  } catch {
    return false;
  }
}

/** Checks the command line of the process, because another program may have the process id of an ended server. */
async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  const command = await commandLine(pid);
  return command.includes('postgres') && command.includes(data);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  }
  const args = ['-ww', '-o', 'command=', '-p', String(pid)];
  return (await runProgram('/bin/ps', args, { user: undefined })).output;
}

/**
 * Stops a server by fast shutdown (SIGINT), then immediate shutdown (SIGQUIT), then SIGKILL, and waits `waitMs` after
 * each signal. Committed data survives.
 */
export async function stopPostmaster(pid: number, waitMs = 20_000): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isAlive(pid)) return;
    send(pid, signal);
    if (await pollUntil(() => !isAlive(pid), waitMs)) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) cannot be stopped`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // The process may have ended after the check.
    if (isAlive(pid)) throw error;
  }
}

/** Polls `condition`; returns false when the condition is not true within `waitMs`. */
export async function pollUntil(
  condition: () => boolean | Promise<boolean>,
  waitMs: number,
): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= deadline) return false;
    await pause(pollMs);
  }
}
