import { expect } from 'chai';
import { catalogService } from '../../../cmd/catalog-service/app.js';
import { inventoryService } from '../../../cmd/inventory-service/app.js';
import { orderService } from '../../../cmd/order-service/app.js';
import { paymentService } from '../../../cmd/payment-service/app.js';
import { catalogMigrations } from '../../../pkg/catalog/index.js';
import { inventoryMigrations } from '../../../pkg/inventory/index.js';
import { orderMigrations } from '../../../pkg/order/index.js';
import { paymentMigrations } from '../../../pkg/payment/index.js';
import { CatalogServiceService } from '../../../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import { sql, type BoundStatement, type MigrationSet } from '../../../pkg/postgres/index.js';
import type { CallOptions } from '../../../pkg/rpc/index.js';
import { isAppError } from '../../../pkg/errors/index.js';
import { Scope, uuidv7 } from '../../../pkg/runtime/index.js';
import { failureOf } from '../../support/expect-reason.js';
import { createTestDatabase } from '../../support/postgres/test-database.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { testSettings } from '../../support/test-settings.js';
import { waitFor } from '../../support/wait-for.js';

type Call = (options?: CallOptions) => Promise<unknown>;

interface WaitingCase {
  readonly migrations: MigrationSet;
  /** Blocks the statements of the call. */
  readonly lock: () => BoundStatement;
  /** Starts the service with one database connection and returns a call that reads from its database. */
  start(env: Readonly<Record<string, string>>, scope: Scope): Promise<Call>;
}

const unusedAddresses = {
  INVENTORY_SERVICE_ADDR: '127.0.0.1:1',
  PAYMENT_SERVICE_ADDR: '127.0.0.1:1',
  CATALOG_SERVICE_ADDR: '127.0.0.1:1',
};

const cases: Readonly<Record<string, WaitingCase>> = {
  'catalog-service': {
    migrations: catalogMigrations,
    lock: sql('test.lock_products', 'lock table products in access exclusive mode'),
    start: async (env, scope) => {
      const { address } = await catalogService.start(catalogService.configure(env), scope);
      const client = scope.use(loneClient(CatalogServiceService, address));
      return (options) => client.listProducts({ pageSize: 1, pageToken: '' }, options);
    },
  },
  'inventory-service': {
    migrations: inventoryMigrations,
    lock: sql('test.lock_stock', 'lock table stock in access exclusive mode'),
    start: async (env, scope) => {
      const config = inventoryService.configure({ ...env, RESERVATION_SWEEP_INTERVAL: '24h' });
      const { address } = await inventoryService.start(config, scope);
      const client = scope.use(loneClient(InventoryServiceService, address));
      return (options) => client.listStock({ pageSize: 1, pageToken: '' }, options);
    },
  },
  'order-service': {
    migrations: orderMigrations,
    lock: sql('test.lock_orders', 'lock table orders in access exclusive mode'),
    start: async (env, scope) => {
      const config = orderService.configure({ ...env, ...unusedAddresses });
      const { address } = await orderService.start(config, scope);
      const client = scope.use(loneClient(OrderServiceService, address));
      const orderId = uuidv7();
      return (options) =>
        client.getOrder({ orderId, customerId: '' }, options).catch((error: unknown) => {
          if (!isAppError(error) || error.reason !== 'ORDER_NOT_FOUND') throw error;
        });
    },
  },
  'payment-service': {
    migrations: paymentMigrations,
    lock: sql('test.lock_payments', 'lock table payments in access exclusive mode'),
    start: async (env, scope) => {
      const config = paymentService.configure({ ...env, REFUND_RESOLVE_INTERVAL: '10m' });
      const { address } = await paymentService.start(config, scope);
      const client = scope.use(loneClient(PaymentServiceService, address));
      return (options) => client.listPayments({ orderId: '', pageSize: 1, pageToken: '' }, options);
    },
  },
};

const countBlocked = sql(
  'test.count_blocked',
  `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);
/** Twice this number exceeds the 10 callers that may wait for one connection; background work may wait as well. */
const waiters = 6;

describe('a call that waits for a connection', () => {
  let scope: Scope;

  beforeEach(() => {
    scope = new Scope();
  });
  afterEach(() => scope.close());

  for (const [name, { migrations, lock, start }] of Object.entries(cases))
    it(`leaves the queue of ${name} at its deadline, and later calls are served`, async () => {
      const { url, db, drop } = await createTestDatabase(migrations);
      scope.defer(drop);
      const call = await start({ ...testSettings, DATABASE_URL: url, DATABASE_POOL_MAX: '1' }, scope);
      // The first call waits for the statements that the service runs at its start.
      await call();
      const served = await db.transaction(async (tx) => {
        await tx.query(lock());
        const blocked = call();
        await waitFor(async () => (await db.query(countBlocked())).length > 0, 'blocked call');
        const late = Array.from({ length: waiters }, () => failureOf(call({ timeoutMs: 100 })));
        const reasons = (await Promise.all(late)).map((error) => Reflect.get(error, 'reason') as unknown);
        expect(new Set(reasons)).to.deep.equal(new Set(['DEADLINE_EXCEEDED']));
        return [blocked, ...Array.from({ length: waiters }, () => call())];
      });
      await Promise.all(served);
    });
});
