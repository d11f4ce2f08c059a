import { expect } from 'chai';
import { AppError, type Reason } from '../../../pkg/errors/index.js';
import type { RemoteStep } from '../../../pkg/order/saga/plan.js';
import {
  failing,
  hanging,
  inSequence,
  losingAnswer,
  refusing,
  times,
} from '../../../pkg/order/testing/faults.js';
import { confirmedTimeline, forwardSteps } from '../../../pkg/order/testing/timeline.js';
import { useOrders } from '../../support/order/fixture.js';
import { fastRecovery } from '../../support/order/replica.js';

const failure = (reason: Reason): Error => new AppError({ reason, message: 'test failure' });
const failures = [
  failure('DEPENDENCY_UNAVAILABLE'),
  failure('DEADLINE_EXCEEDED'),
  failure('CONFLICT'),
  new TypeError('library failure'),
];

const voidedTimeline = [
  'ACCEPT → PENDING',
  'RESERVE_STOCK',
  'AUTHORIZE_PAYMENT',
  'COMMIT_STOCK refused',
  'VOID_PAYMENT',
  'RELEASE_STOCK',
  'REJECT → REJECTED',
];

/** Returns the timeline with `doubts` additional attempts in doubt before the successful attempt of the step. */
function withDoubt(timeline: readonly string[], step: RemoteStep, doubts: number): string[] {
  const suffix = (attempt: number): string => (attempt > 1 ? ` #${attempt}` : '');
  const attempts = Array.from({ length: doubts }, (_, index) => `${step} in doubt${suffix(index + 1)}`);
  return timeline.flatMap((line) => (line === step ? [...attempts, `${step}${suffix(doubts + 1)}`] : [line]));
}

describe('a step in doubt', () => {
  const fixture = useOrders({ SAGA_STEP_TIMEOUT: '50ms', ...fastRecovery });

  const entriesInDoubt = async (id: string) =>
    (await fixture.orders.getTimeline(id, '')).filter(({ outcome }) => outcome === 'IN_DOUBT');

  for (const step of forwardSteps) {
    it(`is repeated after any failure of ${step} until the step succeeds`, async () => {
      fixture.ports.faults.set(step, inSequence(...failures.map(failing)));

      const { id } = await fixture.create();

      expect(await fixture.finishedTimeline(id)).to.deep.equal(withDoubt(confirmedTimeline, step, 4));
      const details = (await entriesInDoubt(id)).map(({ detail }) => detail);
      expect(details).to.deep.equal(['DEPENDENCY_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CONFLICT', 'INTERNAL']);
    });

    it(`takes effect once when answers of ${step} are lost`, async () => {
      const lost = [failure('INTERNAL'), failure('DEPENDENCY_UNAVAILABLE'), failure('CANCELLED')];
      fixture.ports.faults.set(step, inSequence(...lost.map(losingAnswer)));

      const { id } = await fixture.create();

      expect(await fixture.finishedTimeline(id)).to.deep.equal(withDoubt(confirmedTimeline, step, 3));
    });

    it(`is repeated after the deadline of the attempt when ${step} hangs`, async () => {
      fixture.ports.faults.set(step, inSequence(hanging, hanging));

      const { id } = await fixture.create();

      expect(await fixture.finishedTimeline(id)).to.deep.equal(withDoubt(confirmedTimeline, step, 2));
      expect((await entriesInDoubt(id)).map(({ detail }) => detail)).to.deep.equal(
        Array(2).fill('DEADLINE_EXCEEDED'),
      );
    });
  }

  for (const step of ['VOID_PAYMENT', 'RELEASE_STOCK'] as const)
    it(`is repeated when the step is ${step} of a rejected order`, async () => {
      fixture.ports.faults.set('COMMIT_STOCK', refusing({ reason: 'RESERVATION_EXPIRED' }));
      fixture.ports.faults.set(
        step,
        inSequence(failing(failure('CONFLICT')), losingAnswer(new Error('lost')), hanging),
      );

      const order = await fixture.create();

      expect(order.state).to.equal('REJECTED');
      expect(await fixture.finishedTimeline(order.id)).to.deep.equal(withDoubt(voidedTimeline, step, 3));
    });

  it('is repeated when the step is REFUND_PAYMENT of a cancelled order', async () => {
    const { id } = await fixture.create();
    fixture.ports.faults.set('REFUND_PAYMENT', inSequence(losingAnswer(new Error('lost')), hanging));

    await fixture.cancel(id);

    expect(await fixture.finishedTimeline(id)).to.deep.equal([
      ...confirmedTimeline,
      'REQUEST_CANCELLATION → CANCELLING',
      'REFUND_PAYMENT in doubt',
      'REFUND_PAYMENT in doubt #2',
      'REFUND_PAYMENT #3',
      'RELEASE_STOCK',
      'CANCEL → CANCELLED',
    ]);
  });

  it('adds few timeline entries when the step is repeated often', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', times(17, failing(new Error('down'))));

    const { id } = await fixture.create();

    expect(fixture.ports.stepsOf(id)).to.have.lengthOf(4 + 17);
    const attempts = (await fixture.orders.getTimeline(id, '')).filter(
      ({ step }) => step === 'AUTHORIZE_PAYMENT',
    );
    expect(attempts.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3, 4, 8, 16, 18]);
    await fixture.finishedTimeline(id);
  });

  it('is visible in the order and its timeline before the step succeeds', async () => {
    fixture.ports.faults.set(
      'CAPTURE_PAYMENT',
      inSequence(...failures.slice(0, 2).map(failing), async ({ id }) => {
        const order = await fixture.orders.getOrder(id, '');
        expect(order).to.include({ state: 'PENDING', revision: 6 });
        expect((await entriesInDoubt(id)).map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
        return undefined;
      }),
    );

    const { id } = await fixture.create();

    expect(await fixture.finishedTimeline(id)).to.deep.equal(
      withDoubt(confirmedTimeline, 'CAPTURE_PAYMENT', 2),
    );
  });
});
