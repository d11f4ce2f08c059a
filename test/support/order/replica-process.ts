import type { OrderRequest, SagaOrder } from '../../../pkg/order/domain.js';
import type { OrderPorts } from '../../../pkg/order/clients/clients.js';
import type { RemoteStep, StepResult } from '../../../pkg/order/saga/plan.js';
import { FakePorts, lifetimeOf } from '../../../pkg/order/testing/fake-ports.js';
import type { CallOptions } from '../../../pkg/rpc/index.js';
import { callOptions, startReplica, type Env } from './replica.js';

// fork-replica.ts runs this script in a child process. The script starts a replica. The fake services are in the parent
// process: the replica sends a message to the parent for each call of a step.

export interface StepCall {
  readonly kind: 'call';
  /** Number of the call. */
  readonly call: number;
  readonly step: RemoteStep;
  readonly order: SagaOrder;
  readonly deadline: number | undefined;
}

export interface StepAnswer {
  readonly kind: 'answer';
  /** Number of the answered call. */
  readonly call: number;
  /** Undefined when the call failed. */
  readonly result: StepResult | undefined;
}

export interface CreateOrder {
  readonly kind: 'create';
  readonly request: OrderRequest;
}

const pendingCalls = new Map<number, (answer: StepAnswer) => void>();
let calls = 0;

const remote =
  (step: RemoteStep) =>
  async (order: SagaOrder, { deadline }: CallOptions): Promise<StepResult> => {
    calls += 1;
    const call = calls;
    const answered = new Promise<StepAnswer>((resolve) => pendingCalls.set(call, resolve));
    process.send?.({ kind: 'call', call, step, order, deadline } satisfies StepCall);
    const { result } = await answered;
    if (!result) throw new Error(`${step} has no answer`);
    return result;
  };

const { catalog, refunds, resolutions } = new FakePorts();
const ports: OrderPorts = {
  catalog,
  refunds,
  resolutions,
  inventory: {
    reserve: remote('RESERVE_STOCK'),
    lifetime: async () => lifetimeOf(15 * 60_000),
    commit: remote('COMMIT_STOCK'),
    release: remote('RELEASE_STOCK'),
  },
  payment: {
    authorize: remote('AUTHORIZE_PAYMENT'),
    capture: remote('CAPTURE_PAYMENT'),
    void: remote('VOID_PAYMENT'),
    refund: remote('REFUND_PAYMENT'),
  },
};

const [url = '', settings = '{}'] = process.argv.slice(2);
const replica = await startReplica(url, ports, JSON.parse(settings) as Env);
process.on('message', (message: StepAnswer | CreateOrder) => {
  if (message.kind === 'answer') pendingCalls.get(message.call)?.(message);
  else void replica.orders.createOrder(message.request, callOptions());
});
// The parent disconnects when the test run is killed.
process.on('disconnect', () => process.exit());
process.send?.({ kind: 'ready' });
