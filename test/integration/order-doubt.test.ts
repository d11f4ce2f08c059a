import { expect } from 'chai';
import { AppError, type Reason } from '../../pkg/errors/index.js';
import type { RemoteStep } from '../../pkg/order/saga-plan.js';
import { failing, hanging, inTurn, losingAnswer, refusing, times } from '../../pkg/order/testing/faults.js';
import { useOrders } from './order-bench.js';

const failure = (reason: Reason): Error => new AppError({ reason, message: 'of a test' });
const failures = [
  failure('DEPENDENCY_UNAVAILABLE'),
  failure('DEADLINE_EXCEEDED'),
  failure('CONFLICT'),
  new TypeError('of some library'),
];

const forward: readonly RemoteStep[] = [
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK',
  'CAPTURE_PAYMENT',
];
const confirmed = ['ACCEPT → PENDING', ...forward, 'CONFIRM → CONFIRMED'];
const voided = [
  'ACCEPT → PENDING',
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK refused',
  'VOID_PAYMENT',
  'RELEASE_STOCK',
  'REJECT → REJECTED',
];

/** A story in which a step was so many times in doubt before it succeeded. */
function withDoubt(story: readonly string[], step: RemoteStep, doubts: number): string[] {
  const number = (attempt: number): string => (attempt > 1 ? ` #${attempt}` : '');
  const attempts = Array.from({ length: doubts }, (_, index) => `${step} in doubt${number(index + 1)}`);
  return story.flatMap((line) => (line === step ? [...attempts, `${step}${number(doubts + 1)}`] : [line]));
}

describe('a step in doubt', () => {
  const bench = useOrders({ SAGA_STEP_TIMEOUT: '50ms' });

  const doubtsOf = async (id: string) =>
    (await bench.orders.getTimeline(id, '')).filter(({ outcome }) => outcome === 'IN_DOUBT');

  for (const step of forward) {
    it(`is repeated whatever the failure, until there is an answer to ${step}`, async () => {
      bench.ports.faults.set(step, inTurn(...failures.map(failing)));

      const { id } = await bench.create();

      expect(await bench.storyOf(id)).to.deep.equal(withDoubt(confirmed, step, 4));
      const details = (await doubtsOf(id)).map(({ detail }) => detail);
      expect(details).to.deep.equal(['DEPENDENCY_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CONFLICT', 'INTERNAL']);
    });

    it(`takes effect once when the answers to ${step} are lost after the effect`, async () => {
      const lost = [failure('INTERNAL'), failure('DEPENDENCY_UNAVAILABLE'), failure('CANCELLED')];
      bench.ports.faults.set(step, inTurn(...lost.map(losingAnswer)));

      const { id } = await bench.create();

      expect(await bench.storyOf(id)).to.deep.equal(withDoubt(confirmed, step, 3));
    });

    it(`is given up at its deadline and repeated when ${step} hangs`, async () => {
      bench.ports.faults.set(step, inTurn(hanging, hanging));

      const { id } = await bench.create();

      expect(await bench.storyOf(id)).to.deep.equal(withDoubt(confirmed, step, 2));
      expect((await doubtsOf(id)).map(({ detail }) => detail)).to.deep.equal(
        Array(2).fill('DEADLINE_EXCEEDED'),
      );
    });
  }

  for (const step of ['VOID_PAYMENT', 'RELEASE_STOCK'] as const)
    it(`is no less in doubt while compensating: ${step} is repeated until done`, async () => {
      bench.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
      bench.ports.faults.set(
        step,
        inTurn(failing(failure('CONFLICT')), losingAnswer(new Error('lost')), hanging),
      );

      const order = await bench.create();

      expect(order.state).to.equal('REJECTED');
      expect(await bench.storyOf(order.id)).to.deep.equal(withDoubt(voided, step, 3));
    });

  it('is no less in doubt while compensating: REFUND_PAYMENT is repeated until done', async () => {
    const { id } = await bench.create();
    bench.ports.faults.set('REFUND_PAYMENT', inTurn(losingAnswer(new Error('lost')), hanging));

    await bench.cancel(id);

    expect(await bench.storyOf(id)).to.deep.equal([
      ...confirmed,
      'REQUEST_CANCELLATION → CANCELLING',
      'REFUND_PAYMENT in doubt',
      'REFUND_PAYMENT in doubt #2',
      'REFUND_PAYMENT #3',
      'RELEASE_STOCK',
      'CANCEL → CANCELLED',
    ]);
  });

  it('cannot be refused for good where money or stock must go back', async () => {
    const refused = async () =>
      ({ kind: 'refused', rejection: { reason: 'STEP_REFUSED' }, detail: '' }) as const;
    let calls = 0;
    // Not through the books, where a refusal would be definite.
    bench.ports.inventory.release = async (order) => {
      calls += 1;
      if (calls < 3) return refused();
      return bench.ports.booksOf(order.id).apply('RELEASE_STOCK', order);
    };
    bench.ports.faults.set('AUTHORIZE_PAYMENT', refusing({ reason: 'PAYMENT_DECLINED' }));

    const { id } = await bench.create();

    expect((await bench.storyOf(id)).slice(3)).to.deep.equal([
      'RELEASE_STOCK in doubt',
      'RELEASE_STOCK in doubt #2',
      'RELEASE_STOCK #3',
      'REJECT → REJECTED',
    ]);
  });

  it('does not flood the timeline', async () => {
    bench.ports.faults.set('AUTHORIZE_PAYMENT', times(17, failing(new Error('down'))));

    const { id } = await bench.create();

    expect(bench.ports.stepsOf(id)).to.have.lengthOf(4 + 17);
    const attempts = (await bench.orders.getTimeline(id, '')).filter(
      ({ step }) => step === 'AUTHORIZE_PAYMENT',
    );
    expect(attempts.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 4, 8, 16, 18]);
    await bench.storyOf(id);
  });

  it('is seen by whoever looks while it lasts', async () => {
    bench.ports.faults.set(
      'CAPTURE_PAYMENT',
      inTurn(...failures.slice(0, 2).map(failing), async ({ id }) => {
        const order = await bench.orders.getOrder(id, '');
        expect(order).to.include({ state: 'PENDING', revision: 6 });
        expect((await doubtsOf(id)).map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
        return undefined;
      }),
    );

    const { id } = await bench.create();

    expect(await bench.storyOf(id)).to.deep.equal(withDoubt(confirmed, 'CAPTURE_PAYMENT', 2));
  });
});
