import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { pause } from '../../runtime/wait.js';
import { runProgram } from './run.js';

/** What the first process of a cluster says about itself in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Whether it accepts connections; before that it may be recovering from a crash. */
  readonly ready: boolean;
}

const pollMs = 20;

/**
 * Reads `postmaster.pid`, whether or not the process still exists.
 * Its lines: pid, data directory, start time, port, socket directory, address, memory key, status.
 */
export async function readPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3]) || 0, ready: lines[7] === 'ready' };
}

/** The live first process of the cluster in `data`, if there is one. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const found = await readPostmaster(data);
  if (found === undefined || !isAlive(found.pid)) return undefined;
  return (await isPostmasterOf(found.pid, data)) ? found : undefined;
}

/**
 * Removes a `postmaster.pid` whose process id now belongs to some other program, which PostgreSQL
 * would take for a running server. Other stale files it sees through by itself.
 */
export async function removeMisleadingPidFile(data: string): Promise<void> {
  const found = await readPostmaster(data);
  if (found === undefined || !isAlive(found.pid)) return;
  if (await isPostmasterOf(found.pid, data)) return;
  await rm(path.join(data, 'postmaster.pid'), { force: true });
}

/** Whether the process exists and has not ended; a zombie has. */
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
    // `pid (name) state …`, where the name may itself hold brackets.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('Z') ?? false;
  } catch {
    return false;
  }
}

/** Process ids are reused, so the command line must tell. */
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
 * Stops a cluster: at once but cleanly (SIGINT), then without a checkpoint (SIGQUIT), then by force.
 * What is committed survives each.
 */
export async function stopPostmaster(pid: number, waitMs = 20_000): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isAlive(pid)) return;
    send(pid, signal);
    if (await until(() => !isAlive(pid), waitMs)) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) cannot be stopped`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It may end between the look and the signal.
    if (isAlive(pid)) throw error;
  }
}

/** Polls `condition` for at most `waitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= deadline) return false;
    await pause(pollMs);
  }
}
