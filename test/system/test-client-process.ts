import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { waitForExit, type ProcessId } from '../../cmd/dev/supervisor/process-id.js';
import { readState } from '../../cmd/dev/supervisor/state-file.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { waitFor } from '../support/wait-for.js';
import { processWait } from './dev-process.js';

const preload = pathToFileURL('dist/pkg/observability/register.js').href;
const program = path.resolve('dist/cmd/test-client/main.js');

export interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestClientProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  /** Waits until the text appears in the output. */
  printed(text: string): Promise<unknown>;
  /** Sends a signal to the whole process group, as a terminal does. */
  signal(name: NodeJS.Signals): void;
}

/** A temporary working directory of test-client, with its data and logs. */
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
    const exited = new Promise<Exit>((resolve) => {
      child.once('close', (code) => resolve({ code, ...text }));
    });
    return {
      child,
      exited,
      printed: (expected) =>
        waitFor(() => `${text.stdout}${text.stderr}`.includes(expected), `output '${expected}'`, processWait),
      signal: (name) => process.kill(-(child.pid ?? 0), name),
    };
  }

  run(args: readonly string[] = [], env: Environment = {}): Promise<Exit> {
    return this.start(args, env).exited;
  }

  /** Returns the supervisor and the services of the current run. */
  processes(): ProcessId[] {
    const state = readState(this.dataDir);
    if (!state) throw new Error('test-client is not running');
    return [state.supervisor, ...state.children];
  }

  /** Asserts that the processes and PostgreSQL have exited and the state file is removed. */
  async expectStopped(processes: readonly ProcessId[] = []): Promise<void> {
    expect(await waitForExit(processes, 0)).to.deep.equal([]);
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
