import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from '../pkg/runtime/index.js';

/** Starts what takes spans and forgets them; ends with `scope`. Returns its URL. */
export async function startSink(scope: Scope): Promise<string> {
  const sink = fork(new URL(import.meta.resolve('./span-sink.js')));
  scope.defer(() => void sink.kill());
  const [port] = (await once(sink, 'message')) as [number];
  return `http://127.0.0.1:${port}`;
}
