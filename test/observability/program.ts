import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { lastLines } from '../../cmd/dev/log-file.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { pause } from '../../pkg/runtime/wait.js';
import { answers } from './http-json.js';
import { eventually } from './waiting.js';

export interface ProgramPlan {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Environment;
  readonly logFile: string;
  /** Answers 200 once the program works. */
  readonly readyUrl: string;
}

const startMs = 60_000;
const stopMs = 15_000;

/** A program of the stack, run by the suite; it may be stopped and started again. */
export class Program {
  readonly #plan: ProgramPlan;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(plan: ProgramPlan) {
    this.#plan = plan;
  }

  /**
   * @param env for this run, over that of the plan
   * @throws Error with the end of its log when it does not come to work
   */
  async start(env: Environment = {}): Promise<this> {
    if (this.#child) throw new Error(`${this.#plan.name} runs already`);
    this.#spawn(env);
    const { name, logFile, readyUrl } = this.#plan;
    try {
      await eventually(
        `${name} to answer at ${readyUrl}`,
        async () => {
          if (this.#child === undefined) throw new Error(`${name} ended at start`);
          return (await answers(readyUrl)) || undefined;
        },
        startMs,
      );
    } catch (error) {
      await this.close();
      throw new Error(`${(error as Error).message}; the end of ${logFile}:\n${lastLines(logFile, 12)}`, {
        cause: error,
      });
    }
    return this;
  }

  /** SIGTERM, then SIGKILL. */
  async close(): Promise<void> {
    const over = new AbortController();
    this.#child?.kill('SIGTERM');
    const isLate = await Promise.race([pause(stopMs, over.signal), this.#ended.then(() => false)]);
    over.abort();
    if (isLate) await this.kill();
    await this.#ended;
  }

  /** SIGKILL: it has no time for anything. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  #spawn(over: Environment): void {
    const { file, args, env, logFile } = this.#plan;
    mkdirSync(path.dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    const child = spawn(file, args, {
      env: { ...loadEnvironment(), ...env, ...over },
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
