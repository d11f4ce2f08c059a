import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from '../pkg/runtime/index.js';

/** A process that serves a port. */
export interface ChildServer {
  readonly port: number;
  readonly pid: number;
}

/** Starts a module that sends its port to the parent process. Closing `scope` ends the process. */
export async function startChildServer(
  module: string,
  args: readonly string[],
  scope: Scope,
): Promise<ChildServer> {
  const child = fork(new URL(module, import.meta.url), args);
  scope.defer(() => void child.kill());
  const [port] = (await once(child, 'message')) as [number];
  return { port, pid: child.pid ?? 0 };
}
