import { expect } from 'chai';
import { awaitTerminal } from '../../../pkg/order/watch/await-terminal.js';
import type { Order, SagaOrder, TimelineEntry } from '../../../pkg/order/domain.js';
import { recordProgress } from '../../../pkg/order/saga/store.js';
import { acceptOrders, findOrder } from '../../../pkg/order/store.js';
import { anOrder } from '../../../pkg/order/testing/builders.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions } from '../../support/order/replica.js';

describe('awaitTerminal', () => {
  const fixture = useOrders();

  it('returns a payment action that is stored after the feed has streamed its entry', async () => {
    const { db } = fixture.database;
    const driver = uuidv7();
    const order = anOrder({ step: 'AUTHORIZE_PAYMENT' });
    await acceptOrders(db, [{ order, fingerprint: Buffer.alloc(32), driver, traceId: '' }]);
    const entry: TimelineEntry = {
      revision: 2,
      from: 'PENDING',
      to: 'PENDING',
      step: 'AUTHORIZE_PAYMENT',
      outcome: 'IN_DOUBT',
      attempt: 1,
      time: new Date(),
      traceId: '',
      detail: 'PAYMENT_ACTION_REQUIRED',
    };
    let reads = 0;
    const feed = {
      async *watch(_id: string, _after: number, signal: AbortSignal): AsyncIterable<TimelineEntry> {
        yield entry;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const orders = {
      find: (id: string) => findOrder(db, id).finally(() => (reads += 1)),
    };
    let answer: Order | undefined;
    void awaitTerminal({ orders, feed }, { order }, callOptions(60_000)).then((result) => (answer = result));
    await waitFor(() => reads > 0, 'read before the entry is stored');

    const paymentAction = { url: 'https://bank.example/3ds', dueAt: new Date(Date.now() + 60_000) };
    const waiting: SagaOrder = { ...order, revision: 2, paymentAction };
    const expected = { revision: 1, driver };
    await recordProgress(db, {
      order: waiting,
      entries: [entry],
      expected,
      next: { kind: 'PARKED', delayMs: 2000 },
    });

    await waitFor(() => answer !== undefined, 'answer');
    expect(answer).to.deep.include({ state: 'PENDING', paymentAction });
  });
});
