import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Another process that has started a cluster. */
export interface Holder {
  readonly process: ChildProcess;
  /** What it started; rejects when it ends first. */
  readonly started: Promise<{ port: number; adopted: boolean }>;
  /** Ends it without a chance to clean up. */
  kill(): Promise<void>;
  /** Asks it to stop the cluster, and waits for its end. */
  leave(): Promise<void>;
}

/** Starts a cluster in another process. */
export function holdCluster(dataDir: string): Holder {
  const script = fileURLToPath(new URL('hold-cluster.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const line = once(createInterface(child.stdout), 'line');
  const started = Promise.race([
    line.then(([text]: string[]) => JSON.parse(text ?? '') as { port: number; adopted: boolean }),
    ended.then(() => {
      throw new Error('the holder of the cluster has ended');
    }),
  ]);
  // A test that kills it early does not ask.
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
