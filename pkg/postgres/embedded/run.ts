import { spawn } from 'node:child_process';
import type { User } from './user.js';

export interface RunOptions {
  /** Whom to run as; undefined for ourselves. */
  readonly user: User | undefined;
}

export interface RunResult {
  readonly ok: boolean;
  /** What it printed, both streams. */
  readonly output: string;
}

/** How PostgreSQL programs are started, whatever the shell around us looks like. */
export function spawnOptions(user: User | undefined): {
  cwd: string;
  env: Record<string, string>;
  uid?: number;
  gid?: number;
} {
  return {
    // Our own directory may be closed to the other user.
    cwd: '/',
    // PG* variables of the caller would change what the programs do.
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  };
}

/** Runs a program to its end; a program that cannot be started is not `ok`. */
export function runProgram(file: string, args: readonly string[], { user }: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...spawnOptions(user), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      resolve({ ok: false, output: error.message });
    });
    child.on('close', (code) => {
      resolve({ ok: code === 0, output: output.trim() });
    });
  });
}
