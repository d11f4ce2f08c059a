import {
  ChargeBatches,
  paymentConfig,
  paymentMigrations,
  paymentSettings,
  SimulatedGateway,
} from '../../pkg/payment/index.js';
import { readSettings } from '../../pkg/config/index.js';
import { money } from '../../pkg/money/index.js';
import { migrate } from '../../pkg/postgres/index.js';
import { pause, uuidv7 } from '../../pkg/runtime/index.js';
import type { Cell, Timing } from '../cell.js';
import { ownWork, type ReferenceServer } from './own-work.js';

const callers = 64;
const connections = 20;
const amount = money('USD', 1000);

/**
 * The simulated gateway alone: an authorization and a capture for each order, in this process and in a database of its own.
 * A shop with a real processor does not pay for this work.
 */
export async function simulatedGateway(name: string, server: ReferenceServer, timing: Timing): Promise<Cell> {
  const { database: db, url } = await server.open('gateway', connections);
  await migrate(url, paymentMigrations);
  const { gateway: config } = paymentConfig(readSettings({}, paymentSettings));
  const charges = new ChargeBatches(db, { maxItems: callers });
  const gateway = new SimulatedGateway({
    db,
    charges,
    config,
    random: Math.random,
    wait: pause,
    newId: uuidv7,
  });
  const { signal } = new AbortController();
  const call = async (end: number): Promise<number> => {
    let orders = 0;
    for (; performance.now() < end; orders += 1) {
      const key = uuidv7();
      await gateway.authorize({ key, orderId: key, amount, method: 'pm_approve', signal });
      await gateway.capture({ key, amount: amount.minor, signal });
    }
    return orders;
  };
  const work = async (end: number): Promise<number> =>
    (await Promise.all(Array.from({ length: callers }, () => call(end)))).reduce(
      (sum, count) => sum + count,
      0,
    );
  const processes = new Map([
    [process.pid, 'gateway'],
    [server.pid, 'postgres'],
  ]);
  return ownWork({ name, processes, work }, timing);
}
