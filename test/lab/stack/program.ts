import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { lastLines } from '../../../cmd/dev/services/log-file.js';
import { loadEnvironment, type Environment } from '../../../pkg/config/index.js';
import { pause } from '../../../pkg/runtime/wait.js';
import { answers } from './http-json.js';
import { waitFor } from '../../support/wait-for.js';

export interface ProgramPlan {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Environment;
  readonly logFile: string;
  /** URL that answers with a success status as soon as the program is ready. */
  readonly readyUrl: string;
}

const startMs = 60_000;
const stopMs = 15_000;

/** A program of the stack that tests can stop and start. */
export class Program {
  readonly #plan: ProgramPlan;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(plan: ProgramPlan) {
    this.#plan = plan;
  }

  /**
   * @param env overrides for this run
   * @throws Error with the end of the program's log when the program does not become ready
   */
  async start(env: Environment = {}): Promise<this> {
    if (this.#child) throw new Error(`${this.#plan.name} is already running`);
    this.#spawn(env);
    const { name, logFile, readyUrl } = this.#plan;
    try {
      const isReady = (): Promise<boolean> => {
        if (this.#child === undefined) throw new Error(`${name} ended before it was ready`);
        return answers(readyUrl);
      };
      await waitFor(isReady, `answer of ${name} at ${readyUrl}`, { timeoutMs: startMs, intervalMs: 250 });
    } catch (error) {
      await this.close();
      throw new Error(`${(error as Error).message}; the end of ${logFile}:\n${lastLines(logFile, 12)}`, {
        cause: error,
      });
    }
    return this;
  }

  /** Sends SIGTERM, and SIGKILL if the program does not end within 15 s. */
  async close(): Promise<void> {
    const over = new AbortController();
    this.#child?.kill('SIGTERM');
    const isLate = await Promise.race([pause(stopMs, over.signal), this.#ended.then(() => false)]);
    over.abort();
    if (isLate) await this.kill();
    await this.#ended;
  }

  /** Sends SIGKILL. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  #spawn(overrides: Environment): void {
    const { file, args, env, logFile } = this.#plan;
    mkdirSync(path.dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    const child = spawn(file, args, {
      env: { ...loadEnvironment(), ...env, ...overrides },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const endWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', endWithUs);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        process.removeListener('exit', endWithUs);
        this.#child = undefined;
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
  }
}
