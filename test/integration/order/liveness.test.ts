import { expect } from 'chai';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { Gate, inSequence } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { forkReplica, type ReplicaProcess } from '../../support/order/fork-replica.js';
import type { Replica } from '../../support/order/replica.js';
import { waitFor } from '../../support/wait-for.js';

const settings = { HEARTBEAT_INTERVAL: '50ms', HEARTBEAT_TIMEOUT: '1s' };
const readLockHolders = sql(
  'test.liveness_lock_holders',
  `select l.pid from pg_locks l join pg_database d on d.oid = l.database
   where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and d.datname = current_database()`,
);
const terminate = sql('test.terminate_session', 'select pg_terminate_backend($pid)');
const readDriver = sql('test.order_driver', 'select driver from orders where id = $id');

describe('the liveness of an instance', () => {
  const fixture = useOrders(settings);
  let victim: ReplicaProcess | undefined;
  afterEach(async () => {
    await victim?.kill();
    victim = undefined;
  });

  const driverOf = async (id: string): Promise<string | null | undefined> =>
    (await fixture.database.db.query<{ driver: string | null }>(readDriver({ id })))[0]?.driver;
  const lockHolders = async (): Promise<number[]> =>
    (await fixture.database.db.query<{ pid: number }>(readLockHolders())).map(({ pid }) => pid);
  const skippedRounds = async (replica: Replica): Promise<number> =>
    Number(/^claim_rounds_total\{outcome="skipped"\} (\d+)$/m.exec(await replica.metrics())?.[1]);

  /** Lets an instance accept an order whose payment hangs. */
  async function hangingOrder(gate: Gate): Promise<string> {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', inSequence(gate.beforeEffect()));
    const request = anOrderRequest();
    victim?.create(request);
    if (!victim) await fixture.accept(request);
    await gate.reached;
    return fixture.ports.calls.at(-1)?.orderId ?? '';
  }

  it('does not end when its heartbeat is late and it holds its lock', async () => {
    const gate = new Gate();
    const id = await hangingOrder(gate);
    const driver = await driverOf(id);
    await fixture.stopHeartbeats(5);

    await fixture.claimRound([await fixture.start(settings)]);

    expect(await driverOf(id)).to.equal(driver);
    gate.open();
    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(fixture.ports.stepsOf(id)).to.have.lengthOf(4);
  });

  it('ends when it is killed: its order is taken over within two seconds', async () => {
    victim = await forkReplica(fixture.database.url, fixture.ports, settings);
    const gate = new Gate();
    const id = await hangingOrder(gate);
    const successor = await fixture.start(settings);

    const killedAt = performance.now();
    await victim.kill();
    await waitFor(() => fixture.ports.stepsOf(id).length > 2, 'repeated step of the order');

    expect(performance.now() - killedAt).to.be.below(2000);
    expect((await fixture.finishedTimeline(id, successor.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    gate.open();
  });

  it('ends after a long silence of a frozen process, whose later writes change nothing', async () => {
    victim = await forkReplica(fixture.database.url, fixture.ports, settings);
    const gate = new Gate();
    const id = await hangingOrder(gate);
    const driver = await driverOf(id);
    const successor = await fixture.start(settings);
    victim.freeze();

    await fixture.ageHeartbeat(driver ?? '', 5);
    await fixture.claimRound([successor]);
    expect(await driverOf(id)).to.equal(driver);
    await fixture.ageHeartbeat(driver ?? '', 11);
    const timeline = await fixture.finishedTimeline(id, successor.orders);

    victim.resume();
    gate.open();
    const later = anOrderRequest();
    victim.create(later);
    const calls = () => fixture.ports.calls.filter(({ step }) => step === 'CAPTURE_PAYMENT').length;
    await waitFor(() => calls() === 2, 'order of the process that was frozen');
    expect(timeline.at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(await fixture.finishedTimeline(id, successor.orders)).to.deep.equal(timeline);
  });

  it('is restored after its session was terminated', async () => {
    const [pid] = await lockHolders();

    await fixture.database.db.query(terminate({ pid }));

    const [successor] = await waitFor(async () => {
      const holders = await lockHolders();
      return holders.length > 0 && !holders.includes(pid ?? 0) && holders;
    }, 'new session with the lock');
    expect(successor).to.be.a('number');
    expect((await fixture.create()).state).to.equal('CONFIRMED');
  });

  it('is required for claims: an instance whose own heartbeat is late claims nothing', async () => {
    const slow = await fixture.start({ ...settings, HEARTBEAT_TIMEOUT: '200ms' });
    await fixture.stopHeartbeats(0);
    await waitFor(async () => (await skippedRounds(slow)) > 0, 'skipped claim round of the slow replica');
    await waitFor(async () => (await skippedRounds(fixture.replica)) > 0, 'skipped claim round');
    const [orphan] = await fixture.storeOrphans(1);
    const driver = await driverOf(orphan?.id ?? '');

    const skipped = await skippedRounds(slow);
    await waitFor(async () => (await skippedRounds(slow)) > skipped + 2, 'further skipped claim rounds');

    expect(await driverOf(orphan?.id ?? '')).to.equal(driver);
    const successor = await fixture.start(settings);
    await fixture.finishedTimeline(orphan?.id ?? '', successor.orders);
  });
});
