import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OrderRequest } from '../../pkg/order/domain.js';
import type { StepResult } from '../../pkg/order/saga-plan.js';
import type { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import type { Placing, StepAnswer, StepCall } from './order-child.js';

/** A replica in another process, which shares the other services with this one. */
export interface ReplicaProcess {
  place(request: OrderRequest): void;
  /** Ends it without a chance to say goodbye. */
  kill(): Promise<void>;
}

/** Starts a replica in another process and waits until it is ready. */
export async function forkReplica(
  url: string,
  ports: FakePorts,
  env: Readonly<Record<string, string>>,
): Promise<ReplicaProcess> {
  const script = fileURLToPath(new URL('order-child.ts', import.meta.url));
  const child = fork(script, [url, JSON.stringify(env)], {
    execArgv: ['--import=tsx'],
    serialization: 'advanced',
  });
  const exited = once(child, 'exit');
  const ready = once(child, 'message');
  await Promise.race([
    ready,
    exited.then(() => {
      throw new Error('the replica has ended');
    }),
  ]);
  const send = (message: StepAnswer | Placing): void => {
    if (child.connected) child.send(message);
  };
  child.on('message', (message: StepCall) => {
    void answer(ports, message).then(send);
  });
  return {
    place: (request) => send({ kind: 'place', request }),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function answer(ports: FakePorts, { call, step, order, deadline }: StepCall): Promise<StepAnswer> {
  const result: StepResult | undefined = await ports.call(step, order, { deadline }).catch(() => undefined);
  return { kind: 'answer', call, result };
}
