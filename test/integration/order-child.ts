import type { OrderRequest, SagaOrder } from '../../pkg/order/domain.js';
import type { OrderPorts } from '../../pkg/order/clients.js';
import type { CallBounds } from '../../pkg/order/ports.js';
import type { RemoteStep, StepResult } from '../../pkg/order/saga-plan.js';
import { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import { patience, startReplica } from './order-replica.js';

// A replica in a process of its own, for tests to kill. The other services are in the parent's: each
// call of a step is a message to it, and so is the answer. `order-child-process.ts` is the other side.

export interface StepCall {
  readonly kind: 'call';
  readonly call: number;
  readonly step: RemoteStep;
  readonly order: SagaOrder;
  readonly deadline: number;
}

export interface StepAnswer {
  readonly kind: 'answer';
  readonly call: number;
  /** Undefined: no answer. */
  readonly result: StepResult | undefined;
}

/** Asks the child to place an order. */
export interface Placing {
  readonly kind: 'place';
  readonly request: OrderRequest;
}

const waiting = new Map<number, (answer: StepAnswer) => void>();
let calls = 0;

const remote =
  (step: RemoteStep) =>
  async (order: SagaOrder, bounds: CallBounds): Promise<StepResult> => {
    calls += 1;
    const call = calls;
    const answered = new Promise<StepAnswer>((resolve) => waiting.set(call, resolve));
    process.send?.({ kind: 'call', call, step, order, deadline: bounds.deadline } satisfies StepCall);
    const { result } = await answered;
    if (!result) throw new Error(`${step} was not answered`);
    return result;
  };

const ports: OrderPorts = {
  catalog: new FakePorts().catalog,
  inventory: {
    reserve: remote('RESERVE_STOCK'),
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
const replica = await startReplica(url, ports, JSON.parse(settings) as Record<string, string>);
process.on('message', (message: StepAnswer | Placing) => {
  if (message.kind === 'answer') waiting.get(message.call)?.(message);
  else void replica.orders.createOrder(message.request, patience());
});
// A test run that is killed must not leave it behind.
process.on('disconnect', () => process.exit());
process.send?.({ kind: 'ready' });
