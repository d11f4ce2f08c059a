import { spawn } from 'node:child_process';
import type { User } from './system-user.js';

export interface RunOptions {
  /** User of the process; undefined for the current user. */
  readonly user: User | undefined;
}

export interface RunResult {
  readonly ok: boolean;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Returns spawn options that make PostgreSQL programs independent of the environment of this process. */
export function spawnOptions(user: User | undefined): {
  cwd: string;
  env: Record<string, string>;
  uid?: number;
  gid?: number;
} {
  return {
    // `user` may be unable to enter the working directory of this process.
    cwd: '/',
    // PG* variables of this process would change the behavior of the programs.
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  };
}

/** Runs a program until it exits. `ok` is false if the program cannot be started or exits with an error. */
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
