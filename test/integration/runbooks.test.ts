import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { inventoryMigrations } from '../../pkg/inventory/migrations.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { sql } from '../../pkg/postgres/index.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { codeBlocks } from '../docs/code-blocks.js';

const migrations = {
  order: orderMigrations,
  inventory: inventoryMigrations,
  payment: paymentMigrations,
  catalog: catalogMigrations,
};
const queries = readdirSync('docs/runbooks').flatMap((page) =>
  codeBlocks(readFileSync(`docs/runbooks/${page}`, 'utf8'), 'sql').map((query) => ({ page, query })),
);

describe('the SQL of the runbooks', () => {
  it('says first which database it is for, and only reads', () => {
    for (const { page, query } of queries) {
      expect(query, page).to.match(/^ *-- (order|inventory|payment|any) database\n *select /);
    }
  });

  for (const [name, set] of Object.entries(migrations)) {
    describe(`for the ${name} database`, () => {
      let database: TestDatabase;
      before(async () => {
        database = await createTestDatabase(set);
      });
      after(() => database.drop());

      const own = queries.filter(({ query }) => new RegExp(`-- (${name}|any) database`).test(query));
      for (const [position, { page, query }] of own.entries()) {
        it(`runs: ${page}, query ${position + 1}`, async () => {
          await database.db.query(sql(`runbook.${name}.${position}`, query));
        });
      }
    });
  }
});
