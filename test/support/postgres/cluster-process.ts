import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A child process that has started or joined an embedded cluster. */
export interface ClusterProcess {
  readonly process: ChildProcess;
  /** Resolves when the cluster runs. Rejects when the process exits before that. */
  readonly started: Promise<{ port: number; adopted: boolean }>;
  /** Sends SIGKILL and waits for the exit. */
  kill(): Promise<void>;
  /** Makes the process call `stop` of its cluster and waits for the exit. */
  leave(): Promise<void>;
}

/** Starts a child process that starts or joins the cluster in `dataDir`. */
export function startClusterProcess(dataDir: string): ClusterProcess {
  const script = fileURLToPath(new URL('cluster-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const line = once(createInterface(child.stdout), 'line');
  const started = Promise.race([
    line.then(([text]: string[]) => JSON.parse(text ?? '') as { port: number; adopted: boolean }),
    ended.then(() => {
      throw new Error('the cluster process has exited');
    }),
  ]);
  // Avoids an unhandled rejection when a test kills the process early.
  started.catch(() => undefined);
  return {
    process: child,
    started,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    leave: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
