import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { loadEnvironment } from '../../pkg/config/index.js';
import { InstallError, TooLateError, type Command } from './workshop.js';

const tellEveryMs = 30_000;
const lastLines = 8;

export interface RunOptions {
  readonly log: string;
  say(message: string): void;
}

/**
 * Runs a command with low priority in a process group of its own; its output goes to `log`.
 * @returns its standard output
 * @throws InstallError when it fails or takes longer than its limit
 */
export async function runCommand(command: Command & { readonly cwd: string }, options: RunOptions) {
  const { program, args, cwd, env, limitMs, otherwise } = command;
  appendFileSync(options.log, `\n$ ${program} ${args.join(' ')}\n`);
  const child = spawn('nice', ['-n', '10', program, ...args], {
    cwd,
    detached: true,
    env: { ...loadEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', all: '' };
  const hear = (stream: 'stdout' | 'stderr') => (chunk: string) => {
    output.all = (output.all + chunk).slice(-100_000);
    if (stream === 'stdout') output.stdout += chunk;
    appendFileSync(options.log, chunk);
  };
  child.stdout.setEncoding('utf8').on('data', hear('stdout'));
  child.stderr.setEncoding('utf8').on('data', hear('stderr'));
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const outcome = await withinLimit(ended, limitMs, options.say);
  if (outcome === 'late') {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    throw new TooLateError(`${otherwise}: no end within ${limitMs / 1000} s (see ${options.log})`);
  }
  if (outcome !== 0)
    throw new InstallError(
      `${otherwise} (${typeof outcome === 'number' ? `exit code ${outcome}` : outcome}, see ${options.log}):\n${tail(output.all)}`,
    );
  return output.stdout;
}

async function withinLimit(ended: Promise<number | string>, limitMs: number, say: (message: string) => void) {
  const over = new AbortController();
  const started = Date.now();
  const ticking = setInterval(() => say(`… ${Math.round((Date.now() - started) / 1000)} s`), tellEveryMs);
  const late = delay(limitMs, 'late' as const, { signal: over.signal }).catch(() => 'late' as const);
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearInterval(ticking);
    over.abort();
  }
}

function tail(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-lastLines)
    .map((line) => `    ${line}`)
    .join('\n');
}
