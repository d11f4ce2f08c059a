import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { catalogMigrations } from '../../../pkg/catalog/migrations.js';
import { inventoryMigrations } from '../../../pkg/inventory/migrations.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { codeBlocks } from '../../docs/code-blocks.js';

const migrations = {
  order: orderMigrations,
  inventory: inventoryMigrations,
  payment: paymentMigrations,
  catalog: catalogMigrations,
};
const queries = readdirSync('docs/runbooks').flatMap((page) =>
  codeBlocks(readFileSync(`docs/runbooks/${page}`, 'utf8'), 'sql').map((query) => ({ page, query })),
);

describe('SQL in the runbooks', () => {
  it('consists of select statements after a comment that names the database', () => {
    for (const { page, query } of queries) {
      expect(query, page).to.match(/^ *-- (order|inventory|payment|any) database\n *select /);
    }
  });

  for (const [name, set] of Object.entries(migrations)) {
    describe(`${name} database`, () => {
      let database: TestDatabase;
      before(async () => {
        database = await createTestDatabase(set);
      });
      after(() => database.drop());

      const databaseQueries = queries.filter(({ query }) =>
        new RegExp(`-- (${name}|any) database`).test(query),
      );
      for (const [position, { page, query }] of databaseQueries.entries()) {
        it(`executes query ${position + 1}, which is in ${page}`, async () => {
          await database.db.query({ name: `runbook.${name}.${position}`, text: query, values: [] });
        });
      }
    });
  }
});
