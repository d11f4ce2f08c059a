import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { startOrder } from '../../cmd/order-service/app.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { dumpSchema } from '../../pkg/postgres/schema.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { createEmptyDatabase, createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { Scope } from '../../pkg/runtime/index.js';

describe('the schema of the orders', () => {
  it('is what schema.sql says', async () => {
    const { db, drop } = await createTestDatabase(orderMigrations);
    const dump = await dumpSchema(db);
    await drop();
    const committed = await readFile(new URL('../../pkg/order/schema.sql', import.meta.url), 'utf8');
    expect(dump).to.equal(committed);
  });

  it('is wanted by the service before it starts', async () => {
    const { url, drop } = await createEmptyDatabase();
    const scope = new Scope();
    const env = { DATABASE_URL: url, GRPC_PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'silent' };
    const error = await failureOf(startOrder(loadOrderConfig(env), scope));
    expect(error.message).to.contain('0001_initial').and.to.contain('--migrate');
    await scope.close();
    await drop();
  });
});
