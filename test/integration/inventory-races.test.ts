import { expect } from 'chai';
import type { Reason } from '../../pkg/errors/index.js';
import {
  aReserve,
  deadlocksIn,
  expectSoundBooks,
  lapse,
  outcomeOf,
  seededRandom,
  shuffled,
  stateOf,
  stockUp,
} from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

const rounds = 60;
const seed = Number(process.env['TEST_SEED'] ?? 20_261_120);

type Step = 'reserve' | 'commit' | 'release' | 'lapse' | 'rival';
type Outcome = 'OK' | Reason;

/** What each step may answer in whatever company. */
const possible: Readonly<Record<Step, readonly Outcome[]>> = {
  reserve: ['OK', 'OUT_OF_STOCK', 'RESERVATION_RELEASED'],
  commit: [
    'OK',
    'RESERVATION_NOT_FOUND',
    'RESERVATION_RELEASED',
    'RESERVATION_EXPIRED',
    'ILLEGAL_TRANSITION',
  ],
  release: ['OK'],
  lapse: ['OK'],
  rival: ['OK', 'OUT_OF_STOCK'],
};

describe('reserve, commit, release and expiry of one reservation at once', () => {
  let server: TestInventory;
  let clients: InventoryClient[];

  before(async () => {
    const sweeping = { RESERVATION_SWEEP_INTERVAL: '50ms' };
    server = await startInventoryForTest(sweeping);
    const replica = await server.addReplica(sweeping);
    clients = [server.client, replica, ...server.clients(6)];
  });
  after(() => server.close());

  it(`leave sound books in ${rounds} random interleavings (TEST_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < rounds; round += 1) {
      await race(round, random);
    }
    expect(await deadlocksIn(server.db)).to.equal(0n);
  });

  /** Two SKUs, enough for one reservation and a bit; the rival wants what the reservation has. */
  async function race(round: number, random: (below: number) => number): Promise<void> {
    const { client, db } = server;
    const units = { [`x-${round}`]: 2, [`y-${round}`]: 3 };
    await stockUp(client, { [`x-${round}`]: 3, [`y-${round}`]: 3 });
    const request = aReserve(units);
    const { reservationId } = request;
    if (random(3) > 0) await client.reserveStock(request);
    const run = (step: Step, by: InventoryClient): Promise<unknown> => {
      switch (step) {
        case 'reserve':
          return by.reserveStock({ ...request, items: shuffled(request.items, random) });
        case 'commit':
          return by.commitReservation({ reservationId });
        case 'release':
          return by.releaseReservation({ reservationId });
        case 'lapse':
          return lapse(db, reservationId);
        case 'rival':
          return by.reserveStock(aReserve({ [`y-${round}`]: 1 + random(3) }));
      }
    };
    const steps = shuffled(
      [...Array<Step>(3).fill('reserve'), ...Array<Step>(3).fill('commit'), ...someOf(random)],
      random,
    );
    const outcomes = await Promise.all(
      steps.map(async (step) => ({ step, outcome: await outcomeOf(run(step, pick(random))) })),
    );
    const told = `round ${round}: ${outcomes.map(({ step, outcome }) => `${step} ${outcome}`).join(', ')}`;
    for (const { step, outcome } of outcomes) expect(possible[step], told).to.include(outcome);
    await expectSoundBooks(client, Object.keys(units));
    await expectLastingAnswers(reservationId, outcomes, told);
  }

  function pick(random: (below: number) => number): InventoryClient {
    return clients[random(clients.length)] ?? server.client;
  }

  /** Who was told that the stock is withdrawn can rely on it; who was refused, too. */
  async function expectLastingAnswers(
    reservationId: string,
    outcomes: readonly { step: Step; outcome: Outcome }[],
    told: string,
  ): Promise<void> {
    const state = await stateOf(server.client, reservationId);
    const answered = (step: Step, outcome: Outcome): boolean =>
      outcomes.some((one) => one.step === step && one.outcome === outcome);
    const wasReleased = answered('release', 'OK');
    if (answered('commit', 'OK')) expect(state, told).to.equal(wasReleased ? 'RETURNED' : 'COMMITTED');
    if (answered('reserve', 'OUT_OF_STOCK')) expect(state, told).to.equal('REFUSED');
    if (wasReleased) expect(['RELEASED', 'RETURNED', 'REFUSED'], told).to.include(state);
    if (!answered('commit', 'RESERVATION_EXPIRED')) return;
    const again = await outcomeOf(server.client.commitReservation({ reservationId }));
    expect(again, told).to.equal('RESERVATION_EXPIRED');
  }
});

function someOf(random: (below: number) => number): Step[] {
  const choices: Step[] = ['release', 'release', 'lapse', 'lapse', 'rival', 'rival'];
  return choices.filter(() => random(2) === 0);
}
