import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { untilEnded, type ProcessId } from '../../cmd/dev/process-id.js';
import { readState } from '../../cmd/dev/state-file.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { eventually } from './dev-process.js';

const preload = pathToFileURL('dist/pkg/observability/register.js').href;
const program = path.resolve('dist/cmd/test-client/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestClientProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until the text was printed. */
  printed(text: string): Promise<void>;
  /** Sends a signal as the terminal does: to the whole process group. */
  signal(name: NodeJS.Signals): void;
}

/** A place where test-client runs, with its data and logs. */
export class TestFolder {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'test-client-'));
  readonly dataDir = path.join(this.directory, '.data/test-client');

  start(args: readonly string[] = [], env: Environment = {}): TestClientProcess {
    const child = spawn(process.execPath, ['--import', preload, program, ...args], {
      cwd: this.directory,
      detached: true,
      env: { ...loadEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code) => resolve({ code, ...text }));
    });
    return {
      child,
      ended,
      printed: (wanted) =>
        eventually(`'${wanted}' is printed`, () =>
          Promise.resolve(`${text.stdout}${text.stderr}`.includes(wanted)),
        ),
      signal: (name) => process.kill(-(child.pid ?? 0), name),
    };
  }

  run(args: readonly string[] = [], env: Environment = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** What the run under way has started. */
  started(): ProcessId[] {
    const state = readState(this.dataDir);
    if (!state) throw new Error('nothing runs');
    return [state.supervisor, ...state.children];
  }

  /** Fails when something that a run started is still there. */
  async expectNothingLeft(started: readonly ProcessId[] = []): Promise<void> {
    expect(await untilEnded(started, 0)).to.deep.equal([]);
    expect(await isClusterRunning(path.join(this.dataDir, 'postgres'))).to.equal(false);
    expect(readState(this.dataDir)).to.equal(undefined);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
