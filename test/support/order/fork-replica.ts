import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OrderRequest } from '../../../pkg/order/domain.js';
import type { StepResult } from '../../../pkg/order/saga/plan.js';
import type { FakePorts } from '../../../pkg/order/testing/fake-ports.js';
import type { Env } from './replica.js';
import type { CreateOrder, StepAnswer, StepCall } from './replica-process.js';

/** A replica in a child process. The replica calls the fake services of the test process. */
export interface ReplicaProcess {
  create(request: OrderRequest): void;
  /** Stops the execution of the process (SIGSTOP) until `resume`. Its sockets stay open. */
  freeze(): void;
  resume(): void;
  /** Sends SIGKILL and waits for the exit. The replica cannot release its orders. */
  kill(): Promise<void>;
}

/** Starts a replica in a child process and waits until the replica is ready. */
export async function forkReplica(url: string, ports: FakePorts, env: Env): Promise<ReplicaProcess> {
  const script = fileURLToPath(new URL('replica-process.ts', import.meta.url));
  const child = fork(script, [url, JSON.stringify(env)], {
    execArgv: ['--import=tsx'],
    serialization: 'advanced',
  });
  const exited = once(child, 'exit');
  const ready = once(child, 'message');
  await Promise.race([
    ready,
    exited.then(() => {
      throw new Error('the replica ended before it was ready');
    }),
  ]);
  const send = (message: StepAnswer | CreateOrder): void => {
    if (child.connected) child.send(message);
  };
  child.on('message', (message: StepCall) => {
    void answer(ports, message).then(send);
  });
  return {
    create: (request) => send({ kind: 'create', request }),
    freeze: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function answer(ports: FakePorts, { call, step, order, deadline }: StepCall): Promise<StepAnswer> {
  const options = deadline === undefined ? {} : { deadline };
  const result: StepResult | undefined = await ports.call(step, order, options).catch(() => undefined);
  return { kind: 'answer', call, result };
}
