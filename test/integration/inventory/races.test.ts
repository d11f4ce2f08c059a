import { expect } from 'chai';
import type { Reason } from '../../../pkg/errors/index.js';
import {
  aReserve,
  deadlocksIn,
  expectConsistentStock,
  expire,
  outcomeOf,
  seededRandom,
  shuffled,
  stateOf,
  addStock,
} from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

const rounds = 60;
const seed = Number(process.env['TEST_SEED'] ?? 20_261_120);

type Step = 'reserve' | 'commit' | 'release' | 'expire' | 'competitor';
type Outcome = 'OK' | Reason;

/** The outcomes that each step may have in any interleaving. */
const allowed: Readonly<Record<Step, readonly Outcome[]>> = {
  reserve: ['OK', 'OUT_OF_STOCK', 'RESERVATION_RELEASED'],
  commit: [
    'OK',
    'RESERVATION_NOT_FOUND',
    'RESERVATION_RELEASED',
    'RESERVATION_EXPIRED',
    'ILLEGAL_TRANSITION',
  ],
  release: ['OK'],
  expire: ['OK'],
  competitor: ['OK', 'OUT_OF_STOCK'],
};

describe('concurrent reserve, commit, release and expiry of one reservation', () => {
  let server: TestInventory;
  let clients: InventoryClient[];

  before(async () => {
    const sweeping = { RESERVATION_SWEEP_INTERVAL: '50ms' };
    server = await startInventoryForTest(sweeping);
    const replica = await server.addReplica(sweeping);
    clients = [server.client, replica, ...server.clients(6)];
  });
  after(() => server.close());

  it(`keep the stock consistent in ${rounds} random interleavings (TEST_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < rounds; round += 1) {
      await race(round, random);
    }
    expect(await deadlocksIn(server.db)).to.equal(0n);
  });

  /** Runs the steps of one reservation concurrently. The step `competitor` reserves one of the SKUs for another reservation. */
  async function race(round: number, random: (below: number) => number): Promise<void> {
    const { db } = server;
    const units = { [`x-${round}`]: 2, [`y-${round}`]: 3 };
    await addStock(server.client, { [`x-${round}`]: 3, [`y-${round}`]: 3 });
    const request = aReserve(units);
    const { reservationId } = request;
    if (random(3) > 0) await server.client.reserveStock(request);
    const run = (step: Step, client: InventoryClient): Promise<unknown> => {
      switch (step) {
        case 'reserve':
          return client.reserveStock({ ...request, items: shuffled(request.items, random) });
        case 'commit':
          return client.commitReservation({ reservationId });
        case 'release':
          return client.releaseReservation({ reservationId });
        case 'expire':
          return expire(db, reservationId);
        case 'competitor':
          return client.reserveStock(aReserve({ [`y-${round}`]: 1 + random(3) }));
      }
    };
    const steps = shuffled(
      [...Array<Step>(3).fill('reserve'), ...Array<Step>(3).fill('commit'), ...someSteps(random)],
      random,
    );
    const outcomes = await Promise.all(
      steps.map(async (step) => ({ step, outcome: await outcomeOf(run(step, pick(random))) })),
    );
    const summary = `round ${round}: ${outcomes.map(({ step, outcome }) => `${step} ${outcome}`).join(', ')}`;
    for (const { step, outcome } of outcomes) expect(allowed[step], summary).to.include(outcome);
    await expectConsistentStock(server.client, Object.keys(units));
    await expectFinalOutcomes(reservationId, outcomes, summary);
  }

  function pick(random: (below: number) => number): InventoryClient {
    return clients[random(clients.length)] ?? server.client;
  }

  /** Expects that a successful commit is undone only by a release, and that a rejection is final. */
  async function expectFinalOutcomes(
    reservationId: string,
    outcomes: readonly { step: Step; outcome: Outcome }[],
    summary: string,
  ): Promise<void> {
    const state = await stateOf(server.client, reservationId);
    const occurred = (step: Step, outcome: Outcome): boolean =>
      outcomes.some((entry) => entry.step === step && entry.outcome === outcome);
    const wasReleased = occurred('release', 'OK');
    if (occurred('commit', 'OK')) expect(state, summary).to.equal(wasReleased ? 'RETURNED' : 'COMMITTED');
    if (occurred('reserve', 'OUT_OF_STOCK')) expect(state, summary).to.equal('REFUSED');
    if (wasReleased) expect(['RELEASED', 'RETURNED', 'REFUSED'], summary).to.include(state);
    if (!occurred('commit', 'RESERVATION_EXPIRED')) return;
    const repeated = await outcomeOf(server.client.commitReservation({ reservationId }));
    expect(repeated, summary).to.equal('RESERVATION_EXPIRED');
  }
});

function someSteps(random: (below: number) => number): Step[] {
  const choices: Step[] = ['release', 'release', 'expire', 'expire', 'competitor', 'competitor'];
  return choices.filter(() => random(2) === 0);
}
