import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { loadEnvironment } from '../../../pkg/config/index.js';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Default: the scratch folder of the installation. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs: number;
  /** First part of the error message for a failure or a timeout. */
  readonly otherwise: string;
}

/** The installation failed because of its environment, not because of a programming error. */
export class InstallError extends Error {
  override readonly name = 'InstallError';

  constructor(
    message: string,
    readonly isTimeout = false,
  ) {
    super(message);
  }
}

const progressMs = 30_000;
const shownLines = 8;

interface RunOptions {
  readonly log: string;
  say(message: string): void;
}

/**
 * Runs a command at low priority in a process group of its own, and appends the output of the command to `log`.
 * @returns the standard output of the command
 * @throws InstallError when the command fails or exceeds its time limit
 */
export async function runCommand(command: Command, { log, say }: RunOptions): Promise<string> {
  const { program, args, cwd, env, limitMs, otherwise } = command;
  appendFileSync(log, `\n$ ${program} ${args.join(' ')}\n`);
  const child = spawn('nice', ['-n', '10', program, ...args], {
    cwd,
    detached: true,
    env: { ...loadEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let all = '';
  const record = (chunk: string): void => {
    all = (all + chunk).slice(-100_000);
    appendFileSync(log, chunk);
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    record(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', record);
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const outcome = await withinLimit(ended, limitMs, say);
  if (outcome === undefined) {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    throw new InstallError(
      `${otherwise}: the command did not end within ${limitMs / 1000} s (see ${log})`,
      true,
    );
  }
  if (outcome === 0) return stdout;
  const exit = typeof outcome === 'number' ? `exit code ${outcome}` : outcome;
  const end = all.trimEnd().split('\n').slice(-shownLines).join('\n    ');
  throw new InstallError(`${otherwise} (${exit}, see ${log}):\n    ${end}`);
}

async function withinLimit<T>(work: Promise<T>, limitMs: number, say: RunOptions['say']) {
  const over = new AbortController();
  const started = Date.now();
  const progress = setInterval(() => say(`… ${Math.round((Date.now() - started) / 1000)} s`), progressMs);
  try {
    const limit = delay(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
    return await Promise.race([work, limit]);
  } finally {
    clearInterval(progress);
    over.abort();
  }
}
