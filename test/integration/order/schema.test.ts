import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { orderService } from '../../../cmd/order-service/app.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { dumpSchema } from '../../../pkg/postgres/migrations/schema.js';
import { failureOf } from '../../support/expect-reason.js';
import { createEmptyDatabase, createTestDatabase } from '../../support/postgres/test-database.js';
import { Scope } from '../../../pkg/runtime/index.js';

describe('the order database schema', () => {
  it('equals schema.sql', async () => {
    const { db, drop } = await createTestDatabase(orderMigrations);
    const dump = await dumpSchema(db);
    await drop();
    const committed = await readFile(new URL('../../../pkg/order/schema.sql', import.meta.url), 'utf8');
    expect(dump).to.equal(committed);
  });

  it('is required at start-up, with an error that names the missing migration', async () => {
    const { url, drop } = await createEmptyDatabase();
    const scope = new Scope();
    const env = { DATABASE_URL: url, GRPC_PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'silent' };
    const error = await failureOf(orderService.start(orderService.configure(env), scope));
    expect(error.message).to.contain('0001_initial').and.to.contain('--migrate');
    await scope.close();
    await drop();
  });
});
